// SPDX-License-Identifier: GPL-2.0-or-later
// READ(6) and VERIFY(6): SSC-4 5.3, 5.8.
#include <gtest/gtest.h>

#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

constexpr uint32_t no_sense = 0x000000;

// Blocks of 1024, 512, 2048 bytes, two filemarks, one block of 512; at the beginning.
class Read : public testing::Test {
  protected:
    void SetUp() override {
        for (uint32_t bytes : {1024u, 512u, 2048u})
            ASSERT_TRUE(
                bench.run(write_variable(bytes), pattern(bytes, uint8_t(bytes >> 8))).good());
        bench.write_marks(2);
        ASSERT_TRUE(bench.run(write_variable(512), pattern(512, 9)).good());
        ASSERT_TRUE(bench.run(rewind_cdb).good());
    }
    TapeBench bench;
};

TEST_F(Read, VariableGivesTheBlockAsItWasWritten_Ssc4_5_3) {
    const Answer answer = bench.run(read_variable(1024));
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data, pattern(1024, 4));
    EXPECT_EQ(answer.in_total, 1024u);
    EXPECT_EQ(bench.object(), 1u);
}

TEST_F(Read, AWholeBlockThatIsCachedNeedsNoWayToTheStrand) {
    bench.run(read_variable(1024));
    EXPECT_EQ(bench.run(read_variable(512)).data, pattern(512, 2));
    EXPECT_EQ(bench.tape->cached_reads, 2u);
    bench.tape->cached = false;
    const Answer answer = bench.run(read_variable(2048));
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data, pattern(2048, 8));
    EXPECT_EQ(bench.tape->cached_reads, 2u);
    EXPECT_EQ(bench.object(), 3u);
}

TEST_F(Read, WhatIsNoWholePlainBlockIsForTheStrand) {
    bench.run(read_variable(1023));
    bench.run(read_variable(513));
    bench.tape->all[0].objects[2].block.flags = 1;
    bench.run(read_variable(2048));
    EXPECT_EQ(bench.run(read_variable(512)).sense(), filemark_detected);
    EXPECT_EQ(bench.run(read_variable(512)).sense(), filemark_detected);
    bench.set_block(512);
    EXPECT_TRUE(bench.run(read_fixed(1)).good());
    bench.run(read_variable(512));
    EXPECT_EQ(bench.tape->cached_reads, 0u);
}

TEST_F(Read, WhatTheInitiatorHasNoRoomForIsForTheStrand) {
    Harness::Send send;
    send.expected_in = 100;
    const Answer answer = bench.harness.run(read_variable(1024), send);
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.in_total, 1024u);
    EXPECT_EQ(bench.tape->cached_reads, 0u);
}

TEST_F(Read, OfLengthZeroMovesNothing_Ssc4_5_3) {
    EXPECT_TRUE(bench.run(read_variable(0)).good());
    EXPECT_EQ(bench.object(), 0u);
}

TEST_F(Read, ShorterBlockIsGivenWithIliAndTheDifference_Ssc4_5_3) {
    const Answer answer = bench.run(read_variable(4096));
    EXPECT_EQ(answer.status(), scsi::Status::check_condition);
    EXPECT_EQ(answer.sense(), no_sense);
    EXPECT_TRUE(answer.outcome.sense->incorrect_length);
    EXPECT_FALSE(answer.outcome.sense->filemark || answer.outcome.sense->end_of_medium);
    EXPECT_EQ(information(answer), 3072);
    EXPECT_EQ(answer.data, pattern(1024, 4));
    EXPECT_EQ(answer.in_total, 1024u);
    EXPECT_EQ(bench.object(), 1u);
}

TEST_F(Read, LongerBlockIsCutWithIliAndANegativeDifference_Ssc4_5_3) {
    const Answer answer = bench.run(read_variable(1000));
    EXPECT_EQ(answer.status(), scsi::Status::check_condition);
    EXPECT_TRUE(answer.outcome.sense->incorrect_length);
    EXPECT_EQ(information(answer), -24);
    Bytes wanted = pattern(1024, 4);
    wanted.resize(1000);
    EXPECT_EQ(answer.data, wanted);
    EXPECT_EQ(bench.object(), 1u);
}

TEST_F(Read, SiliSuppressesTheShorterBlock_Ssc4_5_3) {
    for (uint32_t block : {0u, 512u}) {
        bench.set_block(block);
        ASSERT_TRUE(bench.run(rewind_cdb).good());
        const Answer answer = bench.run(read_variable(4096, sili));
        EXPECT_TRUE(answer.good()) << block;
        EXPECT_EQ(answer.data.size(), 1024u);
        EXPECT_EQ(answer.in_total, 1024u);
    }
}

