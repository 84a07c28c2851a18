// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/vpd.h"

#include <gtest/gtest.h>

namespace tgt::ssc {
namespace {

scsi::LunState drive(std::string_view name) {
    auto state = initial_state({});
    EXPECT_TRUE(set_personality(state, name));
    return state;
}

VpdBody body(void (*append)(const scsi::LunState&, VpdBody&), const scsi::LunState& state) {
    VpdBody bytes;
    append(state, bytes);
    return bytes;
}

TEST(TapeVpd, Ssc4_8_5_2_CapabilitiesTellWorm) {
    EXPECT_EQ(body(append_capabilities, drive("lto2")), (VpdBody{0, 0}));
    EXPECT_EQ(body(append_capabilities, drive("lto3")), (VpdBody{1, 0}));
}

TEST(TapeVpd, Ssc4_8_5_3_TheSerialNumberIsThatOfTheUnit) {
    auto state = drive("");
    state.identity.scsi_sn = "beaf11";
    EXPECT_EQ(body(append_serial_number, state), (VpdBody{'b', 'e', 'a', 'f', '1', '1'}));
}

TEST(TapeVpd, Ssc4_8_5_4_FlagOneIsTheMostSignificantBit) {
    const VpdBody flags = body(append_supported_alerts, drive(""));
    ASSERT_EQ(flags.size(), 8u);
    EXPECT_EQ(flags[0], 0x3c);  // flags 3 to 6
}

TEST(TapeVpd, Ssc5_8_5_6_ProtectionMethodsOfTheDrive) {
    EXPECT_EQ(body(append_block_protection, drive("lto4")),
              (VpdBody{0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(body(append_block_protection, drive("lto7")), (VpdBody{0, 0, 0, 0,                 //
                                                                     7, 0, 0, 0,    0, 0, 0, 0,  //
                                                                     7, 1, 4, 0xc0, 0, 0, 0, 0,  //
                                                                     7, 2, 4, 0xc0, 0, 0, 0, 0}));
}

TEST(TapeVpd, Spc4_7_8_7_ExtendedInquiryTellsTaskAttributesAndProtection) {
    const VpdBody data = body(append_extended_inquiry, drive("lto7"));
    ASSERT_EQ(data.size(), 60u);
    EXPECT_EQ(data[0], 0x08);
    EXPECT_EQ(data[1], 0x07);
    EXPECT_EQ(body(append_extended_inquiry, drive("lto4"))[0], 0x00);
}

TEST(TapeVpd, PagesAreInOrder) {
    for (size_t i = 1; i < vpd_pages.size(); ++i)
        EXPECT_LT(vpd_pages[i - 1].code, vpd_pages[i].code);
}

}  // namespace
}  // namespace tgt::ssc
