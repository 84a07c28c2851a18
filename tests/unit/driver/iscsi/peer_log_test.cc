// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/peer_log.h"

#include <gtest/gtest.h>

namespace tgt::iscsi {
namespace {

using namespace std::chrono_literals;

class PeerLogTest : public testing::Test {
  protected:
    void pass(io::Duration time) {
        now_ += time;
        worker_.turn_for_test(now_);
    }
    io::TimePoint now_ = io::TimePoint() + 1h;
    io::Worker worker_{io::Worker::Options()};
};

TEST_F(PeerLogTest, EventsOfASecondAreOneLineWithTheirNumber) {
    std::vector<uint64_t> lines;
    pass(0s);
    EventCounter counter(worker_, [&](uint64_t count) { lines.push_back(count); });
    for (int i = 0; i < 500; ++i) counter.note();
    EXPECT_EQ(lines, (std::vector<uint64_t>{1}));
    pass(1s);
    EXPECT_EQ(lines, (std::vector<uint64_t>{1, 499}));
    pass(1s);
    counter.note();
    EXPECT_EQ(lines, (std::vector<uint64_t>{1, 499, 1}));
}

TEST_F(PeerLogTest, StrangersCannotUseUpTheLinesOfSessions) {
    pass(0s);
    LineBudget budget(worker_, {.info = 2, .warning = 2, .stranger = 1});
    testing::internal::CaptureStderr();
    for (int i = 0; i < 100; ++i) budget.stranger("stranger");
    budget.info("session");
    budget.warn("refused");
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_NE(text.find("session"), std::string::npos);
    EXPECT_NE(text.find("refused"), std::string::npos);
}

TEST_F(PeerLogTest, NoAlarmIsLeftWhenNothingHappens) {
    pass(0s);
    EventCounter counter(worker_, [](uint64_t) {});
    counter.note();
    pass(1s);
    EXPECT_EQ(worker_.timers().size(), 0u);
}

TEST_F(PeerLogTest, LinesBeyondTheBudgetAreLeftOutAndCounted) {
    pass(0s);
    LineBudget budget(worker_, {.info = 3, .warning = 3, .stranger = 1});
    testing::internal::CaptureStderr();
    for (int i = 0; i < 10; ++i) budget.warn("line {}", i);
    pass(1s);
    budget.warn("again");
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_NE(text.find("line 2"), std::string::npos);
    EXPECT_EQ(text.find("line 3"), std::string::npos);
    EXPECT_NE(text.find("7 more lines"), std::string::npos);
    EXPECT_NE(text.find("again"), std::string::npos);
}

}  // namespace
}  // namespace tgt::iscsi
