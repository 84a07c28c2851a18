// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/blocking_pool.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "io/thread.h"

namespace tgt::io {

namespace {
constexpr auto idle_thread_lifetime = std::chrono::seconds(10);
}

// Shared with the threads, so that one stuck in the kernel can outlive the pool.
struct BlockingPool::State {
    std::mutex mutex;
    std::condition_variable work;
    std::condition_variable idle;
    std::deque<Task*> queue;
    size_t idle_threads = 0;
    size_t running = 0;
    bool ending = false;

    void serve();
    Task* next(std::unique_lock<std::mutex>& lock);
};

BlockingPool::BlockingPool() : state_(std::make_shared<State>()) {}

BlockingPool::~BlockingPool() {
    std::lock_guard lock(state_->mutex);
    state_->ending = true;
    state_->queue.clear();
    state_->work.notify_all();
}

void BlockingPool::submit(Task& task) {
    const std::shared_ptr<State> state = state_;  // the pool may go when the task has run
    std::unique_lock lock(state->mutex);
    state->queue.push_back(&task);
    if (state->idle_threads >= state->queue.size()) {
        // Under the lock the woken thread would run into it, and sleep once more.
        lock.unlock();
        state->work.notify_one();
        return;
    }
    try {
        start_thread("tgt-pool", [state] { state->serve(); }).detach();
    } catch (const std::system_error& error) {
        // A thread that ends its task, or the next submit(), will take it.
        log::error(log::Module::io, "no thread for blocking work: {}", error.what());
    }
}

void BlockingPool::State::serve() {
    std::unique_lock lock(mutex);
    while (Task* task = next(lock)) {
        ++running;
        lock.unlock();
        task->run(*task);
        lock.lock();
        if (--running == 0 && queue.empty()) idle.notify_all();
    }
}

// Null when the thread has been idle for its lifetime, or the pool ends.
Task* BlockingPool::State::next(std::unique_lock<std::mutex>& lock) {
    if (queue.empty()) {
        ++idle_threads;
        work.wait_for(lock, idle_thread_lifetime, [this] { return ending || !queue.empty(); });
        --idle_threads;
    }
    if (queue.empty()) return nullptr;
    Task* task = queue.front();
    queue.pop_front();
    return task;
}

bool BlockingPool::wait_idle(TimePoint deadline) {
    std::unique_lock lock(state_->mutex);
    return state_->idle.wait_until(
        lock, deadline, [this] { return state_->running == 0 && state_->queue.empty(); });
}

// A slot is what the pool sees: permission to run tasks of the lane, one after another, until none
// waits.
struct PoolLane::Slot : Task {
    std::shared_ptr<State> lane;  // set while the slot is with the pool
};

struct PoolLane::State {
    std::mutex mutex;
    std::deque<Task*> waiting;
    std::vector<Slot> slots;
    std::vector<Slot*> free_slots;
    unsigned running = 0;

    static void run_slot(Task& task);
};

PoolLane::PoolLane(BlockingPool& pool, unsigned max_running)
    : pool_(pool), state_(std::make_shared<State>()) {
    state_->slots.resize(std::max(max_running, 1u));
    for (Slot& slot : state_->slots) {
        slot.run = State::run_slot;
        state_->free_slots.push_back(&slot);
    }
}

PoolLane::~PoolLane() = default;

void PoolLane::submit(Task& task) {
    std::unique_lock lock(state_->mutex);
    state_->waiting.push_back(&task);
    if (state_->free_slots.empty()) return;
    Slot* slot = state_->free_slots.back();
    state_->free_slots.pop_back();
    slot->lane = state_;
    lock.unlock();
    pool_.submit(*slot);
}

void PoolLane::State::run_slot(Task& task) {
    auto& slot = static_cast<Slot&>(task);
    std::shared_ptr<State> lane = std::move(slot.lane);
    std::unique_lock lock(lane->mutex);
    while (!lane->waiting.empty()) {
        Task* next = lane->waiting.front();
        lane->waiting.pop_front();
        ++lane->running;
        lock.unlock();
        next->run(*next);
        lock.lock();
        --lane->running;
    }
    lane->free_slots.push_back(&slot);
}

PoolLane::Slot* PoolLane::enter() {
    std::lock_guard lock(state_->mutex);
    if (!state_->waiting.empty() || state_->free_slots.size() != state_->slots.size())
        return nullptr;
    Slot* slot = state_->free_slots.back();
    state_->free_slots.pop_back();
    ++state_->running;
    return slot;
}

void PoolLane::leave(Slot& slot) {
    {
        std::lock_guard lock(state_->mutex);
        --state_->running;
        if (state_->waiting.empty()) return state_->free_slots.push_back(&slot);
        slot.lane = state_;
    }
    pool_.submit(slot);
}

bool PoolLane::take_back(Task& task) {
    std::lock_guard lock(state_->mutex);
    return std::erase(state_->waiting, &task) > 0;
}

unsigned PoolLane::running() const {
    std::lock_guard lock(state_->mutex);
    return state_->running;
}

size_t PoolLane::queued() const {
    std::lock_guard lock(state_->mutex);
    return state_->waiting.size();
}

}  // namespace tgt::io
