// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace tgt::bench {
namespace {

Result<Options> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "lean");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return parse_options(static_cast<int>(argv.size()), argv.data());
}

TEST(Address, HasHostPortTargetAndLun) {
    Options options;
    ASSERT_TRUE(parse_address("iscsi://127.0.0.1:13260/iqn.2001-04.org.example:a/7", options));
    EXPECT_EQ(options.host, "127.0.0.1");
    EXPECT_EQ(options.port, "13260");
    EXPECT_EQ(options.target, "iqn.2001-04.org.example:a");
    EXPECT_EQ(options.lun, 7u);
}

TEST(Address, PortIs3260UnlessGivenAndIpv6HasBrackets) {
    Options options;
    ASSERT_TRUE(parse_address("iscsi://[::1]/iqn.a/1", options));
    EXPECT_EQ(options.host, "::1");
    EXPECT_EQ(options.port, "3260");
    ASSERT_TRUE(parse_address("iscsi://[fe80::2]:99/iqn.a/1", options));
    EXPECT_EQ(options.host, "fe80::2");
    EXPECT_EQ(options.port, "99");
}

TEST(Address, WithoutSchemeIsHostAndPortOnly) {
    Options options;
    ASSERT_TRUE(parse_address("localhost:7000", options));
    EXPECT_EQ(options.host, "localhost");
    EXPECT_EQ(options.port, "7000");
    EXPECT_TRUE(options.target.empty());
}

TEST(Address, IncompleteOnesAreRefused) {
    for (const char* text : {"iscsi://h", "iscsi://h/", "iscsi://h/iqn.a", "iscsi://h/iqn.a/",
                             "iscsi://h/iqn.a/x", "iscsi:///iqn.a/1", "h/iqn.a/1", ""}) {
        Options options;
        EXPECT_FALSE(parse_address(text, options)) << text;
    }
}

TEST(Sizes, HaveBinaryUnits) {
    EXPECT_EQ(parse_size("512"), 512u);
    EXPECT_EQ(parse_size("4k"), 4096u);
    EXPECT_EQ(parse_size("1M"), 1048576u);
    EXPECT_EQ(parse_size("2G"), uint64_t{2} << 30);
    for (const char* text : {"", "k", "4x", "-1", "99999999999999999999", "99999999999T"})
        EXPECT_FALSE(parse_size(text)) << text;
}

TEST(OptionsTest, TakeEffect) {
    const auto options = parse({"--depth", "7", "--block", "128k", "--rw", "70", "--sequential",
                                "--seconds", "0.5", "iscsi://h/iqn.a/1"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->depth, 7u);
    EXPECT_EQ(options->block, 131072u);
    EXPECT_EQ(options->read_percent, 70u);
    EXPECT_TRUE(options->sequential);
    EXPECT_EQ(options->seconds, 0.5);
}

TEST(OptionsTest, MoreThreadsThanSessionsMakeNoSense) {
    EXPECT_EQ(parse({"--threads", "8", "--sessions", "3", "h:1"})->threads, 3u);
}

TEST(OptionsTest, WrongOnesAreRefused) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                  {"--depth", "0", "h:1"},
                                                  {"--depth", "h:1"},
                                                  {"--block", "100", "h:1"},
                                                  {"--rw", "101", "h:1"},
                                                  {"--seconds", "-1", "h:1"},
                                                  {"--nonsense", "1", "h:1"},
                                                  {"h:1", "--depth"}})
        EXPECT_FALSE(parse(words));
}

}  // namespace
}  // namespace tgt::bench
