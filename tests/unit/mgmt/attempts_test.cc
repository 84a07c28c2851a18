// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/attempts.h"

#include <gtest/gtest.h>

namespace tgt::mgmt {
namespace {

using Entry = Attempts::Entry;

TEST(Attempts, OneAtATimeForEachThing) {
    Attempts attempts;
    int called = 0;
    const auto again = [&called] { ++called; };
    EXPECT_EQ(attempts.enter("a", again), Entry::entered);
    EXPECT_EQ(attempts.enter("b", again), Entry::entered);
    EXPECT_EQ(attempts.enter("a", again), Entry::waiting);
    EXPECT_EQ(attempts.enter("a", again), Entry::waiting);
    attempts.leave("b");
    EXPECT_EQ(called, 0);
    attempts.leave("a");
    EXPECT_EQ(called, 2);
    EXPECT_EQ(attempts.enter("a", again), Entry::entered);
}

TEST(Attempts, NobodyWaitsForOneThatWasGivenUp) {
    Attempts attempts;
    std::vector<Entry> told;
    EXPECT_EQ(attempts.enter("a", {}), Entry::entered);
    const auto again = [&] { told.push_back(attempts.enter("a", {})); };
    EXPECT_EQ(attempts.enter("a", again), Entry::waiting);
    attempts.give_up("a");
    EXPECT_EQ(told, std::vector{Entry::late});
    EXPECT_EQ(attempts.enter("a", {}), Entry::late);
    attempts.leave("a");
    EXPECT_EQ(attempts.enter("a", {}), Entry::entered);
}

TEST(Attempts, TheFirstWhoWaitedIsNext) {
    Attempts attempts;
    std::vector<Entry> told;
    const auto again = [&] { told.push_back(attempts.enter("a", {})); };
    EXPECT_EQ(attempts.enter("a", {}), Entry::entered);
    EXPECT_EQ(attempts.enter("a", again), Entry::waiting);
    EXPECT_EQ(attempts.enter("a", again), Entry::waiting);
    attempts.leave("a");
    EXPECT_EQ(told, (std::vector{Entry::entered, Entry::waiting}));
}

}  // namespace
}  // namespace tgt::mgmt
