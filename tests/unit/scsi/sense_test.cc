// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/sense.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "scsi/outcome.h"

namespace tgt::scsi {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes encode(const Sense& sense, bool descriptor) {
    Bytes out(max_sense_bytes, 0xee);
    out.resize(encode_sense(sense, descriptor, out));
    return out;
}

TEST(Sense, FixedFormatIsThatOfSpc5_4_4_3) {
    EXPECT_EQ(encode(sense::invalid_opcode(), false),
              Bytes({0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0}));
}

TEST(Sense, FixedInformationSetsValid) {
    EXPECT_EQ(encode(sense::unrecovered_read(0x01020304), false),
              Bytes({0xf0, 0, 3, 1, 2, 3, 4, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0}));
}

TEST(Sense, DeferredErrorsHaveResponseCodesOfTheirOwn_Spc5_4_4_1) {
    Sense sense = sense::make(SenseKey::medium_error, 0x0c, 0x00);
    sense.deferred = true;
    EXPECT_EQ(encode(sense, false)[0], 0x71);
    EXPECT_EQ(encode(sense, true)[0], 0x73);
    sense.has_information = true;
    EXPECT_EQ(encode(sense, false)[0], 0xf1);
}

TEST(Sense, FieldPointersOfSpc5_4_4_2_4_2) {
    EXPECT_EQ(encode(sense::invalid_field_in_cdb(2, 7), false),
              Bytes({0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xcf, 0, 2}));
    EXPECT_EQ(encode(sense::invalid_field_in_cdb(2, 0), false)[15], 0xc8);
    EXPECT_EQ(encode(sense::invalid_field_in_parameters(0x123), false),
              Bytes({0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x26, 0, 0, 0x80, 1, 0x23}));
}

TEST(Sense, ProgressIndicationIsSpecificToNotReady) {
    Sense sense = sense::not_ready(0x04);
    sense.specific = Sense::Specific::progress;
    sense.specific_value = 0x8001;
    const Bytes bytes = encode(sense, false);
    EXPECT_EQ(Bytes(bytes.begin() + 15, bytes.end()), Bytes({0x80, 0x80, 0x01}));
}

TEST(Sense, DescriptorFormatHasNoDescriptorsWithoutNeed) {
    EXPECT_EQ(encode(sense::unit_attention(0x29, 0x07), true),
              Bytes({0x72, 6, 0x29, 7, 0, 0, 0, 0}));
}

TEST(Sense, DescriptorFormatCarriesInformationFieldPointerAndStreamBits) {
    Sense sense = sense::invalid_field_in_cdb(1, 3);
    sense.has_information = true;
    sense.information = 0x0102030405060708;
    sense.filemark = true;
    sense.end_of_medium = true;
    sense.incorrect_length = true;
    EXPECT_EQ(encode(sense, true),
              Bytes({0x72, 5,    0x24, 0,   0,    0, 0, 24,              // header
                     0,    0x0a, 0x80, 0,   1,    2, 3, 4,  5, 6, 7, 8,  // information
                     2,    6,    0,    0,   0xcb, 0, 1, 0,               // sense key specific
                     4,    2,    0,    0xe0}));                          // stream commands
}

TEST(Sense, FixedFormatCarriesStreamBits) {
    Sense sense;
    sense.filemark = true;
    EXPECT_EQ(encode(sense, false)[2], 0x80);
    sense.end_of_medium = true;
    sense.incorrect_length = true;
    EXPECT_EQ(encode(sense, false)[2], 0xe0);
}

TEST(Sense, FixedFormatLeavesInformationOver32BitsOut) {
    EXPECT_EQ(encode(sense::lba_out_of_range(0xffffffff), false)[0], 0xf0);
    EXPECT_EQ(encode(sense::lba_out_of_range(0x100000000), false)[0], 0x70);
    EXPECT_EQ(encode(sense::lba_out_of_range(0x100000000), false)[3], 0);
    EXPECT_EQ(encode(sense::lba_out_of_range(0x100000000), true)[0], 0x72);
}

TEST(Sense, FixedFormatCarriesNegativeDifferences) {
    Sense sense;
    sense.has_information = sense.information_signed = true;
    sense.information = uint64_t(-512);
    Bytes bytes = encode(sense, false);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 7), Bytes({0xf0, 0, 0, 0xff, 0xff, 0xfe, 0x00}));
    EXPECT_EQ(encode(sense, true)[12], 0xff);
    sense.information = uint64_t(INT32_MIN) - 1;
    EXPECT_EQ(encode(sense, false)[0], 0x70);
}

TEST(Sense, EveryEncodingFitsTheLimit) {
    Sense sense = sense::invalid_field_in_parameters(1, 1);
    sense.has_information = sense.filemark = true;
    EXPECT_LE(encode(sense, true).size(), max_sense_bytes);
}

struct ErrnoCase {
    int error;
    Access access;
    Status status;
    uint32_t sense;
};

TEST(Outcome, OfErrno) {
    const ErrnoCase cases[] = {
        {0, Access::read, Status::good, 0},
        {EIO, Access::read, Status::check_condition, 0x031100},
        {EIO, Access::write, Status::check_condition, 0x030c00},
        {EIO, Access::flush, Status::check_condition, 0x030c00},
        {ENOSPC, Access::write, Status::check_condition, 0x072707},
        {EDQUOT, Access::flush, Status::check_condition, 0x072707},
        {EROFS, Access::write, Status::check_condition, 0x072700},
        {EACCES, Access::write, Status::check_condition, 0x072700},
        {EACCES, Access::read, Status::check_condition, 0x031100},
        {ENODEV, Access::read, Status::check_condition, 0x020400},
        {ESHUTDOWN, Access::write, Status::check_condition, 0x020400},
        {EOPNOTSUPP, Access::write, Status::check_condition, 0x052000},
        {ENOMEM, Access::read, Status::busy, 0},
        {EAGAIN, Access::write, Status::busy, 0},
        {ETIMEDOUT, Access::read, Status::check_condition, 0x0b0801},
        {EINVAL, Access::write, Status::check_condition, 0x044400},
        {99999, Access::read, Status::check_condition, 0x044400},
    };
    for (const ErrnoCase& c : cases) {
        const Outcome outcome = outcome_of_errno(c.error, c.access, 7);
        EXPECT_EQ(outcome.status, c.status) << c.error;
        const uint32_t code = outcome.sense ? uint32_t(outcome.sense->key) << 16 |
                                                  outcome.sense->asc << 8 | outcome.sense->ascq
                                            : 0;
        EXPECT_EQ(code, c.sense) << c.error;
    }
}

TEST(Outcome, MediumErrorsNameTheBlockWhereItIsKnown) {
    EXPECT_EQ(outcome_of_errno(EIO, Access::read, 7).sense->information, 7u);
    EXPECT_TRUE(outcome_of_errno(EIO, Access::write, 7).sense->has_information);
    EXPECT_FALSE(outcome_of_errno(EIO, Access::flush, 7).sense->has_information);
}

}  // namespace
}  // namespace tgt::scsi
