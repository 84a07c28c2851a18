// SPDX-License-Identifier: GPL-2.0-or-later
// What a daemon asks of the system around it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tgt::tgtd {

// Goes to the background. Returns in the daemon only: the first process stays until the daemon says
// through report() how starting went, prints the text and exits with that status. Before any thread
// exists.
class Background {
  public:
    static Result<Background> enter();
    void report(int status, std::string_view text);

  private:
    explicit Background(UniqueFd pipe) : pipe_(std::move(pipe)) {}
    UniqueFd pipe_;
};

// Mode 0644, no newline, as tgt writes it.
Result<void> write_pid_file(const std::string& path);

// Best effort; one log line for each limit that stays short.
void adjust_limits();

std::string read_machine_id();

// The value of an environment variable, which the programs that are started do not inherit; empty
// when it is not there. Before there are threads.
std::string take_variable(const char* name);

// Without a slash at its end; empty stays empty.
std::string absolute_path(const std::string& path);

}  // namespace tgt::tgtd
