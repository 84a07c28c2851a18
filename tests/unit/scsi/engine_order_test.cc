// SPDX-License-Identifier: GPL-2.0-or-later
// Task attributes inside one I_T_L nexus (SAM-5 clause 8).
#include <gtest/gtest.h>

#include "tests/unit/scsi/engine_bench.h"

namespace tgt::scsi {
namespace {

using test::Bench;
using test::read10;
using test::tur;

class EngineOrder : public testing::Test {
  protected:
    test::TestCommandPtr send(TaskAttribute attribute, std::vector<uint8_t> cdb, size_t nexus = 0) {
        Bench::Send one;
        one.attribute = attribute;
        one.nexus = nexus;
        return b_.start(std::move(cdb), one);
    }
    void release() {
        b_.store->hold(false);
        b_.store->release_held();
        b_.settle();
    }
    Bench b_;
};

constexpr auto simple = TaskAttribute::simple;
constexpr auto ordered = TaskAttribute::ordered;
constexpr auto head = TaskAttribute::head_of_queue;

TEST_F(EngineOrder, SimpleCommandsPassEachOther) {
    b_.store->hold(true);
    auto slow = send(simple, read10(0, 1));
    auto quick = send(simple, tur);
    EXPECT_FALSE(slow->ready());
    EXPECT_TRUE(quick->ready());
}

TEST_F(EngineOrder, OrderedWaitsForAllOlderOnes) {
    b_.store->hold(true);
    auto slow = send(simple, read10(0, 1));
    auto barrier = send(ordered, tur);
    EXPECT_FALSE(barrier->ready());
    release();
    EXPECT_TRUE(slow->ready());
    EXPECT_TRUE(barrier->ready());
}

TEST_F(EngineOrder, SimpleWaitsForAnOlderOrderedOne) {
    b_.store->hold(true);
    auto slow = send(ordered, read10(0, 1));
    auto behind = send(simple, tur);
    EXPECT_FALSE(behind->ready());
    release();
    EXPECT_TRUE(behind->ready());
}

TEST_F(EngineOrder, HeadOfQueuePassesEverything) {
    b_.store->hold(true);
    auto slow = send(ordered, read10(0, 1));
    auto behind = send(ordered, tur);
    auto first = send(head, tur);
    EXPECT_TRUE(first->ready());
    EXPECT_FALSE(behind->ready());
}

TEST_F(EngineOrder, SimpleWaitsForARunningHeadOfQueueOne) {
    b_.store->hold(true);
    auto first = send(head, read10(0, 1));
    auto behind = send(simple, tur);
    EXPECT_FALSE(behind->ready());
    release();
    EXPECT_TRUE(behind->ready());
}

TEST_F(EngineOrder, OneNexusDoesNotHoldUpAnother) {  // TST=001b
    size_t other = b_.login("iqn.i1");
    b_.store->hold(true);
    auto slow = send(ordered, read10(0, 1));
    auto behind = send(simple, tur);
    EXPECT_TRUE(send(ordered, tur, other)->ready());
    EXPECT_FALSE(behind->ready());
}

TEST_F(EngineOrder, WaitingOnesRunInTheirOrder) {
    b_.store->hold(true);
    auto slow = send(simple, read10(0, 1));
    auto barrier = send(ordered, read10(8, 1));
    auto after = send(simple, read10(16, 1));
    b_.store->release_held();
    b_.settle();
    EXPECT_TRUE(slow->ready());
    EXPECT_EQ(b_.store->held(), 1u);  // the barrier alone
    b_.store->release_held();
    b_.settle();
    EXPECT_TRUE(barrier->ready());
    EXPECT_FALSE(after->ready());
    release();
    EXPECT_TRUE(after->ready());
}

TEST_F(EngineOrder, ARefusedCommandIsNoBarrier) {
    b_.store->hold(true);
    auto slow = send(simple, read10(0, 1));
    auto refused = send(ordered, read10(4096, 1));
    EXPECT_EQ(refused->wait().sense(), 0x052100u);
    EXPECT_TRUE(send(simple, tur)->ready());
    EXPECT_FALSE(slow->ready());
}

}  // namespace
}  // namespace tgt::scsi
