// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "io/poller.h"
#include "io/worker.h"
#include "store/aio/ring.h"
#include "store/aio/store.h"
#include "store/pooled_queue.h"

namespace tgt::store::aio {

// Reads and writes are collected during a turn of the worker, given to the kernel in one call at
// its end, and complete by an event of the poller. Nothing of that waits for the device: what the
// kernel cannot do without waiting (a write that needs space allocated, a read that needs a map of
// the file) comes back and goes to the pool, and so do the other operations. What exceeds the depth
// waits for its turn here. When the system gives no context, everything goes to the pool.
// Owns its ring, from the first operation on. Worker's thread; it dies when nothing is in flight.
class AioQueue final : public StoreQueue, private io::FdWatcher {
  public:
    AioQueue(AioStore& store, io::Worker& worker, io::PoolLane& lane);
    AioQueue(const AioQueue&) = delete;
    ~AioQueue() override;

    bool submit(Op& op) override;
    // True for what has not been given to the kernel or to a thread yet.
    bool cancel(Op& op) override;

  private:
    struct Slot {
        iocb request;
        Op* op;
    };
    struct TurnEnd;
    enum class State { unopened, open, refused };

    bool opened();
    void open();
    void arm_turn_end();
    void submit_waiting();
    void hand_over(std::span<iocb*> batch);
    Op& release(Slot& slot);
    bool settle(Op& op, long result);
    void continue_on_pool(Op& op, int refusal);
    void on_ready(uint32_t events) override;

    AioStore& store_;
    io::Worker& worker_;
    PooledQueue pool_;
    State state_ = State::unopened;
    std::unique_ptr<Ring> ring_;
    std::vector<Slot> slots_;
    std::vector<Slot*> free_slots_;
    std::vector<Op*> waiting_;  // oldest first
    std::vector<iocb*> batch_;
    std::vector<io_event> events_;
    std::unique_ptr<TurnEnd> turn_end_;
};

}  // namespace tgt::store::aio
