// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

#include "store/op_batch.h"
#include "store/store.h"

namespace tgt::store {

// The operation that a task is part of.
Op& op_of(Task& task);

// A StoreQueue for stores whose operations are blocking calls: an operation runs as
// Store::perform() on the lane and completes through the worker's mailbox, so that any number which
// end together cost one wake-up. Owns nothing; the store, the worker and the lane outlive it.
// Worker's thread; it dies when nothing is in flight.
class PooledQueue : public StoreQueue {
  public:
    PooledQueue(Store& store, io::Worker& worker, io::PoolLane& lane)
        : store_(store),
          worker_(worker),
          lane_(lane),
          batch_(store, worker, lane, complete_on_worker) {}
    PooledQueue(const PooledQueue&) = delete;
    ~PooledQueue() override;

    bool submit(Op& op) final;
    // True: it had not begun; no byte of a write is on the medium.
    bool cancel(Op& op) final;
    // As submit(), but the lane takes the operation in any case, and from op.done on.
    void go_on(Op& op);

  protected:
    // What an engine can do without waiting for the device. True: op is complete, with op.error
    // set. False: the lane does the rest, from op.done on.
    virtual bool try_now(Op&) { return false; }
    // Whether the calling thread will hardly ever wait: such operations share one.
    virtual bool seldom_waits(const Op&) const { return false; }

  private:
    void expect_more_if_deep();
    static void run_on_pool(Task& task);
    static void complete_on_worker(Task& task);

    Store& store_;
    io::Worker& worker_;
    io::PoolLane& lane_;
    OpBatch batch_;
    size_t in_flight_ = 0;
    io::TimePoint deep_until_{};  // many were in flight a moment ago
};

}  // namespace tgt::store
