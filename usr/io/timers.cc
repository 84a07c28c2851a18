// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/timers.h"

#include <utility>

namespace tgt::io {

void Timer::disarm() {
    if (queue_) queue_->remove(*this);
}

TimerQueue::~TimerQueue() {
    for (Timer* timer : heap_) timer->queue_ = nullptr;
}

void TimerQueue::arm(Timer& timer, TimePoint deadline) {
    timer.disarm();
    if (running_ && deadline <= now_) deadline = now_ + Duration(1);
    timer.queue_ = this;
    timer.deadline_ = deadline;
    heap_.push_back(&timer);
    timer.index_ = heap_.size() - 1;
    sift(timer.index_);
}

std::optional<TimePoint> TimerQueue::next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front()->deadline_;
}

void TimerQueue::run(TimePoint now) {
    now_ = now;
    running_ = true;
    while (!heap_.empty() && heap_.front()->deadline_ <= now) {
        Timer& timer = *heap_.front();
        remove(timer);
        fire(timer);
    }
    running_ = false;
}

// The function is out of the timer while it runs: the timer may die in it.
void TimerQueue::fire(Timer& timer) {
    bool died = false;
    timer.died_while_firing_ = &died;
    std::function<void()> on_fire = std::move(timer.on_fire_);
    on_fire();
    if (died) return;
    timer.on_fire_ = std::move(on_fire);
    timer.died_while_firing_ = nullptr;
}

void TimerQueue::remove(Timer& timer) {
    size_t index = timer.index_;
    Timer* last = heap_.back();
    heap_.pop_back();
    timer.queue_ = nullptr;
    if (last == &timer) return;
    place(last, index);
    sift(index);
}

void TimerQueue::place(Timer* timer, size_t index) {
    heap_[index] = timer;
    timer->index_ = index;
}

// Moves the timer at `index` towards the root or towards the leaves, to where the heap is in order
// again.
void TimerQueue::sift(size_t index) {
    Timer* timer = heap_[index];
    auto before = [](const Timer* a, const Timer* b) { return a->deadline_ < b->deadline_; };
    while (index > 0 && before(timer, heap_[(index - 1) / 2])) {
        place(heap_[(index - 1) / 2], index);
        index = (index - 1) / 2;
    }
    for (size_t child; (child = 2 * index + 1) < heap_.size(); index = child) {
        if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
        if (!before(heap_[child], timer)) break;
        place(heap_[child], index);
    }
    place(timer, index);
}

}  // namespace tgt::io
