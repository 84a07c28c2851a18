// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/text.h"

#include <gtest/gtest.h>

namespace tgt::iscsi {
namespace {

std::string nul(std::string text) {
    for (char& c : text)
        if (c == '|') c = '\0';
    return text;
}

TEST(TextKeys, Rfc7143_6_1_PairsInTheirOrder) {
    const std::string text = nul("InitiatorName=iqn.a|X=|SessionType=Normal|");
    const auto keys = TextKeys::parse(text);
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 3u);
    EXPECT_EQ(keys->begin()->key, "InitiatorName");
    EXPECT_EQ(keys->find("X"), "");
    EXPECT_EQ(keys->find("SessionType"), "Normal");
    EXPECT_FALSE(keys->has("sessiontype"));  // keys are case-sensitive
}

TEST(TextKeys, AValueMayHoldAnEqualsSign) {
    const std::string text = nul("CHAP_R=0bAAAA==|");
    EXPECT_EQ(TextKeys::parse(text)->find("CHAP_R"), "0bAAAA==");
}

TEST(TextKeys, EmptyTextAndStrayNulsAreNoPairs) {
    EXPECT_TRUE(TextKeys::parse("")->empty());
    const std::string text = nul("A=1|||");
    EXPECT_EQ(TextKeys::parse(text)->size(), 1u);
}

TEST(TextKeys, MalformedTextIsNamed) {
    const std::string long_key(64, 'K');
    struct Case {
        std::string text;
        TextError error;
    };
    const Case cases[] = {
        {"A=1", TextError::unterminated},
        {nul("A=1|B"), TextError::unterminated},
        {nul("A|"), TextError::no_equals},
        {nul("=1|"), TextError::bad_key},
        {nul("A B=1|"), TextError::bad_key},
        {nul("1A=1|"), TextError::bad_key},
        {nul(long_key + "=1|"), TextError::bad_key},
        {nul("A\xc3\xa4=1|"), TextError::bad_key},
        {nul("A=" + std::string(256, 'x') + "|"), TextError::value_too_long},
        {nul("A=0x" + std::string(8191, '0') + "|"), TextError::value_too_long},
        {nul("A=1\n|"), TextError::bad_byte},
        {nul("A=\x7f|"), TextError::bad_byte},
        {nul("A=\xff|"), TextError::bad_byte},
        {nul("A=\xc3|"), TextError::bad_byte},
        {nul("A=\xc0\xaf|"), TextError::bad_byte},          // overlong
        {nul("A=\xed\xa0\x80|"), TextError::bad_byte},      // surrogate
        {nul("A=\xf4\x90\x80\x80|"), TextError::bad_byte},  // beyond U+10FFFF
        {nul("A=1|B=2|A=1|"), TextError::duplicate},
    };
    for (const Case& c : cases) {
        const auto keys = TextKeys::parse(c.text);
        ASSERT_FALSE(keys) << c.text;
        EXPECT_EQ(keys.error(), c.error) << c.text;
        EXPECT_FALSE(text_error_name(c.error).empty());
    }
}

TEST(TextKeys, Rfc7143_6_1_LimitsAreReachedAndNotExceeded) {
    EXPECT_TRUE(TextKeys::parse(nul(std::string(63, 'K') + "=1|")));
    EXPECT_TRUE(TextKeys::parse(nul("A=" + std::string(255, 'x') + "|")));
    EXPECT_TRUE(TextKeys::parse(nul("A=0x" + std::string(2048, '0') + "|")));  // large binary
    EXPECT_TRUE(TextKeys::parse(nul("A=" + std::string(200, 'x') + "," + std::string(200, 'y') +
                                    "|")));  // the limit is on the items of a list
    EXPECT_TRUE(TextKeys::parse(nul("A=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|")));
}

TEST(TextKeys, TheNumberOfKeysIsBounded) {
    std::string text;
    for (size_t i = 0; i < max_text_keys; ++i) text += "K" + std::to_string(i) + "=1" + '\0';
    EXPECT_TRUE(TextKeys::parse(text));
    text += nul("More=1|");
    EXPECT_EQ(TextKeys::parse(text).error(), TextError::too_many);
}

TEST(TextBuilder, WritesNulTerminatedPairs) {
    TextBuilder out;
    const uint8_t bytes[] = {0x0f, 0xa0};
    out.add("A", "b");
    out.add_number("N", 262144);
    out.add_bool("Y", true);
    out.add_bool("Z", false);
    out.add_hex("H", bytes);
    EXPECT_EQ(out.take(), nul("A=b|N=262144|Y=Yes|Z=No|H=0x0fa0|"));
    EXPECT_TRUE(out.empty());
}

TEST(Values, Rfc7143_6_1_NumericalValues) {
    EXPECT_EQ(parse_number("0"), 0u);
    EXPECT_EQ(parse_number("262144"), 262144u);
    EXPECT_EQ(parse_number("0x1F"), 31u);
    EXPECT_EQ(parse_number("0XfF"), 255u);
    EXPECT_EQ(parse_number("18446744073709551615"), ~uint64_t{0});
    for (const char* bad : {"", " 1", "1 ", "+1", "-1", "1k", "0x", "0xg", "x1", "1.0", "f",
                            "18446744073709551616", "0x10000000000000000"})
        EXPECT_FALSE(parse_number(bad)) << bad;
}

TEST(Values, Rfc7143_6_1_Ranges) {
    const auto range = parse_range("0x200~16777215");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->low, 512u);
    EXPECT_EQ(range->high, 16777215u);
    for (const char* bad : {"", "1", "1~", "~1", "2~1", "1~2~3"}) EXPECT_FALSE(parse_range(bad));
}

