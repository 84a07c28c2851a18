// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/runtime.h"
#include "scsi/logical_unit.h"

namespace tgt::scsi {

class Target;

// A target on one worker: the LUN map and the nexuses here. Its worker's thread only.
class TargetShard {
  public:
    TargetShard(Target& target, io::Worker& worker) : target(target), worker(worker) {}

    Target& target;
    io::Worker& worker;
    std::map<uint64_t, LunShard*> luns;
    IntrusiveList<Nexus> nexuses;
};

// A SCSI target device with one port: a map from LUN to LogicalUnit. Many targets may lead to one
// LogicalUnit. Control thread, except shard(w), which belongs to worker w.
class Target : public std::enable_shared_from_this<Target> {
  public:
    Target(io::Runtime& runtime, std::string name, uint16_t relative_port);
    ~Target();  // no nexus is left

    io::Runtime& runtime() { return runtime_; }
    const std::string& name() const { return name_; }
    uint16_t relative_port() const { return relative_port_; }
    // How long a task management function, the end of a session or of a LUN waits for commands that
    // the store still has. Any thread.
    io::Duration abort_bound() const { return abort_bound_.load(std::memory_order_relaxed); }
    void set_abort_bound(io::Duration bound) {
        abort_bound_.store(bound, std::memory_order_relaxed);
    }
    TargetShard& shard(unsigned worker) { return *shards_[worker]; }
    const std::map<uint64_t, std::shared_ptr<LogicalUnit>>& luns() const { return luns_; }

    // The other LUNs of every nexus get UA 3Fh/0Eh (SPC-4 6.33), with each of these. `done` on the
    // control thread when every worker knows.
    void add_lun(uint64_t lun, std::shared_ptr<LogicalUnit> unit, std::function<void()> done);
    // New commands get 5/25h/00h at once; running ones are aborted. `done(true)` on the control
    // thread when no command of any worker uses the LUN through this target; `done(false)` when the
    // bound has passed first: the logical unit then stays alive until its last command has ended.
    void remove_lun(uint64_t lun, io::Duration bound, std::function<void(bool drained)> done);
    // Both in one step: new commands get to `unit` at once, and none finds the LUN missing. Running
    // ones are aborted, and `done` is called as by remove_lun(). The new unit has UA 3Fh/0Eh as
    // well: its LUN was there, but was another.
    void replace_lun(uint64_t lun, std::shared_ptr<LogicalUnit> unit, io::Duration bound,
                     std::function<void(bool drained)> done);

  private:
    void change_lun(uint64_t lun, std::shared_ptr<LogicalUnit> unit, io::Duration bound,
                    std::function<void(bool drained)> done);

    io::Runtime& runtime_;
    const std::string name_;
    const uint16_t relative_port_;
    std::atomic<io::Duration> abort_bound_{std::chrono::seconds(5)};
    std::map<uint64_t, std::shared_ptr<LogicalUnit>> luns_;
    std::vector<std::unique_ptr<TargetShard>> shards_;
};

}  // namespace tgt::scsi
