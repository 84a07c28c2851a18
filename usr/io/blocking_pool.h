// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>

#include "base/mailbox.h"
#include "io/clock.h"

namespace tgt::io {

class PoolLane;

// Threads for calls that can wait for a device. Threads are made when a task finds none idle, and
// end after an idle while; how many may run at once is bounded by the lanes, so that one hung store
// never takes the threads of another. Any thread may call it.
class BlockingPool {
  public:
    BlockingPool();
    BlockingPool(const BlockingPool&) = delete;
    // Waits for nothing: threads that are stuck in the kernel are left behind with what they use.
    ~BlockingPool();

    // Runs `task` on some thread of the pool, soon. Prefer a lane.
    void submit(Task& task);
    // Waits until no task runs or is queued, or until the deadline; true when idle.
    bool wait_idle(TimePoint deadline);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

// A bounded way into the pool: at most `max_running` of its tasks run at once, in the order of
// submission. One lane per LUN (`tgtd -t`), plus lanes of their own for jobs that must not wait
// behind ordinary I/O. Any thread may call it. It must outlive the tasks that wait in it; one that
// runs may outlive the lane.
class PoolLane {
    struct State;
    struct Slot;

  public:
    PoolLane(BlockingPool& pool, unsigned max_running);
    PoolLane(const PoolLane&) = delete;
    ~PoolLane();

    void submit(Task& task);
    // Takes a task back that has not begun; false if it has (or never was here).
    bool take_back(Task& task);
    unsigned running() const;
    size_t queued() const;

    // The place of one running task, for the caller's own thread; what is submitted meanwhile waits
    // as behind any task. False: a task of the lane runs or waits, so it is not this caller's turn.
    class Turn {
      public:
        explicit Turn(PoolLane& lane) : lane_(lane), slot_(lane.enter()) {}
        ~Turn() {
            if (slot_) lane_.leave(*slot_);
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        explicit operator bool() const { return slot_ != nullptr; }

      private:
        PoolLane& lane_;
        Slot* const slot_;
    };

  private:
    Slot* enter();
    void leave(Slot& slot);

    BlockingPool& pool_;
    std::shared_ptr<State> state_;  // outlives the lane while a thread is about to leave it
};

}  // namespace tgt::io
