// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "io/blocking_pool.h"
#include "io/worker.h"

namespace tgt::io {

// The threads of the daemon: N workers for sessions and I/O, the control thread (a Worker too,
// which owns everything LUN-wide and daemon-wide), and the blocking pool. Made once by the program,
// outlives all users.
class Runtime {
  public:
    struct Options {
        unsigned workers = 1;                   // 1 or more
        bool pin = false;                       // workers pinned to CPUs of the affinity mask
        size_t memory_limit = size_t(1) << 30;  // buffers of all workers together
        bool ring = false;                      // store I/O by io_uring
        Duration busy_poll{0};                  // of the workers
    };
    explicit Runtime(const Options& options);
    Runtime(const Runtime&) = delete;
    // Stops workers, then the control thread. If pool threads are still stuck after a while, the
    // workers' memory is left behind with them.
    ~Runtime();

    void start();
    void stop();

    Worker& control() { return *control_; }
    unsigned worker_count() const { return unsigned(workers_.size()); }
    Worker& worker(unsigned index) { return *workers_[index]; }
    BlockingPool& pool() { return pool_; }

    // Runs `each(worker)` on every worker (its thread), then `done` on the control thread, after
    // all have run. Any thread.
    void on_every_worker(std::function<void(Worker&)> each, std::function<void()> done = {});

  private:
    BlockingPool pool_;
    std::unique_ptr<Worker> control_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

// CPUs this process may use: affinity mask and cgroup quota; at least 1. The default for --workers.
unsigned usable_cpus();

}  // namespace tgt::io
