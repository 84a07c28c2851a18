// SPDX-License-Identifier: GPL-2.0-or-later
// PRE-FETCH and SYNCHRONIZE CACHE (SBC-4 5.13, 5.14, 5.32, 5.33).
#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

using store::OpKind;
constexpr uint8_t immed = 0x02;

struct Case {
    uint8_t opcode;
    OpKind kind;
};

class Cache : public testing::TestWithParam<Case> {
  protected:
    Harness harness{sbc::disk};
    Answer run(uint64_t lba, uint32_t blocks, uint8_t byte1 = 0) {
        return harness.run(block_cdb(GetParam().opcode, lba, blocks, byte1));
    }
};
INSTANTIATE_TEST_SUITE_P(Cdb, Cache,
                         testing::Values(Case{0x34, OpKind::prefetch}, Case{0x90, OpKind::prefetch},
                                         Case{0x35, OpKind::flush}, Case{0x91, OpKind::flush}));

TEST_P(Cache, ReachesTheStoreWithItsRange) {
    for (uint8_t byte1 : {uint8_t(0), immed}) {
        harness.store().forget_done();
        ASSERT_TRUE(run(4, 8, byte1).good());
        ASSERT_EQ(harness.store().done().size(), 1u);
        EXPECT_EQ(harness.store().done()[0].kind, GetParam().kind);
        EXPECT_EQ(harness.store().done()[0].offset, 4u * 512u);
        EXPECT_EQ(harness.store().done()[0].length, 8u * 512u);
    }
}

TEST_P(Cache, OfNoBlocksGoesToTheEnd) {
    ASSERT_TRUE(run(2040, 0).good());
    EXPECT_EQ(harness.store().done()[0].length, 8u * 512u);
}

TEST_P(Cache, ChecksTheRange) {
    EXPECT_EQ(run(2048, 1).sense(), lba_out_of_range);
    EXPECT_EQ(run(2049, 0).sense(), lba_out_of_range);
    EXPECT_TRUE(harness.store().done().empty());
}

TEST_P(Cache, NeedsNoWritableMedium) {
    harness.change([](scsi::LunState& state) { state.read_only = true; });
    EXPECT_TRUE(run(0, 1).good());
}

TEST(SynchronizeCache, ReportsAFailedFlush) {
    Harness harness(sbc::disk);
    harness.store().fail_when([](const store::Op&) { return EIO; });
    for (uint8_t byte1 : {uint8_t(0), immed})
        EXPECT_EQ(harness.run(block_cdb(0x35, 0, 0, byte1)).sense(), write_error);
}

// Linux tells a failed write-back once: every nexus hears of it until an administrator acts.
TEST(SynchronizeCache, FailsForEverybodyAfterAFailedFlush) {
    Harness harness(sbc::disk);
    const size_t other = harness.add_nexus("iqn.other,i,0x000000000002");
    harness.store().fail_when(
        [](const store::Op& op) { return op.kind == OpKind::flush ? EIO : 0; });
    EXPECT_EQ(harness.run(block_cdb(0x35, 0, 0)).sense(), write_error);
    harness.store().fail_when({});
    harness.change([](scsi::LunState&) {});  // behind the change that the failure made
    harness.store().forget_done();
    Harness::Send send;
    send.nexus = other;
    EXPECT_EQ(harness.run(block_cdb(0x91, 0, 0), send).sense(), write_error);
    constexpr uint8_t fua = 0x08;
    EXPECT_EQ(harness.run(block_cdb(0x2a, 0, 1, fua), Bytes(512)).sense(), write_error);
    EXPECT_TRUE(harness.store().done().empty());
    EXPECT_TRUE(harness.run(block_cdb(0x2a, 0, 1), Bytes(512)).good());
    harness.change([](scsi::LunState& state) { state.flush_failed = false; });
    EXPECT_TRUE(harness.run(block_cdb(0x35, 0, 0)).good());
}

TEST(SynchronizeCache, AnswersOnlyWhenTheFlushHasEnded) {
    Harness harness(sbc::disk);
    harness.store().hold(true);
    auto command = harness.start(block_cdb(0x35, 0, 0));
    harness.on_worker([] {});
    EXPECT_FALSE(command->ready());
    EXPECT_EQ(harness.store().held(), 1u);
    harness.store().release_held();
    EXPECT_TRUE(command->wait().good());
    harness.on_worker([] {});
}

}  // namespace
}  // namespace tgt::test
