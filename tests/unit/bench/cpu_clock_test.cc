// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/cpu_clock.h"

#include <gtest/gtest.h>

namespace tgt::bench {

namespace {

constexpr uint64_t step_ns = 10'000'000;       // of /proc/stat
constexpr uint64_t limit_ns = 10'000'000'000;  // of one's own CPU time

}  // namespace

TEST(CpuClock, TheMachineIsBusyWhileAProcessIs) {
    const auto begin = machine_cpu_ns();
    ASSERT_TRUE(begin);
    const uint64_t limit = own_cpu_ns() + limit_ns;
    uint64_t grown = 0;
    while (grown < 3 * step_ns && own_cpu_ns() < limit) grown = *machine_cpu_ns() - *begin;
    EXPECT_GE(grown, 3 * step_ns);
}

TEST(CpuClock, TimeOutsideTheKernelIsPartOfTheWhole) {
    const uint64_t limit = own_cpu_ns() + limit_ns;
    const uint64_t begin = own_user_ns();
    while (own_user_ns() < begin + step_ns && own_cpu_ns() < limit) {
    }
    EXPECT_GE(own_user_ns(), begin + step_ns);
    const uint64_t user = own_user_ns();
    EXPECT_LE(user, own_cpu_ns());
}

}  // namespace tgt::bench
