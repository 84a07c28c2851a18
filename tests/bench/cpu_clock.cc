// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/cpu_clock.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <string>

namespace tgt::bench {

namespace {

uint64_t nanoseconds(const timespec& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

uint64_t read_clock(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return nanoseconds(time);
}

}  // namespace

uint64_t now_ns() {
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t own_cpu_ns() {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t own_user_ns() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<uint64_t>(usage.ru_utime.tv_sec) * 1'000'000'000 +
           static_cast<uint64_t>(usage.ru_utime.tv_usec) * 1'000;
}

Result<uint64_t> machine_cpu_ns() {
    std::ifstream stat("/proc/stat");
    std::string name;
    uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0;
    if (!(stat >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq))
        return fail(ENOENT, "/proc/stat does not show what the processors do");
    const auto ticks_per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    return (user + nice + system + irq + softirq) * (1'000'000'000 / ticks_per_second);
}

Result<uint64_t> process_cpu_ns(pid_t pid) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return fail(ESRCH, fmt::format("process {} has no CPU clock that can be read", pid));
    return nanoseconds(time);
}

Result<uint64_t> process_rss(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    std::string word;
    uint64_t kib = 0;
    while (status >> word)
        if (word == "VmRSS:" && status >> kib) return kib * 1024;
    return fail(ESRCH, fmt::format("process {} does not show its memory", pid));
}

}  // namespace tgt::bench
