// SPDX-License-Identifier: GPL-2.0-or-later
// READ and WRITE of a disk through the engine (SBC-4 5.17 to 5.21, 5.40 to 5.44).
#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

using store::OpKind;
constexpr uint8_t dpo = 0x10, fua = 0x08, fua_nv = 0x02;

struct Pair {
    const char* name;
    uint8_t read, write;
};

class Transfer : public testing::TestWithParam<Pair> {};
INSTANTIATE_TEST_SUITE_P(Cdb, Transfer,
                         testing::Values(Pair{"six", 0x08, 0x0a}, Pair{"ten", 0x28, 0x2a},
                                         Pair{"twelve", 0xa8, 0xaa}, Pair{"sixteen", 0x88, 0x8a}),
                         [](const auto& info) { return info.param.name; });

// What six-byte CDBs have no room for.
class LongTransfer : public Transfer {};
INSTANTIATE_TEST_SUITE_P(Cdb, LongTransfer,
                         testing::Values(Pair{"ten", 0x28, 0x2a}, Pair{"twelve", 0xa8, 0xaa},
                                         Pair{"sixteen", 0x88, 0x8a}),
                         [](const auto& info) { return info.param.name; });

TEST_P(Transfer, WritesAndReadsBack) {
    Harness harness(sbc::disk);
    const Bytes data = pattern(3 * 512, 1);
    ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 5, 3), data).good());
    EXPECT_EQ(harness.store().bytes(5 * 512, 3 * 512), data);
    Answer answer = harness.run(block_cdb(GetParam().read, 5, 3));
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data, data);
    EXPECT_EQ(answer.in_total, data.size());
}

TEST_P(Transfer, ReachesTheLastBlock) {
    Harness harness(sbc::disk);
    const Bytes data = pattern(512, 9);
    ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 2047, 1), data).good());
    EXPECT_EQ(harness.run(block_cdb(GetParam().read, 2047, 1)).data, data);
}

TEST_P(Transfer, RefusesWhatGoesBeyondTheEnd) {
    Harness harness(sbc::disk);
    for (uint8_t opcode : {GetParam().read, GetParam().write}) {
        Answer answer = harness.run(block_cdb(opcode, 2047, 2), pattern(1024, 0));
        EXPECT_EQ(answer.sense(), lba_out_of_range);
        EXPECT_EQ(answer.outcome.sense->information, 2047u);
        EXPECT_EQ(answer.in_total, 0u);
    }
    EXPECT_TRUE(harness.store().done().empty());
}

TEST_P(LongTransfer, OfNoBlocksMovesNothing) {
    Harness harness(sbc::disk);
    EXPECT_TRUE(harness.run(block_cdb(GetParam().read, 7, 0)).good());
    EXPECT_TRUE(harness.run(block_cdb(GetParam().write, 7, 0)).good());
    EXPECT_TRUE(harness.store().done().empty());
    EXPECT_EQ(harness.run(block_cdb(GetParam().read, 2049, 0)).sense(), lba_out_of_range);
}

TEST(TransferSix, CountsZeroAs256) {
    Harness harness(sbc::disk);
    Answer answer = harness.run(block_cdb(0x08, 0, 0));
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data.size(), 256u * 512u);
}

TEST_P(LongTransfer, RefusesProtectionFields) {
    Harness harness(sbc::disk);
    for (uint8_t opcode : {GetParam().read, GetParam().write}) {
        for (unsigned protect = 1; protect < 8; ++protect) {
            Answer answer =
                harness.run(block_cdb(opcode, 0, 1, uint8_t(protect << 5)), pattern(512, 0));
            ASSERT_EQ(answer.sense(), invalid_field_in_cdb);
            EXPECT_EQ(answer.outcome.sense->specific_value, 1u);
            EXPECT_TRUE(answer.outcome.sense->field_in_cdb);
            EXPECT_GE(answer.outcome.sense->field_bit, 5);
        }
    }
}

TEST_P(LongTransfer, HandsForceUnitAccessToTheStore) {
    Harness harness(sbc::disk);
    for (uint8_t bits : {fua, fua_nv}) {
        harness.store().forget_done();
        ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 0, 1, bits), pattern(512, 0)).good());
        ASSERT_EQ(harness.store().done().size(), 1u);
        EXPECT_TRUE(harness.store().done()[0].dsync);
    }
    harness.store().forget_done();
    ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 0, 1), pattern(512, 0)).good());
    EXPECT_FALSE(harness.store().done()[0].dsync);
    EXPECT_TRUE(harness.run(block_cdb(GetParam().read, 0, 1, fua)).good());
}

TEST_P(Transfer, WritesThroughWithoutAWriteCache) {
    Harness::Options options;
    options.adjust = [](scsi::LunState& state) { state.mode_page(0x08)->current[0] &= ~0x04; };
    Harness harness(sbc::disk, options);
    ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 0, 1), pattern(512, 0)).good());
    EXPECT_TRUE(harness.store().done()[0].dsync);
}

TEST_P(LongTransfer, ForgetsWhatDpoDoesNotWantKept) {
    Harness harness(sbc::disk);
    const Bytes data = pattern(1024, 3);
    ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 4, 2, dpo), data).good());
    Answer answer = harness.run(block_cdb(GetParam().read, 4, 2, dpo));
    EXPECT_EQ(answer.data, data);
    EXPECT_EQ(harness.store().count(OpKind::forget), 2u);
    EXPECT_EQ(harness.store().done().back().offset, 4u * 512u);
}

