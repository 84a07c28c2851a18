// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/op_batch.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "io/blocking_pool.h"
#include "io/worker.h"
#include "store/pooled_queue.h"

namespace tgt::store {

namespace {

constexpr size_t max_runners = 16;
constexpr unsigned completions_per_wake = 32;
constexpr auto quick = std::chrono::microseconds(100);  // an operation that did not wait
constexpr io::Duration first_look = std::chrono::milliseconds(1);
constexpr io::Duration longest_between_looks = std::chrono::milliseconds(128);

}  // namespace

// A task that keeps the state while it is with the worker or the lane.
struct OpBatch::Holder : Task {
    std::shared_ptr<State> state;  // set meanwhile
};

struct OpBatch::State : std::enable_shared_from_this<State> {
    State(Store& its_store, io::Worker& its_worker, io::PoolLane& its_lane, void (*then)(Task&))
        : store(its_store), worker(its_worker), lane(its_lane), complete(then) {
        turn_end.run = end_turn;
        for (Holder& runner : runners) {
            runner.run = run_batch;
            runner.next = std::exchange(idle, &runner);
        }
    }

    Store& store;
    io::Worker& worker;
    io::PoolLane& lane;
    void (*const complete)(Task&);
    Holder turn_end;  // the worker's

    std::mutex mutex;  // of all that follows
    Task* first = nullptr;
    Task** last = &first;
    std::array<Holder, max_runners> runners;  // each lets one thread run what waits
    Task* idle = nullptr;                     // of them, linked by `next`
    size_t running = 0;

    Task* take() {
        Task* task = first;
        if (task && !(first = task->next)) last = &first;
        return task;
    }
    void start_runner();
    bool perform(Task& task);
};

OpBatch::OpBatch(Store& store, io::Worker& worker, io::PoolLane& lane, void (*complete)(Task&))
    : state_(std::make_shared<State>(store, worker, lane, complete)),
      look_([this] { look(); }),
      patience_(first_look) {}

OpBatch::~OpBatch() = default;

void OpBatch::add(Op& op) {
    op.task.next = nullptr;
    {
        std::lock_guard lock(state_->mutex);
        *state_->last = &op.task;
        state_->last = &op.task.next;
    }
    if (!state_->turn_end.state) {
        state_->turn_end.state = state_;
        state_->worker.at_turn_end(state_->turn_end);
    }
    if (look_.armed()) return;
    patience_ = first_look;
    state_->worker.timers().arm_in(look_, patience_);
}

bool OpBatch::take_back(Op& op) {
    std::lock_guard lock(state_->mutex);
    for (Task** link = &state_->first; *link; link = &(*link)->next) {
        if (*link != &op.task) continue;
        if (!(*link = op.task.next)) state_->last = link;
        return true;
    }
    return false;
}

void OpBatch::end_turn(Task& task) {
    const std::shared_ptr<State> state = std::move(static_cast<Holder&>(task).state);
    std::unique_lock lock(state->mutex);
    const bool needed = state->first && state->running == 0;
    lock.unlock();
    if (needed) state->start_runner();
}

void OpBatch::State::start_runner() {
    std::unique_lock lock(mutex);
    if (!idle) return;
    auto& runner = static_cast<Holder&>(*std::exchange(idle, idle->next));
    ++running;
    lock.unlock();
    runner.state = shared_from_this();
    lane.submit(runner);
}

// Somebody waits for the device: the others shall not wait for it. The less happens, the more
// seldom it looks.
void OpBatch::look() {
    std::unique_lock lock(state_->mutex);
    const bool in_flight = state_->running > 0;
    const bool waiting = state_->first != nullptr;
    lock.unlock();
    if (waiting) state_->start_runner();
    if (!in_flight && !waiting) return;
    patience_ = std::min(patience_ * 2, longest_between_looks);
    state_->worker.timers().arm_in(look_, patience_);
}

// True: it took its time. The operation belongs to the worker from push() on.
bool OpBatch::State::perform(Task& task) {
    Op& op = op_of(task);
    const auto begun = io::Clock::now();
    op.error = store.perform(op);
    const bool slow = io::Clock::now() - begun > quick;
    op.done = 0;
    op.task.run = complete;
    worker.push(op.task);
    return slow;
}

void OpBatch::run_batch(Task& task) {
    auto& runner = static_cast<Holder&>(task);
    const std::shared_ptr<State> state = std::move(runner.state);
    unsigned unannounced = 0;
    std::unique_lock lock(state->mutex);
    while (Task* next = state->take()) {
        lock.unlock();
        ++unannounced;
        if (state->perform(*next) || unannounced >= completions_per_wake) {
            state->worker.wake();
            unannounced = 0;
        }
        lock.lock();
    }
    runner.next = std::exchange(state->idle, &runner);
    --state->running;
    lock.unlock();
    if (unannounced > 0) state->worker.wake();
}

}  // namespace tgt::store
