// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace tgt {
namespace {

TEST(Text, NumbersAreInCNotation) {
    EXPECT_EQ(parse_number("0"), 0u);
    EXPECT_EQ(parse_number("10"), 10u);
    EXPECT_EQ(parse_number("0xa"), 10u);
    EXPECT_EQ(parse_number("0XA"), 10u);
    EXPECT_EQ(parse_number("012"), 10u);
    EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
}

TEST(Text, WhatIsNotWhollyANumberInRangeIsNone) {
    for (const char* bad :
         {"", " ", "-1", "+1", "1 ", " 1", "08", "0x", "1a", "1.0", "0x-1", "18446744073709551616"})
        EXPECT_FALSE(parse_number(bad)) << bad;
    EXPECT_TRUE(parse_number("255", 255));
    EXPECT_FALSE(parse_number("256", 255));
}

TEST(Text, CaseIsThatOfAsciiLetters) {
    EXPECT_TRUE(equal_any_case("Yes", "yES"));
    EXPECT_TRUE(equal_any_case("", ""));
    EXPECT_FALSE(equal_any_case("yes", "ye"));
    EXPECT_FALSE(equal_any_case("[", "{"));
}

TEST(Text, SplitGivesOnePieceMoreThanSeparators) {
    using Pieces = std::vector<std::string_view>;
    EXPECT_EQ(split("a:b", ':'), (Pieces{"a", "b"}));
    EXPECT_EQ(split("", ':'), Pieces{""});
    EXPECT_EQ(split(":", ':'), (Pieces{"", ""}));
}

}  // namespace
}  // namespace tgt
