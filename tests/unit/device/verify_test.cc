// SPDX-License-Identifier: GPL-2.0-or-later
// VERIFY and WRITE AND VERIFY (SBC-4 5.36 to 5.38, 5.45 to 5.47).
#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

constexpr uint8_t bytchk_bytes = 0x02, bytchk_reserved = 0x04, bytchk_block = 0x06;

class Verify : public testing::TestWithParam<uint8_t> {
  protected:
    Harness harness{sbc::disk};
    Answer run(uint64_t lba, uint32_t blocks, uint8_t byte1, Bytes data = {}) {
        return harness.run(block_cdb(GetParam(), lba, blocks, byte1), std::move(data));
    }
};
INSTANTIATE_TEST_SUITE_P(Cdb, Verify, testing::Values(0x2f, 0xaf, 0x8f));

TEST_P(Verify, WithoutByteCheckReadsTheMedium) {
    ASSERT_TRUE(run(10, 20, 0).good());
    EXPECT_EQ(harness.store().count(store::OpKind::read), 1u);
    harness.store().fail_when([](const store::Op&) { return EIO; });
    Answer answer = run(10, 20, 0);
    EXPECT_EQ(answer.sense(), unrecovered_read);
    EXPECT_EQ(answer.outcome.sense->information, 10u);
}

TEST_P(Verify, ComparesWithTheDataOut) {
    Bytes data = pattern(4 * 512, 1);
    harness.store().put(512, data);
    EXPECT_TRUE(run(1, 4, bytchk_bytes, data).good());
    data[1300] ^= 0x10;
    Answer answer = run(1, 4, bytchk_bytes, data);
    EXPECT_EQ(answer.sense(), miscompare);
    EXPECT_EQ(answer.outcome.sense->information, 1300u);
}

TEST_P(Verify, ComparesEveryBlockWithTheOneSent) {
    Bytes block = pattern(512, 3);
    harness.store().put(0, repeated(block, 3));
    EXPECT_TRUE(run(0, 3, bytchk_block, block).good());
    Answer answer = run(0, 4, bytchk_block, block);
    EXPECT_EQ(answer.sense(), miscompare);
    EXPECT_EQ(answer.outcome.sense->information, 3u * 512u);
}

TEST_P(Verify, RefusesTheReservedByteCheck) {
    EXPECT_EQ(run(0, 1, bytchk_reserved).sense(), invalid_field_in_cdb);
}

TEST_P(Verify, RefusesWhenNotEverythingToCompareWasSent) {
    EXPECT_EQ(run(0, 2, bytchk_bytes, Bytes(512)).sense(), invalid_field_in_cdb);
}

TEST_P(Verify, OfNoBlocksIsGood) {
    for (uint8_t byte1 : {uint8_t(0), bytchk_bytes, bytchk_block})
        EXPECT_TRUE(run(0, 0, byte1).good());
}

TEST_P(Verify, ChecksTheRangeAlways) {
    for (uint8_t byte1 : {uint8_t(0), bytchk_bytes, bytchk_block})
        EXPECT_EQ(run(2047, 2, byte1).sense(), lba_out_of_range);
}

TEST_P(Verify, RefusesProtectionFields) {
    for (unsigned protect = 1; protect < 8; ++protect)
        EXPECT_EQ(run(0, 1, uint8_t(protect << 5)).sense(), invalid_field_in_cdb);
}

TEST(VerifyLarge, WorksInPieces) {
    Harness::Options options;
    options.size = 8 << 20;
    Harness harness(sbc::disk, options);
    ASSERT_TRUE(harness.run(block_cdb(0x8f, 0, 16384)).good());
    EXPECT_EQ(harness.store().count(store::OpKind::read), 8u);
    Bytes data = pattern(5 << 20, 6);
    harness.store().put(0, data);
    EXPECT_TRUE(harness.run(block_cdb(0x8f, 0, 10240, bytchk_bytes), data).good());
    data[(4 << 20) + 3] ^= 1;
    Answer answer = harness.run(block_cdb(0x8f, 0, 10240, bytchk_bytes), data);
    EXPECT_EQ(answer.outcome.sense->information, (4u << 20) + 3);
}

class WriteAndVerify : public testing::TestWithParam<uint8_t> {
  protected:
    Harness harness{sbc::disk};
    Answer run(uint64_t lba, uint32_t blocks, uint8_t byte1, Bytes data) {
        return harness.run(block_cdb(GetParam(), lba, blocks, byte1), std::move(data));
    }
};
INSTANTIATE_TEST_SUITE_P(Cdb, WriteAndVerify, testing::Values(0x2e, 0xae, 0x8e));

TEST_P(WriteAndVerify, WritesThroughToTheMediumAndReadsItBack) {
    const Bytes data = pattern(1024, 2);
    for (uint8_t byte1 : {uint8_t(0), bytchk_bytes}) {
        harness.store().forget_done();
        ASSERT_TRUE(run(6, 2, byte1, data).good());
        EXPECT_EQ(harness.store().bytes(6 * 512, 1024), data);
        EXPECT_EQ(harness.store().count(store::OpKind::flush), 1u);
        EXPECT_EQ(harness.store().count(store::OpKind::read), 1u);
    }
}

TEST_P(WriteAndVerify, TellsWhatItCannotReadBack) {
    harness.store().fail_when(
        [](const store::Op& op) { return op.kind == store::OpKind::read ? EIO : 0; });
    EXPECT_EQ(run(6, 2, 0, pattern(1024, 2)).sense(), unrecovered_read);
}

TEST_P(WriteAndVerify, RefusesOtherByteChecks) {
    for (uint8_t byte1 : {bytchk_reserved, bytchk_block})
        EXPECT_EQ(run(0, 1, byte1, Bytes(512)).sense(), invalid_field_in_cdb);
    EXPECT_TRUE(harness.store().done().empty());
}

TEST_P(WriteAndVerify, WritesOnlyTheWholeBlocksThatItGot) {
    harness.store().put(0, Bytes(1024, 0xee));
    Answer answer = run(0, 2, bytchk_bytes, Bytes(700, 0x11));
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.out_total, 1024u);
    EXPECT_EQ(harness.store().bytes(0, 512), Bytes(512, 0x11));
    EXPECT_EQ(harness.store().bytes(512, 512), Bytes(512, 0xee));
}

TEST_P(WriteAndVerify, KeepsToRangeAndWriteProtection) {
    EXPECT_EQ(run(2048, 1, 0, Bytes(512)).sense(), lba_out_of_range);
    EXPECT_TRUE(run(0, 0, 0, {}).good());
    harness.change([](scsi::LunState& state) { state.read_only = true; });
    EXPECT_EQ(run(0, 1, 0, Bytes(512)).sense(), write_protected);
}

}  // namespace
}  // namespace tgt::test
