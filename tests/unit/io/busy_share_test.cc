// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/busy_share.h"

#include <gtest/gtest.h>

namespace tgt::io {
namespace {

using std::chrono::milliseconds;

class BusyShareTest : public testing::Test {
  protected:
    // Turns of `busy`, with waits of `waiting` between them.
    void run(int turns, milliseconds busy, milliseconds waiting) {
        for (int i = 0; i < turns; ++i) {
            now += waiting;
            share.note(now, now + busy);
            now += busy;
        }
    }
    TimePoint now{std::chrono::hours(1)};
    BusyShare share;
};

TEST_F(BusyShareTest, IsNothingBeforeTheFirstTurn) {
    EXPECT_EQ(share.at(now), 0);
}

TEST_F(BusyShareTest, BecomesTheShareOfTheTime) {
    run(1000, milliseconds(3), milliseconds(7));
    EXPECT_NEAR(share.at(now), 0.3, 0.02);
    run(1000, milliseconds(8), milliseconds(2));
    EXPECT_NEAR(share.at(now), 0.8, 0.02);
    run(1000, milliseconds(5), milliseconds(0));
    EXPECT_NEAR(share.at(now), 1, 0.02);
}

TEST_F(BusyShareTest, IsForgottenWithinASecondOfWaiting) {
    run(1000, milliseconds(5), milliseconds(0));
    EXPECT_NEAR(share.at(now + milliseconds(500)), 0.5, 0.02);
    EXPECT_EQ(share.at(now + milliseconds(1000)), 0);
    EXPECT_EQ(share.at(now + std::chrono::hours(1)), 0);
}

TEST_F(BusyShareTest, OneLongTurnIsAllThatCounts) {
    run(1, milliseconds(5000), milliseconds(0));
    EXPECT_EQ(share.at(now), 1);
}

}  // namespace
}  // namespace tgt::io
