// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/transport_id.h"

#include <gtest/gtest.h>

namespace tgt::scsi {
namespace {

using Bytes = std::vector<uint8_t>;

const std::string port_a = "iqn.2001-04.com.example:a,i,0x00023d000001";

Bytes transport_id(const std::string& port) {
    Bytes out;
    append_transport_id(out, port);
    return out;
}

TEST(TransportId, OfAnIscsiPortIsPaddedAndEndsWithNul_Spc4_7_6_4_6) {
    const Bytes id = transport_id("iqn.x,i,0x00023d000001");
    ASSERT_EQ(id.size(), 4u + 24u);
    EXPECT_EQ(Bytes(id.begin(), id.begin() + 4), Bytes({0x45, 0, 0, 24}));
    EXPECT_EQ(std::string(id.begin() + 4, id.begin() + 26), "iqn.x,i,0x00023d000001");
    EXPECT_EQ(id[26], 0);
    EXPECT_EQ(id[27], 0);
}

TEST(TransportId, OfANameWithoutIsidIsTheDeviceFormOfAtLeast20Bytes) {
    const Bytes id = transport_id("iqn.x");
    ASSERT_EQ(id.size(), 24u);
    EXPECT_EQ(Bytes(id.begin(), id.begin() + 4), Bytes({0x05, 0, 0, 20}));
}

TEST(TransportId, ANameThatFillsTheWordsGetsAnotherWordForItsNul) {
    EXPECT_EQ(transport_id(std::string(20, 'a')).size(), 4u + 24u);
}

TEST(TransportId, ParsesWhatIsBuilt) {
    EXPECT_EQ(*parse_transport_id(transport_id(port_a)), port_a);
}

TEST(TransportId, IsidDigitsAreComparedInLowerCase) {
    EXPECT_EQ(*parse_transport_id(transport_id("iqn.2001-04.com:a,i,0x00023D0000AB")),
              "iqn.2001-04.com:a,i,0x00023d0000ab");
}

TEST(TransportId, RefusesWrongFormsAtTheirOffset) {
    Bytes id = transport_id(port_a);
    EXPECT_EQ(parse_transport_id(transport_id("iqn.2001-04.com.example:a")).error(), 0u);
    EXPECT_EQ(parse_transport_id(Bytes(id.begin(), id.begin() + 20)).error(), 0u);
    EXPECT_EQ(parse_transport_id({}).error(), 0u);
    Bytes wrong = id;
    wrong[0] = 0x40;  // Fibre Channel
    EXPECT_EQ(parse_transport_id(wrong).error(), 0u);
    wrong = id;
    ++wrong[3];
    EXPECT_EQ(parse_transport_id(wrong).error(), 2u);
    wrong = id;
    wrong.back() = 'x';
    EXPECT_EQ(parse_transport_id(wrong).error(), 4u);
    EXPECT_EQ(parse_transport_id(transport_id("iqn.2001-04.com:a,i,0x0002")).error(), 4u);
    EXPECT_EQ(parse_transport_id(transport_id("iqn.2001-04.com:a,i,0x00023d00000g")).error(), 4u);
    EXPECT_EQ(parse_transport_id(transport_id(",i,0x00023d000001")).error(), 4u);
}

TEST(Initiator, IsAPortOrADevice) {
    EXPECT_EQ(*parse_initiator(transport_id(port_a)), port_a);
    EXPECT_EQ(*parse_initiator(transport_id("iqn.2001-04.com.example:a")),
              "iqn.2001-04.com.example:a");
    Bytes port_as_device = transport_id(port_a);
    port_as_device[0] = 0x05;
    EXPECT_EQ(parse_initiator(port_as_device).error(), 4u);
    Bytes device_as_port = transport_id("iqn.2001-04.com.example:a");
    device_as_port[0] = 0x45;
    EXPECT_EQ(parse_initiator(device_as_port).error(), 4u);
    EXPECT_EQ(parse_initiator(transport_id("")).error(), 4u);
}

TEST(Initiator, HasANameOfAtMost223Bytes_Rfc7143_4_2_7_1) {
    const std::string longest(223, 'n'), isid = ",i,0x000000000001";
    EXPECT_EQ(*parse_initiator(transport_id(longest)), longest);
    EXPECT_EQ(*parse_initiator(transport_id(longest + isid)), longest + isid);
    EXPECT_EQ(parse_initiator(transport_id(longest + "n")).error(), 4u);
    EXPECT_EQ(parse_initiator(transport_id(longest + "n" + isid)).error(), 4u);
}

TEST(Initiator, DeviceOfAPortIsItsName) {
    EXPECT_EQ(device_of(port_a), "iqn.2001-04.com.example:a");
    EXPECT_EQ(device_of("iqn.x"), "iqn.x");
    EXPECT_TRUE(names_port(port_a));
    EXPECT_FALSE(names_port("iqn.x"));
}

TEST(TransportIdBytes, IsTheLengthItSaysOrNothing) {
    EXPECT_EQ(transport_id_bytes(transport_id(port_a)), transport_id(port_a).size());
    EXPECT_EQ(transport_id_bytes(Bytes{0x45, 0, 1, 2, 9}), 4u + 0x102);
    EXPECT_EQ(transport_id_bytes(Bytes{0x45, 0, 1}), 0u);
    EXPECT_EQ(transport_id_bytes({}), 0u);
}

}  // namespace
}  // namespace tgt::scsi
