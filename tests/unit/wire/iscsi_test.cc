// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/iscsi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tgt::wire {
namespace {

TEST(Bhs, Rfc7143_11_2_1_FieldsAreReadFromTheirBytes) {
    uint8_t bytes[bhs_size] = {};
    bytes[0] = 0x41;
    bytes[1] = 0x80;
    bytes[4] = 2;
    bytes[5] = 0x01;
    bytes[6] = 0x02;
    bytes[7] = 0x03;
    bytes[16] = 0xaa;
    bytes[19] = 0xbb;
    const auto bhs = from_bytes<Bhs>(bytes);
    EXPECT_EQ(bhs.opcode(), Opcode::scsi_command);
    EXPECT_TRUE(bhs.immediate());
    EXPECT_TRUE(bhs.final());
    EXPECT_EQ(bhs.total_ahs_length, 2);
    EXPECT_EQ(bhs.data_segment_length.get(), 0x010203u);
    EXPECT_EQ(bhs.initiator_task_tag.get(), 0xaa0000bbu);
}

TEST(ScsiCommandPdu, Rfc7143_11_3_FlagsAndCdbStandWhereTheStandardDrawsThem) {
    uint8_t bytes[bhs_size] = {0x01, 0xe1};
    bytes[23] = 9;
    bytes[27] = 7;
    bytes[32] = 0x28;
    const auto command = from_bytes<ScsiCommandPdu>(bytes);
    EXPECT_TRUE(command.final() && command.read() && command.write());
    EXPECT_EQ(command.attribute(), static_cast<uint8_t>(TaskAttribute::simple));
    EXPECT_EQ(command.expected_data_transfer_length.get(), 9u);
    EXPECT_EQ(command.cmd_sn.get(), 7u);
    EXPECT_EQ(command.cdb[0], 0x28);
    EXPECT_FALSE(command.immediate());
}

TEST(LoginPdu, Rfc7143_11_12_StagesAreReadFromTheFlags) {
    LoginRequestPdu request;
    request.flags = 0x87;  // T, CSG 1, NSG 3
    EXPECT_TRUE(request.transit());
    EXPECT_FALSE(request.more());
    EXPECT_EQ(request.current_stage(), 1);
    EXPECT_EQ(request.next_stage(), 3);
    LoginResponsePdu response;
    response.status = static_cast<uint16_t>(LoginStatus::not_found);
    EXPECT_EQ(bytes_of(response)[36], 0x02);
    EXPECT_EQ(bytes_of(response)[37], 0x03);
}

TEST(TargetPdus, HaveTheirOpcodeAndFinalBitFromTheStart) {
    EXPECT_EQ(bytes_of(ScsiResponsePdu{})[0], 0x21);
    EXPECT_EQ(bytes_of(ScsiResponsePdu{})[1], 0x80);
    EXPECT_EQ(bytes_of(DataInPdu{})[0], 0x25);
    EXPECT_EQ(bytes_of(R2tPdu{})[0], 0x31);
    EXPECT_EQ(bytes_of(RejectPdu{})[0], 0x3f);
    EXPECT_EQ(bytes_of(RejectPdu{})[16], 0xff);  // 11.17: ITT is 0xffffffff
    EXPECT_EQ(bytes_of(NopInPdu{})[20], 0xff);
    EXPECT_EQ(bytes_of(LogoutResponsePdu{})[0], 0x26);
    EXPECT_EQ(bytes_of(AsyncMessagePdu{})[0], 0x32);
    EXPECT_EQ(bytes_of(TextResponsePdu{})[0], 0x24);
    EXPECT_EQ(bytes_of(TaskManagementResponsePdu{})[0], 0x22);
}

TEST(Padding, FillsUpToFourBytes) {
    EXPECT_EQ(padding(0), 0u);
    EXPECT_EQ(padding(1), 3u);
    EXPECT_EQ(padding(4), 0u);
    EXPECT_EQ(padding(7), 1u);
}

TEST(Names, UnknownNumbersHaveAName) {
    EXPECT_EQ(opcode_name(Opcode::data_out), "Data-Out");
    EXPECT_EQ(opcode_name(static_cast<Opcode>(0x3e)), "unknown PDU");
    EXPECT_EQ(login_status_text(LoginStatus::out_of_resources), "out of resources");
    EXPECT_EQ(reject_reason_text(RejectReason::data_digest_error), "data digest error");
}

TEST(Ahs, Rfc7143_11_2_2_3_ExtendedCdbIsWhatFollowsTheReservedByte) {
    // A 260-byte CDB is the longest: 244 bytes beyond the first 16.
    std::vector<uint8_t> tail(244);
    for (size_t i = 0; i < tail.size(); ++i) tail[i] = static_cast<uint8_t>(i);
    uint8_t bytes[max_ahs_size];
    const size_t length = encode_ahs({tail, std::nullopt}, bytes);
    ASSERT_EQ(length, 248u);
    EXPECT_EQ(load_be<2>(bytes), 245);  // CDBLength - 15
    const auto fields = decode_ahs({bytes, length});
    ASSERT_TRUE(fields);
    EXPECT_TRUE(std::equal(tail.begin(), tail.end(), fields->extended_cdb.begin(),
                           fields->extended_cdb.end()));
    EXPECT_FALSE(fields->bidirectional_read_length);
}

TEST(Ahs, Rfc7143_11_2_2_4_BothSegmentsTogether) {
    const uint8_t tail[5] = {1, 2, 3, 4, 5};
    uint8_t bytes[64];
    const size_t length = encode_ahs({tail, 0x12345678u}, bytes);
    ASSERT_EQ(length, 20u);
    const auto fields = decode_ahs({bytes, length});
    ASSERT_TRUE(fields);
    EXPECT_EQ(fields->extended_cdb.size(), 5u);
    EXPECT_EQ(fields->extended_cdb[4], 5);
    EXPECT_EQ(fields->bidirectional_read_length, 0x12345678u);
}

TEST(Ahs, NothingIsNothing) {
    const auto fields = decode_ahs({});
    ASSERT_TRUE(fields);
    EXPECT_TRUE(fields->extended_cdb.empty());
    uint8_t bytes[4];
    EXPECT_EQ(encode_ahs({}, bytes), 0u);
    const uint8_t tail[5] = {};
    EXPECT_EQ(encode_ahs({tail, std::nullopt}, bytes), 0u);  // does not fit
}

TEST(Ahs, MalformedSegmentsAreNamed) {
    struct Case {
        std::vector<uint8_t> bytes;
        AhsError error;
    };
    const Case cases[] = {
        {{0}, AhsError::truncated},
        {{0, 5}, AhsError::truncated},
        {{0, 2, 1, 0}, AhsError::truncated},  // one byte less than announced
        {{0xff, 0xff, 1, 0, 0, 0, 0, 0}, AhsError::truncated},
        {{0, 1, 1, 0}, AhsError::bad_length},  // no CDB byte
        {{0, 0, 1, 0}, AhsError::bad_length},
        {{0, 4, 2, 0, 0, 0, 0, 0}, AhsError::bad_length},  // read length needs 5
        {{0, 1, 3, 0}, AhsError::unknown_type},
        {{0, 0, 0, 0}, AhsError::unknown_type},
        {{0, 5, 2, 0, 0, 0, 0, 1, 0, 5, 2, 0, 0, 0, 0, 1}, AhsError::duplicate},
        {{0, 2, 1, 0, 9, 0, 0, 0, 0, 2, 1, 0, 9, 0, 0, 0}, AhsError::duplicate},
    };
    for (const Case& c : cases) {
        const auto fields = decode_ahs(c.bytes);
        ASSERT_FALSE(fields) << c.bytes.size();
        EXPECT_EQ(fields.error(), c.error) << c.bytes.size();
    }
}

}  // namespace
}  // namespace tgt::wire
