// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/op_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "scsi/spc_commands.h"

namespace tgt::scsi {
namespace {

OpRow row_of(uint8_t opcode, Range range, Amount amount) {
    OpRow row;
    row.opcode = opcode;
    row.cdb_length = 16;
    row.usage.fill(0xff);
    row.usage[0] = opcode;
    row.range = range;
    row.amount = amount;
    return row;
}

struct DecodeCase {
    OpRow row;
    std::vector<uint8_t> cdb;
    uint64_t lba, blocks, bytes;
};

TEST(Decode, ReadsEveryCdbFormat) {
    const DecodeCase cases[] = {
        {row_of(0x08, Range::cdb6, Amount::blocks), {8, 0xff, 2, 3, 0}, 0x1f0203, 256, 256 * 512},
        {row_of(0x08, Range::cdb6, Amount::blocks), {8, 0, 0, 1, 9}, 1, 9, 9 * 512},
        {row_of(0x28, Range::cdb10, Amount::blocks),
         {0x28, 0, 0xff, 0, 0, 1, 0, 1, 2},
         0xff000001,
         0x102,
         0x102 * 512},
        {row_of(0xa8, Range::cdb12, Amount::blocks),
         {0xa8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
         1,
         0xffffffff,
         0xffffffffull * 512},
        {row_of(0x88, Range::cdb16, Amount::blocks),
         {0x88, 0, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5},
         0x8000000000000001,
         5,
         5 * 512},
        {row_of(0x89, Range::cdb16_byte, Amount::two_times),
         {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5},
         1,
         5,
         2 * 5 * 512},
        {row_of(0x9e, Range::cdb16_lba, Amount::none),
         {0x9e, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5},
         1,
         0,
         0},
    };
    for (DecodeCase c : cases) {
        c.cdb.resize(16);
        const Extents extents = decode(c.row, c.cdb.data(), 512);
        EXPECT_EQ(extents.lba, c.lba) << int(c.row.opcode);
        EXPECT_EQ(extents.blocks, c.blocks) << int(c.row.opcode);
        EXPECT_EQ(extents.bytes, c.bytes) << int(c.row.opcode);
    }
}

TEST(Decode, LengthsOfTapeCommandsAreBlocksWhenFixed) {
    const OpRow row = row_of(0x08, Range::none, Amount::tape_6);
    const uint8_t fixed[16] = {8, 0x01, 0x01, 0x00, 0x02, 0}, variable[16] = {8, 0x02, 1, 0, 2, 0};
    EXPECT_EQ(decode(row, fixed, 512).bytes, 0x10002u * 512);
    EXPECT_EQ(decode(row, variable, 512).bytes, 0x10002u);
    EXPECT_EQ(decode(row, fixed, 0).bytes, 0u);
}

TEST(Decode, VerifyOfTapesMovesWhatItCompares_Ssc4_5_8) {
    const OpRow row = row_of(0x13, Range::none, Amount::tape_verify_6);
    const uint8_t passes[16] = {0x13, 0x01, 0, 0, 3, 0}, compares[16] = {0x13, 0x03, 0, 0, 3, 0};
    EXPECT_EQ(decode(row, passes, 512).bytes, 0u);
    EXPECT_EQ(decode(row, compares, 512).bytes, 3u * 512);
}

TEST(Decode, VerifyMovesWhatBytchkSays_Sbc4_5_36) {
    const OpRow row = row_of(0x2f, Range::cdb10, Amount::verify_bytes);
    const uint64_t expected[] = {0, 3 * 512, 0, 512};
    for (uint8_t bytchk = 0; bytchk < 4; ++bytchk) {
        const uint8_t cdb[16] = {0x2f, uint8_t(bytchk << 1), 0, 0, 0, 0, 0, 0, 3};
        EXPECT_EQ(decode(row, cdb, 512).bytes, expected[bytchk]);
    }
}

TEST(Decode, WriteSameMovesOneBlockUnlessNdob) {
    const OpRow row = row_of(0x93, Range::cdb16, Amount::one_block);
    uint8_t cdb[16] = {0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8};
    EXPECT_EQ(decode(row, cdb, 4096).bytes, 4096u);
    cdb[1] = 0x01;
    EXPECT_EQ(decode(row, cdb, 4096).bytes, 0u);
}

TEST(Decode, ReadsTheLengthField) {
    OpRow row = row_of(0xa0, Range::none, Amount::field);
    row.length_at = 6;
    row.length_bytes = 4;
    const uint8_t cdb[16] = {0xa0, 0, 0, 0, 0, 0, 0x80, 1, 2, 3};
    EXPECT_EQ(decode(row, cdb, 512).bytes, 0x80010203u);
}

TEST(ReservedBits, PointAtTheHighestBitOfTheFirstByte) {
    const OpRow& inquiry = spc_rows[2];
    ASSERT_EQ(inquiry.opcode, 0x12);
    const uint8_t clean[16] = {0x12, 0x01, 0x83, 0, 255, 0};
    EXPECT_EQ(check_reserved_bits(inquiry, clean), std::nullopt);
    const uint8_t cmddt[16] = {0x12, 0x03, 0x83, 0, 255, 0x04};
    EXPECT_EQ(check_reserved_bits(inquiry, cmddt), sense::invalid_field_in_cdb(1, 1));
    const uint8_t naca[16] = {0x12, 0x00, 0x00, 0, 255, 0x05};
    EXPECT_EQ(check_reserved_bits(inquiry, naca), sense::invalid_field_in_cdb(5, 2));
}

TEST(ReservedBits, BytesBehindTheCdbDoNotMatter) {
    const uint8_t cdb[16] = {0x12, 0, 0, 0, 255, 0, 0xff, 0xff};
    EXPECT_EQ(check_reserved_bits(spc_rows[2], cdb), std::nullopt);
}

TEST(OpIndex, FindsEveryRowOfItsTable) {
    const OpIndex index(spc_rows);
    for (const OpRow& row : spc_rows) {
        bool known = false;
        EXPECT_EQ(index.find(row.usage.data(), known), &row) << row.name;
        EXPECT_TRUE(known);
    }
}

TEST(OpIndex, TellsUnknownOpcodesFromUnknownServiceActions) {
    const OpIndex index(spc_rows);
    bool known = true;
    const uint8_t opcode[16] = {0xc1};
    EXPECT_EQ(index.find(opcode, known), nullptr);
    EXPECT_FALSE(known);
    const uint8_t action[16] = {0x5e, 0x04};
    EXPECT_EQ(index.find(action, known), nullptr);
    EXPECT_TRUE(known);
}

TEST(OpIndex, ServiceActionsOfOneOpcodeNeedNotStandTogether) {
    const std::array<OpRow, 3> rows = {spc_rows[13], spc_rows[0], spc_rows[14]};
    const OpIndex index(rows);
    bool known = false;
    EXPECT_EQ(index.find(rows[2].usage.data(), known), &rows[2]);
}

}  // namespace
}  // namespace tgt::scsi