TEST_F(Read, SiliSuppressesTheLongerBlockUnlessThereIsABlockLength_Ssc4_5_3) {
    EXPECT_TRUE(bench.run(read_variable(100, sili)).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    bench.set_block(512);
    const Answer answer = bench.run(read_variable(100, sili));
    EXPECT_TRUE(answer.outcome.sense && answer.outcome.sense->incorrect_length);
    EXPECT_EQ(information(answer), -924);
}

TEST_F(Read, SiliWithFixedIsAnInvalidField_Ssc4_5_3) {
    bench.set_block(512);
    const Answer answer = bench.run(cdb6(0x08, fixed | sili, 1));
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
    EXPECT_EQ(answer.outcome.sense->field_bit, 1);
}

TEST_F(Read, FilemarkStopsAVariableReadBehindIt_Ssc4_5_3) {
    ASSERT_TRUE(bench.run(locate10(3)).good());
    const Answer answer = bench.run(read_variable(700));
    EXPECT_EQ(answer.sense(), filemark_detected);
    EXPECT_TRUE(answer.outcome.sense->filemark);
    EXPECT_EQ(information(answer), 700);
    EXPECT_TRUE(answer.data.empty());
    EXPECT_EQ(bench.object(), 4u);
}

TEST_F(Read, EndOfDataIsABlankCheckAndStays_Ssc4_5_3) {
    ASSERT_TRUE(bench.run(space(to_eod)).good());
    for (int again = 0; again < 2; ++again) {
        const Answer answer = bench.run(read_variable(700));
        EXPECT_EQ(answer.sense(), end_of_data);
        EXPECT_EQ(information(answer), 700);
        EXPECT_TRUE(answer.data.empty());
        EXPECT_EQ(bench.object(), 6u);
    }
}

TEST_F(Read, OfABlankTapeIsABlankCheck) {
    TapeBench blank;
    EXPECT_EQ(blank.run(read_variable(512)).sense(), end_of_data);
}

TEST_F(Read, LengthBeyondTheLimitIsAnInvalidField) {
    const Answer answer = bench.run(read_variable(0x800001));
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
    EXPECT_EQ(answer.outcome.sense->specific_value, 2);
    EXPECT_EQ(bench.object(), 0u);
}

TEST_F(Read, DamagedBlockIsAMediumErrorAndPassed) {
    bench.tape->all[0].objects[1].damaged = true;
    ASSERT_TRUE(bench.run(locate10(1)).good());
    const Answer answer = bench.run(read_variable(512));
    EXPECT_EQ(answer.sense(), unrecovered_read);
    EXPECT_TRUE(answer.data.empty());
    EXPECT_EQ(bench.object(), 2u);
    EXPECT_TRUE(bench.run(read_variable(2048)).good());
}

TEST_F(Read, GivesAnInitiatorThatTakesLessOnlyThat) {
    Harness::Send send;
    send.expected_in = 100;
    const Answer answer = bench.harness.run(read_variable(1024), send);
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data.size(), 100u);
    EXPECT_EQ(answer.in_total, 1024u);
    EXPECT_EQ(bench.object(), 1u);
}

// Five blocks of 512 bytes, a filemark, one block of 512, one of 100 bytes.
class ReadFixed : public testing::Test {
  protected:
    void SetUp() override {
        bench.write_blocks(5, 512);
        bench.write_marks(1);
        ASSERT_TRUE(bench.run(write_variable(512), pattern(512, 5)).good());
        ASSERT_TRUE(bench.run(write_variable(100), pattern(100, 6)).good());
        ASSERT_TRUE(bench.run(rewind_cdb).good());
        bench.set_block(512);
    }
    TapeBench bench;
};

TEST_F(ReadFixed, GivesManyBlocks_Ssc4_5_3) {
    const Answer answer = bench.run(read_fixed(5));
    EXPECT_TRUE(answer.good());
    Bytes wanted;
    for (uint8_t i = 0; i < 5; ++i) {
        const Bytes block = pattern(512, i);
        wanted.insert(wanted.end(), block.begin(), block.end());
    }
    EXPECT_EQ(answer.data, wanted);
    EXPECT_EQ(bench.object(), 5u);
}

