// SPDX-License-Identifier: GPL-2.0-or-later
// Where new sessions go, by a clock that the test turns.
#include "driver/iscsi/worker_choice.h"

#include <gtest/gtest.h>

namespace tgt::iscsi {
namespace {

using namespace std::chrono_literals;

class WorkerChoiceTest : public testing::Test {
  protected:
    unsigned choose(std::vector<double> busy) { return choice.choose(now, busy); }
    // So many in turn; how many each worker got.
    std::vector<int> choose_many(int count, const std::vector<double>& busy) {
        std::vector<int> got(busy.size());
        for (int i = 0; i < count; ++i) ++got[choose(busy)];
        return got;
    }
    io::TimePoint now{1h};
    WorkerChoice choice{3};
};

TEST_F(WorkerChoiceTest, IdleWorkersGetEquallyMany) {
    EXPECT_EQ(choose_many(9, {0, 0, 0}), (std::vector{3, 3, 3}));
    choice.left(1);
    EXPECT_EQ(choose({0, 0, 0}), 1u);
}

TEST_F(WorkerChoiceTest, TheLeastBusyOneIsTakenHoweverManyItHas) {
    for (int i = 0; i < 3; ++i) choose({0, 0, 0});
    now += 2s;
    for (int i = 0; i < 5; ++i) {
        now += 2s;
        EXPECT_EQ(choose({0.9, 0.9, 0.1}), 2u);
    }
}

TEST_F(WorkerChoiceTest, AboutAsBusyIsAsBusy) {
    choose_many(4, {0.5, 0, 0.5});
    now += 2s;
    EXPECT_NE(choose({0.52, 0.5, 0.53}), 1u) << "it has more connections";
}

// Three workers with a connection each that makes them 60, 30 and 30 % busy.
TEST_F(WorkerChoiceTest, ABurstIsSpreadBeforeItsLoadShows) {
    choose_many(3, {0, 0, 0});
    now += 2s;
    const std::vector<int> got = choose_many(30, {0.6, 0.3, 0.3});
    EXPECT_GE(got[0], 9);
    EXPECT_LE(got[0], 10);
    EXPECT_LE(std::abs(got[1] - got[2]), 1);
}

TEST_F(WorkerChoiceTest, ASecondLaterOnlyWhatShowsCounts) {
    choose_many(3, {0, 0, 0});
    now += 2s;
    EXPECT_EQ(choose_many(2, {0.9, 0.9, 0.1}), (std::vector{0, 0, 2}));
    now += 1s;
    EXPECT_EQ(choose({0.9, 0.9, 0.1}), 2u) << "those do nothing";
    now += 1s;
    EXPECT_NE(choose({0.3, 0.3, 0.9}), 2u) << "those do much";
}

}  // namespace
}  // namespace tgt::iscsi