TEST(Values, Rfc7143_6_1_BooleansAreExact) {
    EXPECT_EQ(parse_bool("Yes"), true);
    EXPECT_EQ(parse_bool("No"), false);
    for (const char* bad : {"", "yes", "YES", "No ", "1"}) EXPECT_FALSE(parse_bool(bad));
}

TEST(Values, Rfc7143_6_1_BinaryHexAndBase64) {
    using Bytes = std::vector<uint8_t>;
    EXPECT_EQ(parse_binary("0x0aFF", 16), (Bytes{0x0a, 0xff}));
    EXPECT_EQ(parse_binary("0Xabc", 16), (Bytes{0x0a, 0xbc}));
    EXPECT_EQ(parse_binary("0bAAEC", 16), (Bytes{0, 1, 2}));
    EXPECT_EQ(parse_binary("0BAAE=", 16), (Bytes{0, 1}));
    EXPECT_EQ(parse_binary("0bAA==", 16), (Bytes{0}));
    for (const char* bad : {"", "0x", "0b", "0xzz", "abcd", "0bA", "0bAAA",
                            "0bA===", "0b====", "0bAB==", "0bAA=A", "0bA-A=", "0bAAAA="})
        EXPECT_FALSE(parse_binary(bad, 16)) << bad;
    EXPECT_TRUE(parse_binary("0x0102", 2));
    EXPECT_FALSE(parse_binary("0x010203", 2));
    EXPECT_FALSE(parse_binary("0bAAEC", 2));
}

TEST(Values, Base64RoundTrip) {
    for (size_t length = 1; length < 40; ++length) {
        std::vector<uint8_t> bytes(length);
        for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<uint8_t>(251 * i + length);
        EXPECT_EQ(parse_binary("0b" + base64_encode(bytes), 64), bytes);
    }
}

TEST(Values, ListsGiveEveryItem) {
    ListReader list("CHAP,None,,x");
    EXPECT_EQ(list.next(), "CHAP");
    EXPECT_EQ(list.next(), "None");
    EXPECT_EQ(list.next(), "");
    EXPECT_EQ(list.next(), "x");
    EXPECT_FALSE(list.next());
    ListReader empty("");
    EXPECT_EQ(empty.next(), "");
    EXPECT_FALSE(empty.next());
}

TEST(Values, Rfc7143_4_2_7_NamesAreBounded) {
    EXPECT_TRUE(valid_iscsi_name("iqn.2001-04.com.example:disk"));
    EXPECT_TRUE(valid_iscsi_name(std::string(223, 'a')));
    EXPECT_FALSE(valid_iscsi_name(std::string(224, 'a')));
    for (const char* bad : {"", "a b", "a\tb", "a,b", "a\x7f"}) EXPECT_FALSE(valid_iscsi_name(bad));
}

}  // namespace
}  // namespace tgt::iscsi
