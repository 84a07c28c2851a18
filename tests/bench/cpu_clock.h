// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"

namespace tgt::bench {

uint64_t now_ns();

// CPU time, user and system, of all threads that a process has or had, in nanoseconds.
Result<uint64_t> process_cpu_ns(pid_t pid);
uint64_t own_cpu_ns();
// Its part outside the kernel.
uint64_t own_user_ns();

// CPU time of the whole machine since it started: every process, the kernel's threads, interrupts.
// In the steps of /proc/stat, usually 10 ms.
Result<uint64_t> machine_cpu_ns();

// Memory of a process that is in RAM, in bytes (VmRSS).
Result<uint64_t> process_rss(pid_t pid);

}  // namespace tgt::bench
