// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/isns.h"

#include <gtest/gtest.h>

#include <vector>

namespace tgt::wire::isns {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(Isns, PduHasHeaderAndPaddedAttributesRfc4171_5_1) {
    std::array<uint8_t, 256> memory;
    PduWriter pdu(memory, uint16_t(Function::scn_reg), flag_client, 0x1234);
    pdu.text(Tag::iscsi_name, "iqn.a").empty(Tag::delimiter).number(Tag::scn_bitmap, 0x9c);
    const auto made = pdu.finish();
    const Bytes expected{0,   1,   0,   5,   0,   36, 0x8c, 0, 0x12, 0x34, 0, 0,  // header
                         0,   0,   0,   32,  0,   0,  0,    8,                    // name
                         'i', 'q', 'n', '.', 'a', 0,  0,    0,                    //
                         0,   0,   0,   0,   0,   0,  0,    0,                    // delimiter
                         0,   0,   0,   35,  0,   0,  0,    4,                    // bitmap
                         0,   0,   0,   0x9c};
    EXPECT_EQ(Bytes(made.begin(), made.end()), expected);
}

TEST(Isns, NameThatFillsItsWordsStillEndsWithZero) {
    std::array<uint8_t, 64> memory;
    PduWriter pdu(memory, 1, 0, 1);
    pdu.text(Tag::iscsi_name, "abcd");
    EXPECT_EQ(pdu.payload_size(), 8u + 8u);
    AttributeReader reader(pdu.finish().subspan(sizeof(Header)));
    const auto name = reader.next();
    ASSERT_TRUE(name);
    EXPECT_EQ(name->value.size(), 8u);
    EXPECT_EQ(name->text(), "abcd");
}

TEST(Isns, WriterGivesNothingWhenSomethingDidNotFit) {
    std::array<uint8_t, sizeof(Header) + 16> memory;
    PduWriter fits(memory, 1, 0, 1);
    EXPECT_EQ(fits.empty(Tag::delimiter).empty(Tag::delimiter).finish().size(), memory.size());
    PduWriter too_much(memory, 1, 0, 1);
    too_much.number(Tag::scn_port, 1).empty(Tag::delimiter);
    EXPECT_TRUE(too_much.finish().empty());
    PduWriter no_header(std::span<uint8_t>(memory).first(4), 1, 0, 1);
    EXPECT_TRUE(no_header.finish().empty());
}

TEST(Isns, PayloadIsNeverLongerThanItsLengthCanSay) {
    Bytes memory(1 << 20);
    PduWriter pdu(memory, 1, 0, 1);
    for (int i = 0; i < 10000; ++i) pdu.empty(Tag::delimiter);
    EXPECT_TRUE(pdu.finish().empty());
}

TEST(Isns, ReaderGivesAttributesInOrder) {
    const Bytes bytes{0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0};
    AttributeReader reader(bytes);
    const auto period = reader.next();
    ASSERT_TRUE(period);
    EXPECT_TRUE(period->is(Tag::registration_period));
    EXPECT_EQ(period->number(), 60u);
    const auto delimiter = reader.next();
    ASSERT_TRUE(delimiter);
    EXPECT_TRUE(delimiter->is(Tag::delimiter));
    EXPECT_EQ(delimiter->number(), std::nullopt);
    EXPECT_EQ(delimiter->text(), "");
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.malformed());
}

TEST(Isns, ReaderStopsAtAnAttributeThatIsLongerThanItsMessage) {
    for (const Bytes& bytes : {Bytes{0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0},
                               Bytes{0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff}, Bytes{0, 0, 0, 6}}) {
        AttributeReader reader(bytes);
        EXPECT_FALSE(reader.next());
        EXPECT_TRUE(reader.malformed());
        EXPECT_FALSE(reader.next());
    }
}

TEST(Isns, TextWithoutZeroIsTheWholeValue) {
    const Bytes bytes{0, 0, 0, 32, 0, 0, 0, 4, 'a', 'b', 'c', 'd'};
    AttributeReader reader(bytes);
    EXPECT_EQ(reader.next()->text(), "abcd");
}

TEST(Isns, NumbersHaveNames) {
    EXPECT_EQ(function_name(0x8001), "DevAttrReg");
    EXPECT_EQ(function_name(0x7777), "unknown function");
    EXPECT_EQ(status_name(3), "invalid registration");
    EXPECT_EQ(status_name(4), "a status that RFC 4171 does not name");
}

}  // namespace
}  // namespace tgt::wire::isns
