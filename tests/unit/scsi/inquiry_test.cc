// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes that name a volume are compared with what tgt 1.0.85 answers for the same settings.
#include "scsi/inquiry.h"

#include <gtest/gtest.h>

#include "tests/unit/scsi/harness.h"
#include "tests/unit/scsi/test_device.h"

namespace tgt::scsi {
namespace {

using Bytes = std::vector<uint8_t>;
using test::Harness;

Bytes from_hex(std::string_view text) {
    Bytes out;
    for (size_t i = 0; i < text.size(); i += 2)
        out.push_back(uint8_t(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
    return out;
}

LunState initial() {
    return test::spc_device().initial_state({});
}

const Bytes tgt_standard = from_hex(
    "000005123d00000249455420202020205649525455414c2d4449534b2020202030303031"
    "0000000000000000000000000000000000000000000004c0096003000000");

TEST(StandardInquiry, IsThatOfTgt) {
    EXPECT_EQ(standard_inquiry(test::spc_device(), initial(), true), tgt_standard);
}

TEST(StandardInquiry, UnknownLunHasQualifier3AndType1f_Spc4_6_6_2) {
    EXPECT_EQ(standard_inquiry(test::spc_device(), initial(), false)[0], 0x7f);
}

TEST(StandardInquiry, RemovableSetsRmb) {
    LunState state = initial();
    state.removable = true;
    EXPECT_EQ(standard_inquiry(test::spc_device(), state, true)[1], 0x80);
}

TEST(StandardInquiry, LongTextsAreCut) {
    LunState state = initial();
    state.identity.vendor = "VENDOR-ABC";
    state.identity.revision = "";
    const Bytes data = standard_inquiry(test::spc_device(), state, true);
    EXPECT_EQ(std::string(data.begin() + 8, data.begin() + 17), "VENDOR-AV");
    EXPECT_EQ(std::string(data.begin() + 32, data.begin() + 36), "    ");
}

TEST(UnitSerialNumber, IsRightAlignedIn36Bytes) {
    LunIdentity identity;
    identity.scsi_sn = "beaf31";
    const Bytes page = unit_serial_number(identity);
    EXPECT_EQ(std::string(page.begin(), page.end()), std::string(30, ' ') + "beaf31");
    identity.scsi_sn = std::string(40, 'x');
    EXPECT_EQ(unit_serial_number(identity), Bytes(36, 'x'));
}

struct IdCase {
    const char* scsi_id;
    const char* page;  // the three logical unit designators
};

TEST(DeviceIdentification, BeginsWithTgtsDesignators) {
    const IdCase cases[] = {
        {"IET     00030001",
         "02010024494554202020202030303033303030310000000000000000000000000000000000000000"
         "010300083000000300000001"
         "01030010"
         "60000000000000000e00000000030001"},
        {"IET     0003012c",
         "02010024494554202020202030303033303132630000000000000000000000000000000000000000"
         "01030008300000030000012c"
         "01030010"
         "60000000000000000e0000000003012c"},
    };
    for (const IdCase& c : cases) {
        LunIdentity identity;
        identity.scsi_id = c.scsi_id;
        const Bytes page = device_identification(identity, "iqn.x", 1);
        const Bytes expected = from_hex(c.page);
        ASSERT_GE(page.size(), expected.size());
        EXPECT_EQ(Bytes(page.begin(), page.begin() + ptrdiff_t(expected.size())), expected);
    }
}

TEST(DeviceIdentification, NaaExtendedHasTgtsNibbles) {
    const std::pair<const char*, const char*> cases[] = {
        {"abcDEF01234-99zz", "6000000000000000abcdef0123409900"},
        {"xyz", "60000000000000000000000000000000"},
        {"0123456789abcdefgh", "600000000000000123456789abcdef00"},
        {"ABC-def-0123-4567-89", "600000000000abc0def0012304567089"},
        {"0123456789abcdef0123456789abcdef0123", "656789abcdef0123456789abcdef0123"},
        {"", "60000000000000000000000000000000"},
    };
    for (const auto& [id, expected] : cases) {
        const auto naa = naa_extended(id);
        EXPECT_EQ(Bytes(naa.begin(), naa.end()), from_hex(expected)) << id;
    }
}

TEST(DeviceIdentification, NaaOfOtherIdsDependsOnTheIdOnly) {
    EXPECT_EQ(naa_locally_assigned("abc"), naa_locally_assigned("abc"));
    EXPECT_NE(naa_locally_assigned("abc"), naa_locally_assigned("abd"));
    EXPECT_EQ(naa_locally_assigned("abc")[0] >> 4, 3);
    EXPECT_NE(naa_locally_assigned("IET     0003000g"), naa_locally_assigned("IET     00030000"));
}

TEST(DeviceIdentification, EndsWithThePortsDesignators_Spc4_7_8_6) {
    const Bytes page = device_identification({}, "iqn.x", 0x0102);
    // "iqn.x,t,0x0001" and two NULs
    const Bytes expected = from_hex("51940004000001025398001069716e2e782c742c3078303030310000");
    ASSERT_GT(page.size(), expected.size());
    EXPECT_EQ(Bytes(page.end() - ptrdiff_t(expected.size()), page.end()), expected);
}

// ---- through the command engine ----

Bytes inquiry(bool vital, uint8_t page, uint16_t length = 255) {
    return {0x12, vital, page, uint8_t(length >> 8), uint8_t(length), 0};
}

TEST(InquiryCommand, StandardDataInAllAllocationLengths) {
    Harness harness(test::spc_device());
    EXPECT_EQ(harness.run(inquiry(false, 0)).data, tgt_standard);
    EXPECT_EQ(harness.run(inquiry(false, 0, 5)).data.size(), 5u);
    EXPECT_TRUE(harness.run(inquiry(false, 0, 0)).good());
    EXPECT_EQ(harness.run(inquiry(false, 0, 0xffff)).data, tgt_standard);
}

TEST(InquiryCommand, PageCodeWithoutEvpdIsAnInvalidField_Spc4_6_6_1) {
    Harness harness(test::spc_device());
    EXPECT_EQ(*harness.run(inquiry(false, 0x80)).outcome.sense, sense::invalid_field_in_cdb(2));
}

TEST(InquiryCommand, UnknownVpdPageIsAnInvalidField) {
    Harness harness(test::spc_device());
    EXPECT_EQ(*harness.run(inquiry(true, 0x86)).outcome.sense, sense::invalid_field_in_cdb(2));
}

TEST(InquiryCommand, SupportedPagesAreSortedAndAllAnswered) {
    Harness harness(test::spc_device());
    const auto supported = harness.run(inquiry(true, 0));
    EXPECT_EQ(supported.data, Bytes({0, 0, 0, 4, 0x00, 0x80, 0x83, 0xb1}));
    for (size_t i = 4; i < supported.data.size(); ++i) {
        const auto page = harness.run(inquiry(true, supported.data[i]));
        ASSERT_TRUE(page.good());
        EXPECT_EQ(page.data[1], supported.data[i]);
        EXPECT_EQ(size_t(page.data[2] << 8 | page.data[3]), page.data.size() - 4);
    }
}

TEST(InquiryCommand, UnknownLunAnswersWithType7fAndNoPages) {
    Harness harness(test::spc_device());
    Harness::Send send;
    send.lun = 9;
    EXPECT_EQ(harness.run(inquiry(false, 0), send).data[0], 0x7f);
    EXPECT_EQ(harness.run(inquiry(true, 0), send).data, Bytes({0x7f, 0, 0, 1, 0}));
    EXPECT_EQ(harness.run(inquiry(true, 0x83), send).sense(), 0x052400u);
}

TEST(InquiryCommand, LeavesUnitAttentionsPending_Spc4_5_14) {
    Harness::Options options;
    options.keep_unit_attention = true;
    Harness harness(test::spc_device(), options);
    EXPECT_TRUE(harness.run(inquiry(false, 0)).good());
    EXPECT_EQ(harness.run(Bytes(6, 0)).sense(), 0x062900u);
}

}  // namespace
}  // namespace tgt::scsi
