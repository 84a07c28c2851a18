// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "io/clock.h"

namespace tgt::io {

class TimerQueue;

// One alarm. Lives inside its user; disarms itself when it dies. Not copyable, not movable: the
// queue points at it. Thread: that of its queue.
class Timer {
  public:
    explicit Timer(std::function<void()> on_fire) : on_fire_(std::move(on_fire)) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() {
        disarm();
        if (died_while_firing_) *died_while_firing_ = true;
    }

    bool armed() const { return queue_ != nullptr; }
    void disarm();

  private:
    friend class TimerQueue;
    std::function<void()> on_fire_;
    TimerQueue* queue_ = nullptr;
    TimePoint deadline_;
    size_t index_ = 0;  // place in the heap
    bool* died_while_firing_ = nullptr;
};

// A heap of timers. It knows no clock of its own: the owner says what time it is. One thread.
class TimerQueue {
  public:
    ~TimerQueue();
    // Arms or re-arms. The timer fires once, in the first run() whose `now` is not before
    // `deadline`.
    void arm(Timer& timer, TimePoint deadline);
    void arm_in(Timer& timer, Duration delay) { arm(timer, now_ + delay); }
    // The start of the current loop turn: the time of the last set_now() or run().
    TimePoint now() const { return now_; }
    // Says the time without firing anything, so that arm_in() is right before run().
    void set_now(TimePoint now) { now_ = now; }
    std::optional<TimePoint> next() const;
    // Fires what is due, in order of deadlines. A timer may be armed, disarmed or destroyed by what
    // fires; what is armed meanwhile fires in a later run(), so that a timer without delay cannot
    // hold up the loop.
    void run(TimePoint now);
    size_t size() const { return heap_.size(); }

  private:
    friend class Timer;
    void remove(Timer& timer);
    void fire(Timer& timer);
    void sift(size_t index);
    void place(Timer* timer, size_t index);

    std::vector<Timer*> heap_;
    TimePoint now_{};
    bool running_ = false;
};

}  // namespace tgt::io
