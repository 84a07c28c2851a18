// SPDX-License-Identifier: GPL-2.0-or-later
// Commands over a ring, from the descriptor to the reply.
#include <gtest/gtest.h>

#include "tests/unit/driver/kring/kring_bench.h"

namespace tgt::test {
namespace {

constexpr uint8_t good = 0x00, check_condition = 0x02, task_set_full = 0x28;

TEST(KringCommands, ANewNexusHasUnitAttention2900) {
    KringBench bench;
    ASSERT_TRUE(bench.bind());
    FakeAttachment& kernel = bench.kernel.last();
    const uint64_t arrived = kernel.arrive(1, "loop.1:0");
    const Done first = bench.run({.cdb = tur});
    EXPECT_TRUE(kernel.is_done(arrived));
    EXPECT_EQ(first.status, check_condition);
    EXPECT_EQ(first.sense_code(), 0x062900u);
    EXPECT_EQ(bench.run({.cdb = tur}).status, good);
}

TEST(KringCommands, DataInGoesWithTheStatusAndTheResidualIsAgainstInTotal) {
    KringBench bench;
    bench.serve();
    const Done done = bench.run({.cdb = inquiry, .in_length = 36});
    EXPECT_EQ(done.status, good);
    EXPECT_EQ(done.data.size(), 36u);
    EXPECT_GT(done.in_total, 36u);
    EXPECT_EQ(done.segments, 1u);
}

TEST(KringCommands, WriteFetchesItsDataAndReadGivesItBack) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    const auto data = pattern(4 * 512, 3);
    const uint64_t write = kernel.submit({.cdb = write10(8, 4), .out = data});
    bench.scsi.settle();
    EXPECT_EQ(kernel.done(write).status, good);
    EXPECT_EQ(kernel.done(write).out_total, 2048u);
    EXPECT_EQ(kernel.fetched(write), 1u);
    const Done read = bench.run({.cdb = read10(8, 4), .in_length = 2048});
    EXPECT_EQ(read.status, good);
    EXPECT_EQ(read.data, data);
    EXPECT_EQ(read.in_total, 2048u);
}

TEST(KringCommands, NothingIsFetchedForACommandThatIsRefused) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    const auto id = kernel.submit({.cdb = write10(0xffffff, 4), .out = pattern(2048, 1)});
    bench.scsi.settle();
    EXPECT_EQ(kernel.done(id).sense_code(), 0x052100u);
    EXPECT_EQ(kernel.done(id).out_total, 0u);
    EXPECT_EQ(kernel.fetched(id), 0u);
}

TEST(KringCommands, OnlyWhatTheCommandTakesIsFetchedAndOnlyWhatTheInitiatorSends) {
    KringBench bench;
    bench.serve();
    const Done longer = bench.run({.cdb = write10(0, 1), .out = pattern(4096, 1)});
    EXPECT_EQ(longer.status, good);
    EXPECT_EQ(longer.out_total, 512u);
    const Done shorter = bench.run({.cdb = read10(0, 4), .in_length = 512});
    EXPECT_EQ(shorter.data.size(), 512u);
    EXPECT_EQ(shorter.in_total, 2048u);
}

TEST(KringCommands, SegmentsOfALargeTransferBeginOnDataUnits) {
    KringBench bench;
    bench.serve();
    const auto data = pattern(3 * (1 << 18), 9);
    EXPECT_EQ(bench.run({.cdb = write10(0, 1536), .out = data}).status, good);
    const Done read = bench.run({.cdb = read10(0, 1536), .in_length = uint32_t(data.size())});
    EXPECT_EQ(read.data, data);
}

TEST(KringCommands, DataThatCannotBeFetchedEndsTheCommand0B4B00) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    kernel.data_error = -EIO;
    const Done done = bench.run({.cdb = write10(0, 1), .out = pattern(512, 1)});
    EXPECT_EQ(done.sense_code(), 0x0b4b00u);
    EXPECT_EQ(bench.scsi.store->count(store::OpKind::write), 0u);
}

TEST(KringCommands, AnUnknownLunIsAnsweredAsItIsByItsTarget) {
    KringBench bench;
    bench.serve();
    EXPECT_EQ(bench.run({.cdb = tur, .lun = 7}).sense_code(), 0x052500u);
    EXPECT_EQ(bench.run({.cdb = inquiry, .in_length = 96, .lun = 7}).data.at(0), 0x7f);
}

TEST(KringCommands, AllRepliesOfATurnGoWithOneKick) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    const uint64_t before = kernel.kicks;
    for (int i = 0; i < 8; ++i) kernel.submit({.cdb = tur});
    bench.scsi.settle();
    EXPECT_EQ(kernel.order().size(), 10u);
    EXPECT_EQ(kernel.kicks, before + 1);
}

