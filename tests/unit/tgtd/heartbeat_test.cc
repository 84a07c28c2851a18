// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/heartbeat.h"

#include <gtest/gtest.h>

namespace tgt::tgtd {
namespace {

using std::chrono::seconds;

constexpr io::TimePoint at(int s) {
    return io::TimePoint{} + seconds(s);
}

// Two loops that turn when the test says so.
struct HeartbeatTest : ::testing::Test {
    io::Worker first{{.index = 0, .name = "first"}};
    io::Worker second{{.index = 1, .name = "second"}};
    Heartbeat heartbeat{{&first, &second}, seconds(40), at(0)};

    // The loops outlive what was posted to them, as the daemon's do.
    ~HeartbeatTest() override {
        turn(first, 1000);
        turn(second, 1000);
    }
    void turn(io::Worker& loop, int s) { loop.turn_for_test(at(s)); }
};

TEST_F(HeartbeatTest, IsDueFourTimesInAPeriod) {
    EXPECT_EQ(heartbeat.due(), at(10));
    turn(first, 1);
    turn(second, 1);
    EXPECT_TRUE(heartbeat.look(at(10)));
    EXPECT_EQ(heartbeat.due(), at(20));
}

TEST_F(HeartbeatTest, OneLoopThatStandsStillIsEnoughForSilence) {
    turn(first, 1);
    EXPECT_FALSE(heartbeat.look(at(10)));
    turn(first, 11);
    EXPECT_FALSE(heartbeat.look(at(20)));
    EXPECT_EQ(heartbeat.due(), at(30));
}

TEST_F(HeartbeatTest, ALoopThatIsLateIsForgiven) {
    turn(first, 1);
    EXPECT_FALSE(heartbeat.look(at(10)));
    turn(second, 15);
    EXPECT_TRUE(heartbeat.look(at(20)));
}

TEST_F(HeartbeatTest, EveryLookAsksAnew) {
    turn(first, 1);
    turn(second, 1);
    EXPECT_TRUE(heartbeat.look(at(10)));
    turn(second, 11);
    EXPECT_FALSE(heartbeat.look(at(20)));
}

TEST_F(HeartbeatTest, ATaskThatIsStillWaitingIsNotPostedTwice) {
    turn(first, 1);
    for (int i = 1; i < 5; ++i) EXPECT_FALSE(heartbeat.look(at(10 * i)));
    turn(second, 50);
    EXPECT_EQ(second.mail_count(), 1u);
    EXPECT_TRUE(heartbeat.look(at(50)));
}

TEST(Heartbeat, HearsTheLoopsOfARuntime) {
    io::Runtime runtime({.workers = 2});
    Heartbeat heartbeat(runtime, seconds(40), at(0));
    EXPECT_FALSE(heartbeat.look(at(10)));  // nothing runs yet
    runtime.start();
    runtime.stop();  // what was posted before still runs
    EXPECT_TRUE(heartbeat.look(at(20)));
    runtime.worker(0).turn_for_test(at(21));
    runtime.worker(1).turn_for_test(at(21));
    EXPECT_FALSE(heartbeat.look(at(30)));  // the control thread has not turned
    runtime.control().turn_for_test(at(31));
    EXPECT_TRUE(heartbeat.look(at(40)));
    for (unsigned i = 0; i < 2; ++i) runtime.worker(i).turn_for_test(at(41));
    runtime.control().turn_for_test(at(41));
}

}  // namespace
}  // namespace tgt::tgtd
