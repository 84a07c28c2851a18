// SPDX-License-Identifier: GPL-2.0-or-later
// Task management, aborted commands, and nexuses that leave.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/driver/kring/kring_bench.h"

namespace tgt::test {
namespace {

class KringTasks : public ::testing::Test {
  protected:
    KringTasks() : kernel(bench.serve()) {}
    uint64_t read() { return kernel.submit({.cdb = read10(0, 1), .in_length = 512}); }
    uint64_t write(size_t bytes = 512) {
        return kernel.submit({.cdb = write10(0, uint16_t(bytes / 512)), .out = pattern(bytes, 1)});
    }
    uint64_t task(uint8_t function, uint64_t ref = 0, uint64_t lun = 1) {
        const uint64_t id = kernel.task(1, function, lun, ref);
        bench.scsi.settle();
        return id;
    }
    bool comes_before(uint64_t first, uint64_t second) {
        const auto order = kernel.order();
        return std::find(order.begin(), order.end(), first) <
               std::find(order.begin(), order.end(), second);
    }
    void store_goes_on() {
        bench.scsi.store->hold(false);
        bench.scsi.store->release_held();
        bench.scsi.settle();
    }

    KringBench bench;
    FakeAttachment& kernel;
};

TEST_F(KringTasks, AbortTaskEndsItsCommandFirstAndWithoutAnAnswer) {
    bench.scsi.store->hold(true);
    const uint64_t victim = read(), other = read();
    bench.scsi.settle();
    const uint64_t abort = task(TGT_TASK_ABORT_TASK, victim);
    EXPECT_TRUE(kernel.done(victim).aborted());
    EXPECT_EQ(kernel.done(victim).segments, 0u);
    EXPECT_EQ(kernel.done(abort).response, TGT_RESPONSE_COMPLETE);
    EXPECT_TRUE(comes_before(victim, abort));
    EXPECT_FALSE(kernel.is_done(other));
    store_goes_on();
    EXPECT_EQ(kernel.done(other).data.size(), 512u);
}

TEST_F(KringTasks, AbortTaskOfACommandThatHasEndedFindsNone) {
    const uint64_t gone = read();
    bench.scsi.settle();
    EXPECT_EQ(kernel.done(task(TGT_TASK_ABORT_TASK, gone)).response, TGT_RESPONSE_NO_TASK);
    EXPECT_EQ(kernel.done(task(TGT_TASK_ABORT_TASK, gone, 9)).response, TGT_RESPONSE_NO_LUN);
}

// The kernel still writes to the command's memory.
TEST_F(KringTasks, ACommandWhoseDataIsBeingFetchedIsAnsweredWhenItHasCome) {
    kernel.hold_data = true;
    const uint64_t victim = write();
    bench.scsi.settle();
    const uint64_t abort = task(TGT_TASK_ABORT_TASK, victim);
    EXPECT_FALSE(kernel.is_done(victim));
    EXPECT_FALSE(kernel.is_done(abort)) << "it comes after what it has aborted";
    kernel.release_held();
    bench.scsi.settle();
    EXPECT_TRUE(kernel.done(victim).aborted());
    EXPECT_EQ(kernel.done(abort).response, TGT_RESPONSE_COMPLETE);
    EXPECT_TRUE(comes_before(victim, abort));
    EXPECT_EQ(bench.scsi.store->count(store::OpKind::write), 0u);
}

TEST_F(KringTasks, ACommandThatTheStoreDoesNotGiveBackIsAnsweredAtTheBound) {
    bench.scsi.store->hold(true);
    bench.scsi.store->cancellable = false;
    const uint64_t victim = write();
    bench.scsi.settle();
    const uint64_t abort = task(TGT_TASK_ABORT_TASK, victim);
    EXPECT_FALSE(kernel.is_done(abort));
    bench.scsi.pass(std::chrono::seconds(5));
    EXPECT_TRUE(kernel.done(victim).aborted());
    EXPECT_EQ(kernel.done(abort).response, TGT_RESPONSE_COMPLETE);
    EXPECT_TRUE(comes_before(victim, abort));
    store_goes_on();
    EXPECT_EQ(bench.run({.cdb = tur}).status, 0);
}

TEST_F(KringTasks, AbortTaskSetAndLogicalUnitResetEndAllCommandsOfTheUnit) {
    for (const uint8_t function : {TGT_TASK_ABORT_TASK_SET, TGT_TASK_CLEAR_TASK_SET,
                                   TGT_TASK_LOGICAL_UNIT_RESET, TGT_TASK_TARGET_RESET}) {
        bench.clear_attention();
        bench.scsi.store->hold(true);
        const uint64_t one = read(), two = read();
        bench.scsi.settle();
        const uint64_t done = task(function);
        EXPECT_TRUE(kernel.done(one).aborted()) << unsigned(function);
        EXPECT_TRUE(kernel.done(two).aborted()) << unsigned(function);
        EXPECT_EQ(kernel.done(done).response, TGT_RESPONSE_COMPLETE);
        store_goes_on();
    }
    EXPECT_EQ(bench.run({.cdb = tur}).sense_code(), 0x062900u) << "of the resets";
}

TEST_F(KringTasks, CommandsThatWaitForRoomAreAborted) {
    bench.scsi.store->hold(true);
    std::vector<uint64_t> ids;
    for (int i = 0; i < 18; ++i)
        ids.push_back(kernel.submit({.cdb = read10(0, 2048), .in_length = 1 << 20}));
    bench.scsi.settle();
    EXPECT_EQ(bench.scsi.store->held(), 16u);
    const uint64_t one = task(TGT_TASK_ABORT_TASK, ids[17]);
    EXPECT_TRUE(kernel.done(ids[17]).aborted());
    EXPECT_EQ(kernel.done(one).response, TGT_RESPONSE_COMPLETE);
    task(TGT_TASK_ABORT_TASK_SET);
    EXPECT_TRUE(kernel.done(ids[16]).aborted());
    store_goes_on();
}

TEST_F(KringTasks, FunctionsThatAreUnknownOrNotThereAreNotSupported) {
    EXPECT_EQ(kernel.done(task(TGT_TASK_CLEAR_ACA)).response, TGT_RESPONSE_NOT_SUPPORTED);
    EXPECT_EQ(kernel.done(task(77)).response, TGT_RESPONSE_NOT_SUPPORTED);
}

TEST_F(KringTasks, ANexusThatLeavesIsAnsweredAfterItsCommands) {
    bench.scsi.store->hold(true);
    const uint64_t command = read();
    bench.scsi.settle();
    const uint64_t left = kernel.leave(1);
    bench.scsi.settle();
    EXPECT_TRUE(kernel.done(command).aborted());
    EXPECT_TRUE(kernel.is_done(left));
    EXPECT_TRUE(comes_before(command, left));
    EXPECT_TRUE(bench.sessions().empty());
    store_goes_on();
}

TEST_F(KringTasks, ANexusThatLeavesDoesNotWaitForAStoreThatHangs) {
    bench.scsi.store->hold(true);
    bench.scsi.store->cancellable = false;
    const uint64_t command = write();
    bench.scsi.settle();
    const uint64_t left = kernel.leave(1);
    bench.scsi.settle();
    EXPECT_FALSE(kernel.is_done(left));
    bench.scsi.pass(std::chrono::seconds(5));
    EXPECT_TRUE(kernel.done(command).aborted());
    EXPECT_TRUE(kernel.is_done(left));
    kernel.arrive(1, "again");
    bench.scsi.settle();
    EXPECT_EQ(bench.sessions().size(), 1u);
    store_goes_on();
}

TEST_F(KringTasks, ANexusThatLeavesWaitsForDataThatTheKernelFetches) {
    kernel.hold_data = true;
    const uint64_t command = write();
    bench.scsi.settle();
    const uint64_t left = kernel.leave(1);
    bench.scsi.settle();
    EXPECT_FALSE(kernel.is_done(left));
    kernel.release_held();
    bench.scsi.settle();
    EXPECT_TRUE(comes_before(command, left));
    EXPECT_TRUE(kernel.is_done(left));
}

}  // namespace
}  // namespace tgt::test
