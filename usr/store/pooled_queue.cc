// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/pooled_queue.h"

#include <cassert>
#include <cstddef>
#include <type_traits>

#include "io/blocking_pool.h"
#include "io/worker.h"

namespace tgt::store {

namespace {

constexpr size_t deep = 16;  // in flight
constexpr io::Duration stays_deep = std::chrono::milliseconds(20);

}  // namespace

Op& op_of(Task& task) {
    static_assert(std::is_standard_layout_v<Op>);
    return *reinterpret_cast<Op*>(reinterpret_cast<char*>(&task) - offsetof(Op, task));
}

PooledQueue::~PooledQueue() {
    assert(in_flight_ == 0);
}

bool PooledQueue::submit(Op& op) {
    op.done = 0;
    if (try_now(op)) {
        op.done = 0;
        return true;
    }
    go_on(op);
    return false;
}

void PooledQueue::go_on(Op& op) {
    op.queue = this;
    ++in_flight_;
    if (seldom_waits(op)) {
        expect_more_if_deep();
        return batch_.add(op);
    }
    op.task.run = run_on_pool;
    lane_.submit(op.task);
}

// Each batch costs two wake-ups: many operations that come a few at a time are better gathered.
void PooledQueue::expect_more_if_deep() {
    const io::TimePoint now = worker_.timers().now();
    if (in_flight_ >= deep) deep_until_ = now + stays_deep;
    if (now < deep_until_) worker_.expect_more();
}

bool PooledQueue::cancel(Op& op) {
    if (!batch_.take_back(op) && !lane_.take_back(op.task)) return false;
    if (op.kind == OpKind::write && op.done > 0) {
        --in_flight_;
        go_on(op);
        return false;
    }
    --in_flight_;
    op.done = 0;
    return true;
}

// The operation belongs to the worker again from post() on: nothing of it or of the queue is
// touched after.
void PooledQueue::run_on_pool(Task& task) {
    Op& op = op_of(task);
    auto& queue = static_cast<PooledQueue&>(*op.queue);
    op.error = queue.store_.perform(op);
    op.done = 0;
    op.task.run = complete_on_worker;
    queue.worker_.post(op.task);
}

void PooledQueue::complete_on_worker(Task& task) {
    Op& op = op_of(task);
    --static_cast<PooledQueue&>(*op.queue).in_flight_;
    op.complete(op);
}

}  // namespace tgt::store
