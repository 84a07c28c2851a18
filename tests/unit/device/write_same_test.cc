// SPDX-License-Identifier: GPL-2.0-or-later
// WRITE SAME (SBC-4 5.51, 5.52).
#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

using store::OpKind;
constexpr uint8_t unmap_bit = 0x08, anchor_bit = 0x10, ndob_bit = 0x01;

class WriteSame : public testing::TestWithParam<uint8_t> {
  protected:
    static Harness::Options thin() {
        Harness::Options options;
        options.adjust = [](scsi::LunState& state) { state.thin = true; };
        return options;
    }
    Harness harness{sbc::disk, thin()};
    Answer run(uint64_t lba, uint32_t blocks, uint8_t byte1, Bytes data) {
        return harness.run(block_cdb(GetParam(), lba, blocks, byte1), std::move(data));
    }
};
INSTANTIATE_TEST_SUITE_P(Cdb, WriteSame, testing::Values(0x41, 0x93));

TEST_P(WriteSame, RepeatsTheBlock) {
    const Bytes block = pattern(512, 1);
    harness.store().put(0, Bytes(8192, 0xaa));
    ASSERT_TRUE(run(2, 5, 0, block).good());
    EXPECT_EQ(harness.store().bytes(1024, 5 * 512), repeated(block, 5));
    EXPECT_EQ(harness.store().bytes(512, 512), Bytes(512, 0xaa));
    EXPECT_EQ(harness.store().bytes(7 * 512, 512), Bytes(512, 0xaa));
}

TEST_P(WriteSame, OfNoBlocksGoesToTheEnd) {
    const Bytes block = pattern(512, 1);
    ASSERT_TRUE(run(2000, 0, 0, block).good());
    EXPECT_EQ(harness.store().bytes(2000 * 512, 48 * 512), repeated(block, 48));
    EXPECT_EQ(harness.store().bytes(1999 * 512, 512), Bytes(512));
}

TEST_P(WriteSame, WorksInPieces) {
    Harness::Options options;
    options.size = 5 << 20;
    Harness large(sbc::disk, options);
    const Bytes block = pattern(512, 1);
    ASSERT_TRUE(large.run(block_cdb(GetParam(), 1, 0), block).good());
    EXPECT_EQ(large.store().count(OpKind::write), 5u);
    EXPECT_EQ(large.store().bytes(512, (5 << 20) - 512), repeated(block, 10239));
}

TEST_P(WriteSame, OfZeroesMovesNoData) {
    harness.store().put(0, Bytes(8192, 0xaa));
    ASSERT_TRUE(run(1, 3, 0, Bytes(512)).good());
    EXPECT_EQ(harness.store().bytes(512, 3 * 512), Bytes(3 * 512));
    EXPECT_EQ(harness.store().count(OpKind::write_zeroes), 1u);
    EXPECT_EQ(harness.store().count(OpKind::write), 0u);
}

TEST_P(WriteSame, UnmapsZeroes) {
    harness.store().put(0, Bytes(16384, 0xaa));
    ASSERT_TRUE(run(8, 8, unmap_bit, Bytes(512)).good());
    EXPECT_TRUE(harness.store().is_hole(8 * 512));
    EXPECT_EQ(harness.store().count(OpKind::discard), 1u);
}

TEST_P(WriteSame, UnmapsWhateverThePatternWhenAskedTo) {
    ASSERT_TRUE(run(8, 8, 0, pattern(512, 8)).good());
    ASSERT_TRUE(run(8, 8, unmap_bit, pattern(512, 8)).good());
    EXPECT_EQ(harness.store().bytes(8 * 512, 4096), Bytes(4096));
    EXPECT_EQ(harness.store().count(OpKind::discard), 1u);
}

// SBC-4 5.51: NUMBER OF LOGICAL BLOCKS against MAXIMUM WRITE SAME LENGTH.
TEST_P(WriteSame, RefusesMoreThanTheReportedMaximum) {
    Harness::Options options = thin();
    options.size = 70000 * 512;
    Harness big(sbc::disk, options);
    Answer answer = big.run(block_cdb(GetParam(), 0, 0, 0), Bytes(512));  // 0: to the end
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
}

TEST_P(WriteSame, WritesZeroesWhereDiscardDoesNotPromiseThem) {
    auto options = thin();
    options.prepare = [](MemoryStore& store) { store.info_.features.discard_zeroes = false; };
    Harness other(sbc::disk, options);
    ASSERT_TRUE(other.run(block_cdb(GetParam(), 8, 8, unmap_bit), Bytes(512)).good());
    EXPECT_EQ(other.store().count(OpKind::discard), 0u);
    EXPECT_EQ(other.store().count(OpKind::write_zeroes), 1u);
}

TEST_P(WriteSame, RefusesUnmapOnAFullyProvisionedUnit) {
    Harness thick(sbc::disk);
    Answer answer = thick.run(block_cdb(GetParam(), 0, 1, unmap_bit), Bytes(512));
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
    EXPECT_EQ(answer.outcome.sense->field_bit, 3);
    thick.change([](scsi::LunState& state) { state.read_only = true; });
    EXPECT_EQ(thick.run(block_cdb(GetParam(), 0, 1, unmap_bit), Bytes(512)).sense(),
              write_protected);
}

TEST_P(WriteSame, RefusesAnchorAndTheObsoleteBits) {
    for (uint8_t bits : {anchor_bit, uint8_t(anchor_bit | unmap_bit), uint8_t(0x04), uint8_t(0x02)})
        EXPECT_EQ(run(0, 1, bits, Bytes(512)).sense(), invalid_field_in_cdb) << int(bits);
    for (unsigned protect = 1; protect < 8; ++protect)
        EXPECT_EQ(run(0, 1, uint8_t(protect << 5), Bytes(512)).sense(), invalid_field_in_cdb);
}

TEST_P(WriteSame, WantsExactlyOneBlock) {
    for (size_t bytes : {0, 511, 513, 1024})
        EXPECT_EQ(run(0, 1, 0, Bytes(bytes, 1)).sense(), invalid_field_in_cdb) << bytes;
    EXPECT_EQ(harness.store().count(OpKind::write), 0u);
}

TEST_P(WriteSame, ChecksTheRange) {
    EXPECT_EQ(run(2047, 2, 0, Bytes(512)).sense(), lba_out_of_range);
    EXPECT_EQ(run(2048, 0, 0, Bytes(512)).sense(), lba_out_of_range);
}

TEST_P(WriteSame, ReachesTheMediumWithoutAWriteCache) {
    ASSERT_TRUE(run(0, 8, 0, Bytes(512)).good());
    EXPECT_EQ(harness.store().count(OpKind::flush), 0u);
    harness.change([](scsi::LunState& state) { state.mode_page(0x08)->current[0] = 0; });
    ASSERT_TRUE(run(0, 8, 0, Bytes(512)).good());
    EXPECT_EQ(harness.store().count(OpKind::flush), 1u);
}

TEST(WriteSame16, NeedsNoDataWithNdob) {
    Harness harness(sbc::disk);
    harness.store().put(0, Bytes(4096, 0xaa));
    Answer answer = harness.run(block_cdb(0x93, 0, 8, ndob_bit));
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.out_total, 0u);
    EXPECT_EQ(harness.store().bytes(0, 4096), Bytes(4096));
    EXPECT_EQ(harness.run(block_cdb(0x41, 0, 8, ndob_bit)).sense(), invalid_field_in_cdb);
}

}  // namespace
}  // namespace tgt::test
