// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/aio/queue.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "base/log.h"

namespace tgt::store::aio {

// Outlives the queue when the worker still has it for the end of the turn.
struct AioQueue::TurnEnd : Task {
    AioQueue* queue;
    bool armed = false;

    explicit TurnEnd(AioQueue* owner) : queue(owner) { run = at_turn_end; }
    static void at_turn_end(Task& task) {
        auto& self = static_cast<TurnEnd&>(task);
        self.armed = false;
        if (self.queue)
            self.queue->submit_waiting();
        else
            delete &self;
    }
};

AioQueue::AioQueue(AioStore& store, io::Worker& worker, io::PoolLane& lane)
    : store_(store),
      worker_(worker),
      pool_(store, worker, lane),
      turn_end_(std::make_unique<TurnEnd>(this)) {}

AioQueue::~AioQueue() {
    assert(waiting_.empty() && free_slots_.size() == slots_.size());
    if (turn_end_->armed) turn_end_.release()->queue = nullptr;
    if (!ring_) return;
    worker_.poller().remove(ring_->event(), *this);
    store_.retire(std::move(ring_));
}

bool AioQueue::submit(Op& op) {
    op.error = store_.refusal(op);
    if (op.error || op.kind == OpKind::prefetch || op.kind == OpKind::forget) return true;
    if (!store_.asynchronous(op) || !opened()) return pool_.submit(op);
    op.done = 0;
    op.queue = this;
    waiting_.push_back(&op);
    arm_turn_end();
    return false;
}

bool AioQueue::cancel(Op& op) {
    return op.queue == this ? std::erase(waiting_, &op) > 0 : pool_.cancel(op);
}

bool AioQueue::opened() {
    if (state_ == State::unopened) open();
    return state_ == State::open;
}

void AioQueue::open() {
    state_ = State::refused;
    const unsigned depth = store_.options().depth;
    auto ring = Ring::open(store_.options().system, depth);
    if (!ring) {
        log::error(log::Module::store,
                   "{}: {}; until the LUN is opened again this worker reads and writes it through "
                   "threads",
                   store_.path(), ring.error().text);
        return;
    }
    if (!worker_.poller().add((*ring)->event(), EPOLLIN, *this)) {
        store_.retire(std::move(*ring));
        return;
    }
    ring_ = std::move(*ring);
    slots_.resize(depth);
    for (Slot& slot : slots_) free_slots_.push_back(&slot);
    batch_.reserve(depth);
    events_.resize(depth);
    state_ = State::open;
}

void AioQueue::arm_turn_end() {
    if (std::exchange(turn_end_->armed, true)) return;
    worker_.at_turn_end(*turn_end_);
}

void AioQueue::submit_waiting() {
    size_t count = std::min(waiting_.size(), free_slots_.size());
    batch_.clear();
    for (size_t i = 0; i < count; ++i) {
        Slot& slot = *free_slots_.back();
        free_slots_.pop_back();
        slot.op = waiting_[i];
        store_.prepare(*slot.op, slot.request);
        slot.request.data = &slot;
        io_set_eventfd(&slot.request, ring_->event());
        batch_.push_back(&slot.request);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + ptrdiff_t(count));
    hand_over(batch_);
}

// What the kernel does not take goes to the pool, which will find out if it cannot be done at all.
void AioQueue::hand_over(std::span<iocb*> batch) {
    while (!batch.empty()) {
        int taken = ring_->submit(batch);
        if (taken <= 0) {
            Op& op = release(*static_cast<Slot*>(batch.front()->data));
            continue_on_pool(op, -taken);
        }
        batch = batch.subspan(size_t(std::max(taken, 1)));
    }
    if (!waiting_.empty() && !free_slots_.empty()) arm_turn_end();
}

Op& AioQueue::release(Slot& slot) {
    free_slots_.push_back(&slot);
    return *std::exchange(slot.op, nullptr);
}

void AioQueue::continue_on_pool(Op& op, int refusal) {
    if (refusal == EOPNOTSUPP) store_.refused(op);
    pool_.go_on(op);
}

// True when the operation is complete.
bool AioQueue::settle(Op& op, long result) {
    if (result == -EAGAIN || result == -EOPNOTSUPP) {
        continue_on_pool(op, int(-result));
        return false;
    }
    if (result > 0) op.done += uint64_t(result);
    if (result > 0 && op.done < op.length && op.done % store_.info().required_alignment == 0) {
        continue_on_pool(op, 0);
        return false;
    }
    // Nothing at all, or a stop off the alignment: the end.
    bool all = result > 0 && op.done >= op.length;
    op.error = all ? 0 : store_.outcome(op, result < 0 ? int(-result) : EIO);
    op.done = 0;
    return true;
}

// The last completion may destroy the queue: nothing of it is touched from the first on.
void AioQueue::on_ready(uint32_t) {
    Task* first = nullptr;
    Task** last = &first;
    for (const io_event& event : ring_->reap(events_)) {
        Op& op = release(*static_cast<Slot*>(event.data));
        if (!settle(op, long(event.res))) continue;
        *last = &op.task;
        last = &op.task.next;
    }
    *last = nullptr;
    if (!waiting_.empty()) arm_turn_end();
    while (first) {
        Op& op = op_of(*first);
        first = first->next;
        op.complete(op);
    }
}

}  // namespace tgt::store::aio