TEST_F(ReadFixed, WithoutABlockLengthIsAnInvalidField_Ssc4_5_3) {
    bench.set_block(0);
    EXPECT_EQ(bench.run(read_fixed(1)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.run(write_fixed(1)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.object(), 0u);
}

TEST_F(ReadFixed, FilemarkStopsItWithTheBlocksThatAreLeft_Ssc4_5_3) {
    ASSERT_TRUE(bench.run(locate10(3)).good());
    const Answer answer = bench.run(read_fixed(10));
    EXPECT_EQ(answer.sense(), filemark_detected);
    EXPECT_TRUE(answer.outcome.sense->filemark);
    EXPECT_EQ(information(answer), 8);
    EXPECT_EQ(answer.data.size(), 1024u);
    EXPECT_EQ(answer.in_total, 1024u);
    EXPECT_EQ(bench.object(), 6u);
}

TEST_F(ReadFixed, OtherLengthStopsItBehindThatBlockWithIli_Ssc4_5_3) {
    ASSERT_TRUE(bench.run(locate10(6)).good());
    const Answer answer = bench.run(read_fixed(4));
    EXPECT_EQ(answer.sense(), no_sense);
    EXPECT_TRUE(answer.outcome.sense->incorrect_length);
    EXPECT_EQ(information(answer), 3);
    EXPECT_EQ(answer.data, pattern(512, 5));
    EXPECT_EQ(bench.object(), 8u);
}

TEST_F(ReadFixed, EndOfDataKeepsWhatWasRead_Ssc4_5_3) {
    ASSERT_TRUE(bench.run(locate10(6)).good());
    ASSERT_TRUE(bench.run(locate10(7)).good());
    ASSERT_TRUE(bench.run(erase_long).good());
    ASSERT_TRUE(bench.run(locate10(6)).good());
    const Answer answer = bench.run(read_fixed(3));
    EXPECT_EQ(answer.sense(), end_of_data);
    EXPECT_EQ(information(answer), 2);
    EXPECT_EQ(answer.data, pattern(512, 5));
    EXPECT_EQ(bench.object(), 7u);
}

TEST_F(ReadFixed, MediumErrorKeepsWhatWasRead) {
    bench.tape->all[0].objects[2].damaged = true;
    const Answer answer = bench.run(read_fixed(5));
    EXPECT_EQ(answer.sense(), unrecovered_read);
    EXPECT_EQ(information(answer), 3);
    EXPECT_EQ(answer.data.size(), 1024u);
    EXPECT_EQ(bench.object(), 3u);
}

TEST_F(ReadFixed, MoreThanFitsInMemoryIsAnInvalidField) {
    EXPECT_EQ(bench.run(read_fixed(0x8001)).sense(), invalid_field_in_cdb);
}

TEST_F(ReadFixed, VerifyPassesBlocksWithoutData_Ssc4_5_8) {
    EXPECT_TRUE(bench.run(cdb6(0x13, fixed, 5)).good());
    EXPECT_EQ(bench.object(), 5u);
    const Answer answer = bench.run(cdb6(0x13, fixed, 1));
    EXPECT_EQ(answer.sense(), filemark_detected);
    EXPECT_EQ(information(answer), 1);
    EXPECT_TRUE(bench.run(cdb6(0x13, 0, 512)).good());
    EXPECT_EQ(information(bench.run(cdb6(0x13, 0, 512))), 412);
    EXPECT_EQ(bench.run(cdb6(0x13, 0, 512)).sense(), end_of_data);
}

TEST_F(ReadFixed, VerifyFindsDamage_Ssc4_5_8) {
    bench.tape->all[0].objects[2].damaged = true;
    EXPECT_EQ(bench.run(cdb6(0x13, fixed, 5)).sense(), unrecovered_read);
    EXPECT_EQ(bench.object(), 3u);
}

constexpr uint8_t compare = 0x02;
constexpr uint32_t miscompare = 0x0e1d00;

Bytes blocks(size_t first, size_t count) {
    Bytes all;
    for (size_t i = 0; i < count; ++i) {
        const Bytes one = pattern(512, uint8_t(first + i));
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}

TEST_F(ReadFixed, VerifyComparesWhenItIsAskedTo_Ssc4_5_8) {
    EXPECT_TRUE(bench.run(cdb6(0x13, compare | fixed, 3), blocks(0, 3)).good());
    EXPECT_EQ(bench.object(), 3u);
    EXPECT_TRUE(bench.run(cdb6(0x13, compare, 512), blocks(3, 1)).good());
    EXPECT_EQ(bench.object(), 4u);
    EXPECT_TRUE(bench.run(cdb6(0x13, compare, 0)).good());
    EXPECT_EQ(bench.object(), 4u);
}

TEST_F(ReadFixed, VerifyStopsBehindTheBlockThatDiffers_Ssc4_5_8) {
    Bytes data = blocks(0, 5);
    data[2 * 512 + 7] ^= 1;
    const Answer answer = bench.run(cdb6(0x13, compare | fixed, 5), data);
    EXPECT_EQ(answer.sense(), miscompare);
    EXPECT_EQ(information(answer), 3);
    EXPECT_EQ(bench.object(), 3u);
}

TEST_F(ReadFixed, VerifyTellsOfAnotherLengthWhenItCompares_Ssc4_5_8) {
    Bytes start = blocks(0, 1);
    start.resize(100);
    const Answer answer = bench.run(cdb6(0x13, compare, 100), start);
    EXPECT_TRUE(answer.outcome.sense && answer.outcome.sense->incorrect_length);
    EXPECT_EQ(information(answer), -412);
}

TEST_F(ReadFixed, VerifyComparesNothingThatWasNotSent_Ssc4_5_8) {
    EXPECT_EQ(bench.run(cdb6(0x13, compare, 512), Bytes(100)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.object(), 0u);
}

}  // namespace
}  // namespace tgt::test
