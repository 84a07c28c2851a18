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
    wrong[0] = 0x85;  // FORMAT CODE 10b
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

TEST(TransportIdBytes, Are24ButForIscsi_Spc4_7_6_4_1) {
    for (const uint8_t protocol : {0x00, 0x01, 0x03, 0x04, 0x06, 0x0a, 0x40})
        EXPECT_EQ(transport_id_bytes(Bytes{protocol, 0, 1, 2, 9}), 24u) << int(protocol);
}

// ---- protocols with binary names ----

struct Binary {
    uint8_t protocol;
    size_t name_at, name_bytes;
    const char* port;

    Bytes id() const {
        Bytes out(24, 0);
        out[0] = protocol;
        for (size_t i = 0; i < name_bytes; ++i) out[name_at + i] = uint8_t(0x50 + i);
        return out;
    }
};
constexpr Binary fibre_channel{0, 8, 8, "tid:000000000000000050515253545556570000000000000000"};
constexpr Binary srp{4, 8, 16, "tid:0400000000000000505152535455565758595a5b5c5d5e5f"};
constexpr Binary sas{6, 4, 8, "tid:060000005051525354555657000000000000000000000000"};

// Parsed, and built again as READ FULL STATUS shows it.
void expect_form(const Binary& form) {
    const Bytes id = form.id();
    const auto port = parse_transport_id(id);
    ASSERT_TRUE(port);
    EXPECT_EQ(*port, form.port);
    EXPECT_EQ(*parse_initiator(id), form.port);
    EXPECT_EQ(transport_id(*port), id);
    EXPECT_TRUE(names_port(*port));
    EXPECT_EQ(device_of(*port), *port);
}

TEST(TransportIdOfFibreChannel, HasAnNPortName_Spc4_7_6_4_2) {
    expect_form(fibre_channel);
}

TEST(TransportIdOfSrp, HasAnInitiatorPortIdentifier_Spc4_7_6_4_5) {
    expect_form(srp);
}

TEST(TransportIdOfSas, HasASasAddress_Spc4_7_6_4_7) {
    expect_form(sas);
}

TEST(BinaryTransportId, IsReservedAroundItsName) {
    for (const Binary& form : {fibre_channel, srp, sas})
        for (size_t at = 1; at < 24; ++at) {
            Bytes id = form.id();
            id[at] ^= 0x80;
            const bool name = at >= form.name_at && at < form.name_at + form.name_bytes;
            const auto port = parse_transport_id(id);
            ASSERT_EQ(port.has_value(), name) << form.port << " " << at;
            if (name)
                EXPECT_NE(*port, form.port);
            else
                EXPECT_EQ(port.error(), at);
        }
}

TEST(BinaryTransportId, NamesNobodyWithoutAName) {
    for (const Binary& form : {fibre_channel, srp, sas}) {
        Bytes id(24, 0);
        id[0] = form.protocol;
        EXPECT_EQ(parse_transport_id(id).error(), form.name_at);
    }
}

TEST(BinaryTransportId, HasFormatCode00bAnd24BytesAndAProtocolWithDrivers) {
    for (const uint8_t first : {0x40, 0x44, 0x46, 0x86, 0x01, 0x03, 0x0a, 0x0f, 0x16}) {
        Bytes id = sas.id();
        id[0] = uint8_t(first);
        EXPECT_EQ(parse_transport_id(id).error(), 0u) << int(first);
    }
    Bytes id = sas.id();
    id.resize(28);
    EXPECT_EQ(parse_transport_id(id).error(), 0u);
}

}  // namespace
}  // namespace tgt::scsi
