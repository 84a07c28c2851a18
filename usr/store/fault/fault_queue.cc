// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/fault_queue.h"

#include <array>
#include <cassert>
#include <utility>

#include "io/blocking_pool.h"
#include "io/worker.h"

namespace tgt::store::fault {

namespace {

bool is_hint(const Op& op) {
    return op.kind == OpKind::prefetch || op.kind == OpKind::forget;
}

}  // namespace

FaultQueue::FaultQueue(FaultStore& store, io::Worker& worker, io::PoolLane& lane)
    : store_(store), worker_(worker), lane_(lane), inner_(store.inner().make_queue(worker, lane)) {}

FaultQueue::~FaultQueue() {
    assert(held_.empty());
}

FaultQueue::Held& FaultQueue::hold(Op& op, const Verdict& verdict) {
    auto held = std::make_unique<Held>(*this, op);
    held->verdict = verdict;
    return *(held_[&op] = std::move(held));
}

void FaultQueue::let_go(Held& held) {
    held.op.done = 0;
    held_.erase(&held.op);
}

bool FaultQueue::submit(Op& op) {
    if (!store_.rules().any()) return go_on(op);
    const Verdict verdict = store_.rules().judge(op);
    if (verdict.delay > io::Duration(0)) {
        worker_.timers().arm_in(hold(op, verdict).timer, verdict.delay);
        return false;
    }
    if (verdict.action == Verdict::Action::pass) return go_on(op);
    op.error = verdict.error;
    if (verdict.action == Verdict::Action::fail) return true;
    start(hold(op, verdict));
    return false;
}

// Behind the rules.
bool FaultQueue::go_on(Op& op) {
    if (!store_.cached() || is_hint(op)) return inner_->submit(op);
    start_lane(hold(op, {}));
    return false;
}

void FaultQueue::resume(Held& held) {
    Op& op = held.op;
    let_go(held);
    if (go_on(op)) op.complete(op);
}

// --- the faults --------------------------------------------------------------------------------

void FaultQueue::start(Held& held) {
    static constexpr std::array<void (FaultQueue::*)(Held&), 5> by_action = {
        &FaultQueue::resume,     &FaultQueue::start_fail,    &FaultQueue::start_lane,
        &FaultQueue::start_hang, &FaultQueue::start_reorder,
    };
    static_assert(size_t(Verdict::Action::reorder) + 1 == by_action.size());
    (this->*by_action[size_t(held.verdict.action)])(held);
}

void FaultQueue::start_fail(Held& held) {
    held.op.error = held.verdict.error;
    complete_on_worker(held);
}

void FaultQueue::start_lane(Held& held) {
    held.place = Held::Place::lane;
    held.run = run_on_lane;
    lane_.submit(held);
}

void FaultQueue::run_on_lane(Task& task) {
    Held& held = static_cast<Held&>(task);
    FaultStore& store = held.queue.store_;
    const Verdict& verdict = held.verdict;
    held.op.error = verdict.action == Verdict::Action::short_
                        ? store.run_short(held.op, verdict.bytes, verdict.error)
                        : store.run(held.op);
    held.run = complete_on_worker;
    held.queue.worker_.post(held);
}

void FaultQueue::start_hang(Held& held) {
    held.place = Held::Place::hung;
    held.run = resume_on_worker;
    if (held.verdict.at_most) worker_.timers().arm_in(held.timer, *held.verdict.at_most);
    store_.hung().add(held, worker_);
}

void FaultQueue::start_reorder(Held& held) {
    held.place = Held::Place::reorder;
    held.run = complete_on_worker;
    worker_.timers().arm_in(held.timer, *held.verdict.at_most);
    run_together(held, held.verdict.together->join(held.op, held, worker_));
}

// Its operations may belong to several queues.
struct FaultQueue::ReorderJob : Task {
    FaultStore* store = nullptr;
    std::shared_ptr<Reorder> together;
    Reorder::Batch batch;

    static void run_and_delete(Task& task) {
        std::unique_ptr<ReorderJob> job(static_cast<ReorderJob*>(&task));
        job->together->run(job->batch, [store = job->store](Op& op) { return store->run(op); });
    }
};

void FaultQueue::run_together(const Held& held, Reorder::Batch batch) {
    if (batch.empty()) return;
    auto job = std::make_unique<ReorderJob>();
    job->run = ReorderJob::run_and_delete;
    job->store = &store_;
    job->together = held.verdict.together;
    job->batch = std::move(batch);
    lane_.submit(*job.release());
}

// --- the ends ----------------------------------------------------------------------------------

void FaultQueue::resume_on_worker(Task& task) {
    Held& held = static_cast<Held&>(task);
    held.queue.resume(held);
}

void FaultQueue::complete_on_worker(Task& task) {
    Held& held = static_cast<Held&>(task);
    Op& op = held.op;
    held.queue.let_go(held);
    op.complete(op);
}

void FaultQueue::fired(Held& held) {
    static constexpr std::array<void (FaultQueue::*)(Held&), 3> by_place = {
        &FaultQueue::start, &FaultQueue::hang_is_over, &FaultQueue::patience_is_over};
    if (held.place != Held::Place::lane) (this->*by_place[size_t(held.place)])(held);
}

// One that has been released already is on its way.
void FaultQueue::hang_is_over(Held& held) {
    if (store_.hung().withdraw(held)) resume(held);
}

void FaultQueue::patience_is_over(Held& held) {
    run_together(held, held.verdict.together->take_with(held.op));
}

bool FaultQueue::cancel(Op& op) {
    static constexpr std::array<bool (FaultQueue::*)(Held&), 4> by_place = {
        &FaultQueue::take_from_delay, &FaultQueue::take_from_hung, &FaultQueue::take_from_reorder,
        &FaultQueue::take_from_lane};
    static_assert(size_t(Held::Place::lane) + 1 == by_place.size());
    auto found = held_.find(&op);
    if (found == held_.end()) return inner_->cancel(op);
    Held& held = *found->second;
    if (!(this->*by_place[size_t(held.place)])(held)) return false;
    let_go(held);
    return true;
}

bool FaultQueue::take_from_delay(Held& held) {
    return held.verdict.delay_cancellable;
}

bool FaultQueue::take_from_hung(Held& held) {
    return held.verdict.cancellable && store_.hung().withdraw(held);
}

bool FaultQueue::take_from_reorder(Held& held) {
    return held.verdict.cancellable && held.verdict.together->withdraw(held.op);
}

bool FaultQueue::take_from_lane(Held& held) {
    return lane_.take_back(held);
}

}  // namespace tgt::store::fault
