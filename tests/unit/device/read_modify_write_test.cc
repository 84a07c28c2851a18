// SPDX-License-Identifier: GPL-2.0-or-later
// COMPARE AND WRITE and ORWRITE (SBC-4 5.3, 5.12).
#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

Bytes compare_cdb(uint64_t lba, uint8_t blocks, uint8_t byte1 = 0) {
    return block_cdb(0x89, lba, blocks, byte1);
}

Bytes joined(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

TEST(CompareAndWrite, WritesWhenTheMediumIsAsExpected) {
    Harness harness(sbc::disk);
    const Bytes was = pattern(1024, 1), next = pattern(1024, 2);
    harness.store().put(512, was);
    ASSERT_TRUE(harness.run(compare_cdb(1, 2), joined(was, next)).good());
    EXPECT_EQ(harness.store().bytes(512, 1024), next);
}

TEST(CompareAndWrite, TellsTheOffsetOfTheFirstDifference) {
    Harness harness(sbc::disk);
    Bytes was = pattern(1024, 1);
    const Bytes next = pattern(1024, 2);
    harness.store().put(512, was);
    was[777] ^= 1;
    was[900] ^= 1;
    Answer answer = harness.run(compare_cdb(1, 2), joined(was, next));
    EXPECT_EQ(answer.sense(), miscompare);
    EXPECT_TRUE(answer.outcome.sense->has_information);
    EXPECT_EQ(answer.outcome.sense->information, 777u);
    EXPECT_EQ(harness.store().count(store::OpKind::write), 0u);
}

TEST(CompareAndWrite, OfNoBlocksIsGood) {
    Harness harness(sbc::disk);
    EXPECT_TRUE(harness.run(compare_cdb(1, 0)).good());
    EXPECT_TRUE(harness.store().done().empty());
}

TEST(CompareAndWrite, TakesTheReportedMaximum) {
    Harness harness(sbc::disk);
    const Bytes was(255 * 512), next = pattern(255 * 512, 2);
    ASSERT_TRUE(harness.run(compare_cdb(0, 255), joined(was, next)).good());
    EXPECT_EQ(harness.store().bytes(0, 255 * 512), next);
    Bytes cdb = compare_cdb(0, 0);
    cdb[12] = 1;
    EXPECT_EQ(harness.run(cdb).sense(), invalid_field_in_cdb);
}

TEST(CompareAndWrite, WantsExactlyBothInstances) {
    Harness harness(sbc::disk);
    for (size_t bytes : {0, 512, 1023, 1025, 2048})
        EXPECT_EQ(harness.run(compare_cdb(0, 1), Bytes(bytes)).sense(), invalid_field_in_cdb)
            << bytes;
}

TEST(CompareAndWrite, KeepsToRangeProtectionAndWriteProtection) {
    Harness harness(sbc::disk);
    EXPECT_EQ(harness.run(compare_cdb(2047, 2), Bytes(2048)).sense(), lba_out_of_range);
    for (unsigned protect = 1; protect < 8; ++protect)
        EXPECT_EQ(harness.run(compare_cdb(0, 1, uint8_t(protect << 5)), Bytes(1024)).sense(),
                  invalid_field_in_cdb);
    harness.change([](scsi::LunState& state) { state.read_only = true; });
    EXPECT_EQ(harness.run(compare_cdb(0, 1), Bytes(1024)).sense(), write_protected);
}

TEST(CompareAndWrite, HonoursForceUnitAccess) {
    Harness harness(sbc::disk);
    ASSERT_TRUE(harness.run(compare_cdb(0, 1, 0x08), Bytes(1024)).good());
    EXPECT_TRUE(harness.store().done().back().dsync);
}

// Two nexuses on two workers count up in one block, each step with COMPARE AND WRITE: no step is
// lost.
TEST(CompareAndWrite, IsAtomicBetweenNexuses) {
    Harness::Options options;
    options.workers = 2;
    Harness harness(sbc::disk, options);
    harness.add_nexus("other");
    auto block_of = [](uint32_t value) {
        Bytes block(512);
        wire::store_be<4>(block.data(), value);
        return block;
    };
    uint32_t successes = 0;
    for (uint32_t value = 0; value < 200; ++value) {
        Harness::Send send;
        send.data = joined(block_of(value), block_of(value + 1));
        auto first = harness.start(compare_cdb(0, 1), send);
        send.nexus = 1;
        auto second = harness.start(compare_cdb(0, 1), send);
        successes += first->wait().good();
        successes += second->wait().good();
    }
    EXPECT_EQ(successes, 200u);
    EXPECT_EQ(wire::load_be<4>(harness.store().bytes(0, 4).data()), 200u);
    harness.on_worker([] {}, 0);
    harness.on_worker([] {}, 1);
}

TEST(OrWrite, SetsBits) {
    Harness harness(sbc::disk);
    harness.store().put(0, Bytes(1024, 0x0f));
    ASSERT_TRUE(harness.run(block_cdb(0x8b, 0, 2), Bytes(1024, 0x51)).good());
    EXPECT_EQ(harness.store().bytes(0, 1024), Bytes(1024, 0x5f));
    EXPECT_EQ(harness.store().bytes(1024, 512), Bytes(512));
}

TEST(OrWrite, WorksInPieces) {
    Harness::Options options;
    options.size = 4 << 20;
    Harness harness(sbc::disk, options);
    harness.store().put(0, Bytes(4 << 20, 0x01));
    const Bytes data(3 << 20, 0x80);
    ASSERT_TRUE(harness.run(block_cdb(0x8b, 0, 6144), data).good());
    EXPECT_EQ(harness.store().bytes(0, 3 << 20), Bytes(3 << 20, 0x81));
    EXPECT_EQ(harness.store().bytes(3 << 20, 512), Bytes(512, 0x01));
}

TEST(OrWrite, KeepsToRangeProtectionAndWriteProtection) {
    Harness harness(sbc::disk);
    EXPECT_TRUE(harness.run(block_cdb(0x8b, 0, 0)).good());
    EXPECT_EQ(harness.run(block_cdb(0x8b, 2047, 2), Bytes(1024)).sense(), lba_out_of_range);
    EXPECT_EQ(harness.run(block_cdb(0x8b, 0, 1, 0x20), Bytes(512)).sense(), invalid_field_in_cdb);
    harness.change([](scsi::LunState& state) { state.read_only = true; });
    EXPECT_EQ(harness.run(block_cdb(0x8b, 0, 1), Bytes(512)).sense(), write_protected);
}

}  // namespace
}  // namespace tgt::test
