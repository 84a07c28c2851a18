// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <unordered_map>

#include "io/timers.h"
#include "store/fault/fault_store.h"

namespace tgt::store::fault {

// The way of one worker into a FaultStore. Operations that the rules let pass go to the inner
// store's queue untouched and at once. The others are held here: for a delay on the worker's
// timers, in the store's list of those that hang, with others in a Reorder, or as a blocking call
// on the lane (short transfers, and everything while the cache is on).
class FaultQueue final : public StoreQueue {
  public:
    FaultQueue(FaultStore& store, io::Worker& worker, io::PoolLane& lane);
    FaultQueue(const FaultQueue&) = delete;
    ~FaultQueue() override;

    bool submit(Op& op) override;
    bool cancel(Op& op) override;

  private:
    // An operation that is held, from submit() until it goes to the inner queue or completes. As a
    // task it is what other threads hand back to the worker.
    struct Held : Task {
        Held(FaultQueue& in, Op& of) : queue(in), op(of), timer([this] { queue.fired(*this); }) {}
        FaultQueue& queue;
        Op& op;
        Verdict verdict;
        // Where it is: what happens when its time is over, and how it is taken back.
        enum class Place : uint8_t { delay, hung, reorder, lane } place = Place::delay;
        io::Timer timer;
    };
    struct ReorderJob;

    Held& hold(Op& op, const Verdict& verdict);
    void let_go(Held& held);
    bool go_on(Op& op);
    void resume(Held& held);

    void start(Held& held);
    void start_fail(Held& held);
    void start_lane(Held& held);
    void start_hang(Held& held);
    void start_reorder(Held& held);
    void run_together(const Held& held, Reorder::Batch batch);

    void fired(Held& held);
    void hang_is_over(Held& held);
    void patience_is_over(Held& held);

    bool take_from_delay(Held& held);
    bool take_from_hung(Held& held);
    bool take_from_reorder(Held& held);
    bool take_from_lane(Held& held);

    static void run_on_lane(Task& task);
    static void resume_on_worker(Task& task);
    static void complete_on_worker(Task& task);

    FaultStore& store_;
    io::Worker& worker_;
    io::PoolLane& lane_;
    const std::unique_ptr<StoreQueue> inner_;
    std::unordered_map<const Op*, std::unique_ptr<Held>> held_;
};

}  // namespace tgt::store::fault
