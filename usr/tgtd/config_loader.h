// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tgt::tgtd {

// Runs tgt-admin on the configuration file as a child, one at a time, and passes on to the log what
// it prints. The main thread's, which has SIGCHLD blocked and calls ended() when it came. A child
// that still runs when this dies ends by itself: the daemon no longer answers it.
class ConfigLoader {
  public:
    // `file` is absolute.
    ConfigLoader(std::string file, unsigned control_port)
        : file_(std::move(file)), control_port_(control_port) {}
    ConfigLoader(const ConfigLoader&) = delete;

    Result<void> begin();
    bool running() const { return pid_ > 0; }
    // Readable: call read_output(). -1: nothing to read.
    int output() const { return output_.get(); }
    void read_output();
    // Whether the child has ended by now; then problem() is about it.
    bool ended();
    void interrupt() const;

    // Empty: the file was loaded whole. Else a sentence, with the last line that it printed; what
    // it leaves out it says, and then ends well.
    const std::string& problem() const { return problem_; }
    const std::string& file() const { return file_; }

  private:
    Result<void> not_run(const std::string& program, int error);
    void take_line(std::string line);
    void conclude(int status);

    const std::string file_;
    const unsigned control_port_;
    pid_t pid_ = 0;
    UniqueFd output_;
    std::string partial_;    // a line that has no end yet
    std::string last_line_;  // that it printed
    size_t lines_ = 0;
    std::string problem_;
};

// The program beside this one; its bare name, for $PATH, when there is none.
std::string find_companion(std::string_view name);

}  // namespace tgt::tgtd
