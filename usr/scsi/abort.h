// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "io/timers.h"
#include "io/worker.h"

namespace tgt::scsi {

class Command;
class ItlNexus;

// Counts aborted commands that have not ended yet. `done` runs once: when the last has ended
// (true), or when the bound has passed (false). Shared by the commands it waits for. One worker.
class AbortWait : public std::enable_shared_from_this<AbortWait> {
  public:
    AbortWait(io::Worker& worker, std::function<void(bool all_ended)> done);
    void expect() { ++pending_; }
    void one_ended();
    // No more commands will be added: done at once when nothing is pending.
    void seal(io::Duration bound);

  private:
    void finish(bool all_ended);
    io::Worker& worker_;
    io::Timer timer_;
    std::function<void(bool)> done_;
    size_t pending_ = 0;
    bool sealed_ = false;
};

// Aborts the commands of `victims` without responses. Those that wait for data or for their turn
// end inside the call; those with the store end when it gives them back, or at once where it can
// cancel. On their worker.
void abort_commands(const std::vector<Command*>& victims, const std::shared_ptr<AbortWait>& wait);
// All commands of a nexus, but `except`.
std::vector<Command*> commands_of(ItlNexus& itl, const Command* except = nullptr);

}  // namespace tgt::scsi
