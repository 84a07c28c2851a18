// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "io/timers.h"
#include "io/worker.h"
#include "scsi/reservations.h"

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
    // Before the bound has its say, the ranges of writes that outlive it are fenced.
    void expect_fence() { ++fences_; }
    void fence_is_up();
    // No more commands will be added: done at once when nothing is pending.
    void seal(io::Duration bound);

  private:
    void finish(bool all_ended);
    void bound_passed();
    io::Worker& worker_;
    io::Timer timer_;
    std::function<void(bool)> done_;
    size_t pending_ = 0;
    size_t fences_ = 0;  // that are not up yet
    bool sealed_ = false;
    bool late_ = false;
};

// Aborts the commands of `victims`. Those that wait for data, for their turn or for a fence end
// inside the call; those with the store end when it gives them back, or at once where it can
// cancel. There are no responses; but with `tell_all_but`, which TAS wants (SAM-5 5.6), commands
// of every other nexus end with TASK ABORTED. On their worker.
void abort_commands(const std::vector<Command*>& victims, const std::shared_ptr<AbortWait>& wait,
                    const std::optional<NexusId>& tell_all_but = std::nullopt);
// All commands of a nexus, but `except`.
std::vector<Command*> commands_of(ItlNexus& itl, const Command* except = nullptr);

}  // namespace tgt::scsi
