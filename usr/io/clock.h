// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>

namespace tgt::io {

// Monotonic time. Code that waits takes its time from a TimerQueue, so that tests can turn the
// clock.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

}  // namespace tgt::io
