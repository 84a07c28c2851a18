// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "io/clock.h"

namespace tgt::io {

// How much of the last second or so a worker was busy: from 0, waiting, to 1. Each turn of its loop
// weighs as much as it lasted, and less the longer it is ago. Two stores for a turn; nobody but its
// thread writes.
class BusyShare {
  public:
    // Of the worker's thread: a turn began, after waiting since the last one, and has ended.
    void note(TimePoint begin, TimePoint end) {
        const double busy = std::min(1.0, fraction(end - begin));
        share_.store(at(begin) * (1 - busy) + busy, std::memory_order_relaxed);
        until_.store(end.time_since_epoch().count(), std::memory_order_relaxed);
    }
    // Any thread.
    double at(TimePoint now) const {
        const TimePoint until{Duration(until_.load(std::memory_order_relaxed))};
        const double waiting = std::clamp(fraction(now - until), 0.0, 1.0);
        return share_.load(std::memory_order_relaxed) * (1 - waiting);
    }

  private:
    static double fraction(Duration time) {  // of the time that counts
        return std::chrono::duration<double>(time).count();
    }

    std::atomic<double> share_{0};
    std::atomic<Duration::rep> until_{0};
};

}  // namespace tgt::io