TEST_P(Transfer, RefusesToWriteToAReadOnlyUnit) {
    Harness::Options options;
    options.adjust = [](scsi::LunState& state) { state.read_only = true; };
    Harness harness(sbc::disk, options);
    EXPECT_EQ(harness.run(block_cdb(GetParam().write, 0, 1), pattern(512, 0)).sense(),
              write_protected);
    EXPECT_TRUE(harness.run(block_cdb(GetParam().read, 0, 1)).good());
}

TEST_P(Transfer, NamesTheBlockOfAMediumError) {
    Harness harness(sbc::disk);
    harness.store().fail_when([](const store::Op&) { return EIO; });
    Answer answer = harness.run(block_cdb(GetParam().read, 40, 1));
    EXPECT_EQ(answer.sense(), unrecovered_read);
    EXPECT_EQ(answer.outcome.sense->information, 40u);
    EXPECT_TRUE(answer.data.empty());
    EXPECT_EQ(harness.run(block_cdb(GetParam().write, 40, 1), pattern(512, 0)).sense(),
              write_error);
}

TEST_P(Transfer, TellsAFullFileSystem) {
    Harness harness(sbc::disk);
    harness.store().fail_when([](const store::Op&) { return ENOSPC; });
    EXPECT_EQ(harness.run(block_cdb(GetParam().write, 40, 1), pattern(512, 0)).sense(), no_space);
}

TEST_P(Transfer, WorksOnAStoreThatAnswersLater) {
    Harness::Options options;
    options.prepare = [](MemoryStore& store) { store.asynchronous = true; };
    Harness harness(sbc::disk, options);
    const Bytes data = pattern(512, 77);
    ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 1, 1), data).good());
    EXPECT_EQ(harness.run(block_cdb(GetParam().read, 1, 1)).data, data);
}

// RFC 7143 11.4.5: the rest is a residual, which the transport computes against in_total.
TEST_P(Transfer, ReadsNoMoreThanTheInitiatorTakes) {
    Harness harness(sbc::disk);
    const Bytes data = pattern(1024, 5);
    harness.store().put(0, data);
    for (size_t expected : {0, 200, 512, 700, 1024, 5000}) {
        Harness::Send send;
        send.expected_in = expected;
        Answer answer = harness.run(block_cdb(GetParam().read, 0, 2), send);
        ASSERT_TRUE(answer.good()) << expected;
        const size_t moved = std::min<size_t>(expected, 1024);
        EXPECT_EQ(answer.data, Bytes(data.begin(), data.begin() + ptrdiff_t(moved))) << expected;
        EXPECT_EQ(answer.in_total, 1024u);
    }
}

TEST_P(Transfer, WritesOnlyTheWholeBlocksThatItGot) {
    for (size_t sent : {0, 200, 512, 700, 1024, 1500}) {
        Harness harness(sbc::disk);
        const Bytes old_data = pattern(1536, 1), new_data = pattern(sent, 100);
        harness.store().put(0, old_data);
        Answer answer = harness.run(block_cdb(GetParam().write, 0, 2), new_data);
        ASSERT_TRUE(answer.good()) << sent;
        EXPECT_EQ(answer.out_total, 1024u);
        Bytes expected = old_data;
        const size_t whole = std::min<size_t>(sent, 1024) / 512 * 512;
        std::copy_n(new_data.begin(), whole, expected.begin());
        EXPECT_EQ(harness.store().bytes(0, 1536), expected) << sent;
    }
}

TEST_P(Transfer, UsesTheBlockSizeOfTheUnit) {
    Harness::Options options;
    options.block_size = 4096;
    Harness harness(sbc::disk, options);
    const Bytes data = pattern(4096, 8);
    ASSERT_TRUE(harness.run(block_cdb(GetParam().write, 255, 1), data).good());
    EXPECT_EQ(harness.store().bytes(255 * 4096, 4096), data);
    EXPECT_EQ(harness.run(block_cdb(GetParam().read, 256, 1)).sense(), lba_out_of_range);
}

TEST(TransferLimits, AcceptTheMaximumTransferLengthAndNoMore) {
    Harness::Options options;
    options.size = 64 << 20;
    Harness harness(sbc::disk, options);
    const Bytes data = pattern(16 << 20, 4);
    ASSERT_TRUE(harness.run(block_cdb(0x8a, 1, 32768), data).good());
    EXPECT_EQ(harness.run(block_cdb(0x88, 1, 32768)).data, data);
    Answer answer = harness.run(block_cdb(0x88, 1, 32769));
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
    EXPECT_EQ(answer.outcome.sense->specific_value, 10u);
}

TEST(TransferLimits, AddressesBeyondThirtyTwoBits) {
    Harness::Options options;
    options.size = uint64_t(1) << 45;
    Harness harness(sbc::disk, options);
    const uint64_t lba = (uint64_t(1) << 36) - 1;
    const Bytes data = pattern(512, 4);
    ASSERT_TRUE(harness.run(block_cdb(0x8a, lba, 1), data).good());
    EXPECT_EQ(harness.run(block_cdb(0x88, lba, 1)).data, data);
    for (uint64_t bad : {lba + 1, uint64_t(1) << 63, UINT64_MAX})
        EXPECT_EQ(harness.run(block_cdb(0x88, bad, 1)).sense(), lba_out_of_range);
}

}  // namespace
}  // namespace tgt::test