TEST(KringCommands, MoreCommandsThanTheAreaHoldsTakeTheirTurn) {
    KringBench bench;
    bench.kernel.data_bytes = size_t(4) << 20;
    FakeAttachment& kernel = bench.serve();
    kernel.hold_sent = true;
    std::vector<uint64_t> ids;
    for (int i = 0; i < 5; ++i)
        ids.push_back(kernel.submit({.cdb = read10(0, 2048), .in_length = 1 << 20}));
    ids.push_back(kernel.submit({.cdb = tur}));
    bench.scsi.settle();
    EXPECT_TRUE(kernel.is_done(ids[3]));
    EXPECT_FALSE(kernel.is_done(ids[4])) << "the kernel has all of the area";
    EXPECT_FALSE(kernel.is_done(ids[5])) << "it does not overtake";
    kernel.release_held();
    bench.scsi.settle();
    EXPECT_EQ(kernel.done(ids[4]).data.size(), size_t(1) << 20);
    EXPECT_EQ(kernel.done(ids[5]).status, good);
    kernel.release_held();
    bench.scsi.settle();
}

TEST(KringCommands, SmallCommandsShareWhatWasALargePiece) {
    KringBench bench;
    bench.kernel.data_bytes = size_t(4) << 20;
    FakeAttachment& kernel = bench.serve();
    for (int i = 0; i < 4; ++i) kernel.submit({.cdb = read10(0, 2048), .in_length = 1 << 20});
    bench.scsi.settle();
    kernel.hold_sent = true;
    std::vector<uint64_t> ids;
    for (int i = 0; i < 20; ++i)
        ids.push_back(kernel.submit({.cdb = read10(0, 1), .in_length = 512}));
    bench.scsi.settle();
    for (const uint64_t id : ids) EXPECT_TRUE(kernel.is_done(id));
    kernel.release_held();
    bench.scsi.settle();
}

TEST(KringCommands, WhatFindsNoRoomForTenSecondsEndsWithTaskSetFull) {
    KringBench bench;
    bench.kernel.data_bytes = size_t(2) << 20;
    FakeAttachment& kernel = bench.serve();
    bench.scsi.store->hold(true);
    for (int i = 0; i < 2; ++i) kernel.submit({.cdb = read10(0, 2048), .in_length = 1 << 20});
    const uint64_t waits = kernel.submit({.cdb = read10(0, 1), .in_length = 512});
    bench.scsi.pass(std::chrono::seconds(9));
    EXPECT_FALSE(kernel.is_done(waits));
    bench.scsi.pass(std::chrono::seconds(1));
    EXPECT_EQ(kernel.done(waits).status, task_set_full);
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
    bench.scsi.settle();
}

// The time of those that wait begins anew when none waits any more, however the last one went.
TEST(KringCommands, WhatWaitsAfterAnotherWasAbortedHasItsTenSeconds) {
    KringBench bench;
    bench.kernel.data_bytes = size_t(2) << 20;
    FakeAttachment& kernel = bench.serve();
    bench.scsi.store->hold(true);
    for (int i = 0; i < 2; ++i) kernel.submit({.cdb = read10(0, 2048), .in_length = 1 << 20});
    const uint64_t victim = kernel.submit({.cdb = read10(0, 1), .in_length = 512});
    bench.scsi.pass(std::chrono::seconds(6));
    kernel.task(1, TGT_TASK_ABORT_TASK, 1, victim);
    bench.scsi.settle();
    EXPECT_TRUE(kernel.done(victim).aborted());
    const uint64_t waits = kernel.submit({.cdb = read10(0, 1), .in_length = 512});
    bench.scsi.pass(std::chrono::seconds(9));
    EXPECT_FALSE(kernel.is_done(waits));
    bench.scsi.pass(std::chrono::seconds(1));
    EXPECT_EQ(kernel.done(waits).status, task_set_full);
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
    bench.scsi.settle();
}

TEST(KringCommands, BuffersAreFreeAgainWhenTheKernelHasSentThem) {
    KringBench bench;
    bench.kernel.data_bytes = size_t(2) << 20;
    bench.serve();
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(bench.run({.cdb = read10(0, 2048), .in_length = 1 << 20}).data.size(), size_t(1)
                                                                                             << 20);
}

TEST(KringCommands, OrderedWaitsForWhatCameBefore) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    bench.scsi.store->hold(true);
    const uint64_t first = kernel.submit({.cdb = read10(0, 1), .in_length = 512});
    const uint64_t ordered =
        kernel.submit({.cdb = read10(0, 1), .in_length = 512, .attribute = TGT_ATTR_ORDERED});
    bench.scsi.settle();
    EXPECT_EQ(bench.scsi.store->held(), 1u);
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
    bench.scsi.settle();
    EXPECT_EQ(kernel.done(first).status, good);
    EXPECT_EQ(kernel.done(ordered).status, good);
}

}  // namespace
}  // namespace tgt::test
