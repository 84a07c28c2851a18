// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "store/null/null.h"
#include "store/rdwr/rdwr.h"
#include "store/store.h"

namespace tgt::store {
namespace {

TEST(Engines, AreListedInTheOrderOfTgtadm) {
    std::vector<std::string_view> names;
    for (const Engine* engine : engines()) names.push_back(engine->name);
    EXPECT_EQ(names, (std::vector<std::string_view>{"bsg", "sg", "null", "ssc", "fault", "rdwr",
                                                    "aio", "smc"}));
}

TEST(Engines, AreFoundByName) {
    EXPECT_EQ(find_engine("rdwr"), &rdwr_engine);
    EXPECT_EQ(find_engine("null"), &null_engine);
    EXPECT_EQ(find_engine("rdw"), nullptr);
    EXPECT_EQ(find_engine(""), nullptr);
}

TEST(Flags, RoundTrip) {
    for (const char* text : {"", "sync", "direct", "sync:direct"}) {
        auto flags = parse_flags(rdwr_engine, text);
        ASSERT_TRUE(flags) << text;
        EXPECT_EQ(flags_text(*flags), text);
    }
}

TEST(Flags, OrderDoesNotMatter) {
    auto flags = parse_flags(rdwr_engine, "direct:sync");
    ASSERT_TRUE(flags);
    EXPECT_TRUE(flags->sync && flags->direct);
}

TEST(Flags, UnknownWordsAreRefusedByName) {
    for (const char* text : {"fast", "sync:fast", "sync,direct", "sync:", ":sync", ":", "SYNC"}) {
        auto flags = parse_flags(rdwr_engine, text);
        ASSERT_FALSE(flags) << text;
        EXPECT_EQ(flags.error().code, EINVAL);
    }
    EXPECT_NE(parse_flags(rdwr_engine, "sync:fast").error().text.find("'fast'"), std::string::npos);
}

TEST(Flags, WordThatTheEngineDoesNotHonourIsRefused) {
    EXPECT_TRUE(parse_flags(null_engine, ""));
    auto flags = parse_flags(null_engine, "direct");
    ASSERT_FALSE(flags);
    EXPECT_NE(flags.error().text.find("'null'"), std::string::npos);
    EXPECT_NE(flags.error().text.find("'direct'"), std::string::npos);
}

}  // namespace
}  // namespace tgt::store
