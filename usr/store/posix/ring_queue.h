// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "io/clock.h"
#include "store/pooled_queue.h"
#include "store/posix/file_store.h"

namespace tgt::io {
class Worker;
}

namespace tgt::store::posix {

// A queue that gives to the worker's ring what the kernel can do without a thread, and the rest,
// and what comes back undone, to its pool. Worker's thread; it dies when nothing is in flight.
class RingQueue : public StoreQueue {
  public:
    RingQueue(FileStore& store, io::Worker& worker, std::unique_ptr<PooledQueue> pool)
        : store_(store), worker_(worker), pool_(std::move(pool)) {}
    RingQueue(const RingQueue&) = delete;
    ~RingQueue() override;

    // True for what has not been given to the kernel or to a thread yet.
    bool cancel(Op& op) final;

  protected:
    // Gives a read or write to the ring, from op.done on. False: there is no ring, or it does not
    // take this one.
    bool start(Op& op, int fd, int rwf_flags);
    // Nothing of what the ring has of this queue has ended for a while: the device may hang.
    bool stalled() const;
    PooledQueue& pool() { return *pool_; }

  private:
    // The kernel would not do it this way, for reasons of its own; the pool does it.
    virtual void refused(Op&, int /*error*/) {}
    static void ended(Task& task);
    bool settle(Op& op, int result);

    FileStore& store_;
    io::Worker& worker_;
    const std::unique_ptr<PooledQueue> pool_;
    size_t in_ring_ = 0;
    io::TimePoint progress_{};  // of what is in the ring
};

}  // namespace tgt::store::posix
