// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace tgt::io {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint at(int ms) {
    return TimePoint{} + milliseconds(ms);
}

TEST(TimerQueue, FiresInOrderOfDeadlinesNotOfArming) {
    TimerQueue queue;
    std::vector<int> fired;
    Timer a([&] { fired.push_back(3); }), b([&] { fired.push_back(1); }),
        c([&] { fired.push_back(2); });
    queue.arm(a, at(30));
    queue.arm(b, at(10));
    queue.arm(c, at(20));
    EXPECT_EQ(queue.next(), at(10));
    queue.run(at(100));
    EXPECT_EQ(fired, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(queue.next(), std::nullopt);
}

TEST(TimerQueue, FiresOnceAndNotBeforeItsDeadline) {
    TimerQueue queue;
    int fired = 0;
    Timer timer([&] { ++fired; });
    queue.arm(timer, at(10));
    queue.run(at(9));
    EXPECT_EQ(fired, 0);
    EXPECT_TRUE(timer.armed());
    queue.run(at(10));
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(timer.armed());
    queue.run(at(50));
    EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, ArmInCountsFromTheCurrentTurn) {
    TimerQueue queue;
    Timer timer([] {});
    queue.run(at(100));
    queue.arm_in(timer, milliseconds(5));
    EXPECT_EQ(queue.next(), at(105));
    queue.set_now(at(200));
    queue.arm_in(timer, milliseconds(5));
    EXPECT_EQ(queue.next(), at(205));
}

TEST(TimerQueue, RearmingMovesTheDeadlineBothWays) {
    TimerQueue queue;
    Timer timer([] {}), other([] {});
    queue.arm(other, at(20));
    queue.arm(timer, at(30));
    queue.arm(timer, at(10));
    EXPECT_EQ(queue.next(), at(10));
    queue.arm(timer, at(40));
    EXPECT_EQ(queue.next(), at(20));
    EXPECT_EQ(queue.size(), 2u);
}

TEST(TimerQueue, DisarmedInACallbackDoesNotFire) {
    TimerQueue queue;
    int fired = 0;
    Timer victim([&] { ++fired; });
    Timer killer([&] { victim.disarm(); });
    queue.arm(killer, at(10));
    queue.arm(victim, at(11));
    queue.run(at(20));
    EXPECT_EQ(fired, 0);
    EXPECT_FALSE(victim.armed());
}

TEST(TimerQueue, DestroyedInACallbackDoesNotFire) {
    TimerQueue queue;
    int fired = 0;
    auto victim = std::make_unique<Timer>([&] { ++fired; });
    Timer killer([&] { victim.reset(); });
    queue.arm(killer, at(10));
    queue.arm(*victim, at(11));
    queue.run(at(20));
    EXPECT_EQ(fired, 0);
    EXPECT_EQ(queue.size(), 0u);
}

// What the callback captured must stay alive until it returns; a sanitizer would tell otherwise.
TEST(TimerQueue, TimerMayDestroyItself) {
    TimerQueue queue;
    std::unique_ptr<Timer> timer;
    auto witness = std::make_shared<int>(0);
    timer = std::make_unique<Timer>([&timer, witness] {
        timer.reset();
        *witness = 1;
    });
    queue.arm(*timer, at(1));
    queue.run(at(1));
    EXPECT_EQ(*witness, 1);
    EXPECT_EQ(timer, nullptr);
}

TEST(TimerQueue, RearmedWithoutDelayFiresInTheNextRunOnly) {
    TimerQueue queue;
    int fired = 0;
    Timer timer([] {});
    Timer again([&] {
        ++fired;
        queue.arm_in(again, Duration(0));
    });
    queue.arm(again, at(5));
    queue.run(at(10));
    EXPECT_EQ(fired, 1);
    EXPECT_TRUE(again.armed());
    queue.run(at(11));
    EXPECT_EQ(fired, 2);
}

TEST(TimerQueue, TimersOutliveTheQueueDisarmed) {
    Timer timer([] {});
    {
        TimerQueue queue;
        queue.arm(timer, at(5));
    }
    EXPECT_FALSE(timer.armed());
}

TEST(TimerQueue, StaysInOrderUnderRandomChanges) {
    std::mt19937 random(42);
    TimerQueue queue;
    std::vector<int> fired;
    std::vector<std::unique_ptr<Timer>> timers;
    std::vector<int> deadline(300, -1);
    for (int i = 0; i < 300; ++i)
        timers.push_back(std::make_unique<Timer>(
            [&fired, &deadline, i] { fired.push_back(deadline[size_t(i)]); }));
    for (int step = 0; step < 3000; ++step) {
        size_t i = random() % timers.size();
        if (random() % 3 == 0) {
            timers[i]->disarm();
            deadline[i] = -1;
        } else {
            deadline[i] = int(random() % 1000);
            queue.arm(*timers[i], at(deadline[i]));
        }
    }
    std::vector<int> expected;
    std::copy_if(deadline.begin(), deadline.end(), std::back_inserter(expected),
                 [](int d) { return d >= 0; });
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(queue.size(), expected.size());
    for (int now : {100, 500, 1000}) queue.run(at(now));
    EXPECT_EQ(fired, expected);
}

}  // namespace
}  // namespace tgt::io
