// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <signal.h>

#include <functional>
#include <string>
#include <thread>

namespace tgt::io {

// Starts a thread that takes no signals, except those that report a fault of its own: signals are
// for the main thread. Throws std::system_error when the system has no thread to give.
std::thread start_thread(std::string name, std::function<void()> body);

// Sleeps of the calling thread end in time, not up to 50 us later (PR_SET_TIMERSLACK).
void let_sleep_be_exact();

// Pins the calling thread to one CPU; logged when the system refuses.
void pin_to_cpu(int cpu);

}  // namespace tgt::io
