// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-library/plan.h"

#include <gtest/gtest.h>

#include <set>

namespace tgt::setup_library {
namespace {

Options small() {
    Options options;
    options.name = "vtl";
    options.folder = "/srv/vtl";
    options.drives = 2;
    options.slots = 3;
    options.ports = 1;
    options.tapes = 2;
    options.media = "LTO-6";
    return options;
}

std::vector<std::string> words(const Plan& plan) {
    std::vector<std::string> out;
    for (const auto& command : plan.commands) out.push_back(command.words);
    return out;
}

bool has(const std::vector<std::string>& all, const std::string& part) {
    for (const auto& one : all)
        if (one.find(part) != std::string::npos) return true;
    return false;
}

TEST(Plan, BarcodesTellTheKindOfMedium) {
    EXPECT_EQ(barcode(small(), 1), "A00001L6");
    Options other = small();
    other.prefix = "BK";
    other.media = "lto-9";
    EXPECT_EQ(barcode(other, 123), "BK00123L9");
}

TEST(Plan, CartridgesHaveWhatTheMediumHasOrWhatIsAsked) {
    EXPECT_EQ(make_plan(small(), 1, "host").capacity, 2'500'000'000'000u);
    EXPECT_EQ(make_plan(small(), 1, "host").cartridges.size(), 2u);
    Options other = small();
    other.megabytes = 100;
    other.tapes.reset();
    EXPECT_EQ(make_plan(other, 1, "host").capacity, 100u << 20);
    EXPECT_EQ(make_plan(other, 1, "host").cartridges.size(), 3u);
}

TEST(Plan, NamesAreMadeWhole) {
    EXPECT_EQ(make_plan(small(), 1, "host").target_name, "iqn.2001-04.com.host-vtl");
    Options other = small();
    other.name = "iqn.2001-04.org.example:vtl";
    EXPECT_EQ(make_plan(other, 1, "host").target_name, other.name);
}

TEST(Plan, TheTargetIsFirstAndWhoMayUseItLast) {
    const auto all = words(make_plan(small(), 7, "host"));
    EXPECT_NE(all.front().find("--mode target"), std::string::npos) << all.front();
    EXPECT_NE(all.back().find("ALL"), std::string::npos) << all.back();
    EXPECT_TRUE(has(all, "personality"));
    EXPECT_TRUE(has(all, "lto6"));
    EXPECT_TRUE(has(all, "element_type=4,number=2,tid=7,lun=2"));
    EXPECT_TRUE(has(all, "element_type=2,number=2,barcode=A00002L6"));
    EXPECT_TRUE(has(all, "media_home=/srv/vtl"));
}

// Where elements begin is the personality's affair.
TEST(Plan, NoAddressOfAnElementIsGiven) {
    const auto all = words(make_plan(small(), 1, "host"));
    EXPECT_TRUE(has(all, "arms=1,slots=3,ports=1,drives=2"));
    EXPECT_FALSE(has(all, "address="));
}

TEST(Plan, TheFileSaysTheSame) {
    Options other = small();
    other.personality = "stk-l700";
    other.initiators = {"192.0.2.7"};
    const auto text = config_text(other, make_plan(other, 1, "host"));
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "<target iqn.2001-04.com.host-vtl>\n"
              "\tdriver iscsi\n"
              "\t<library /srv/vtl>\n"
              "\t\tlun 1\n"
              "\t\tdrives 2\n"
              "\t\tslots 3\n"
              "\t\tports 1\n"
              "\t\tmedia LTO-6\n"
              "\t\tpersonality stk-l700\n"
              "\t</library>\n"
              "\tinitiator-address 192.0.2.7\n"
              "</target>\n");
}

TEST(Plan, InitiatorsInsteadOfAll) {
    Options other = small();
    other.initiators = {"192.0.2.7", "192.0.2.8"};
    const auto all = words(make_plan(other, 1, "host"));
    EXPECT_FALSE(has(all, "ALL"));
    EXPECT_TRUE(has(all, "192.0.2.8"));
}

TEST(Plan, ADriverWithHostsHasNoRules) {
    Options other = small();
    other.lld = "loop";
    EXPECT_FALSE(has(words(make_plan(other, 1, "host")), "bind"));
}

TEST(Options, WhatCannotBeIsRefused) {
    EXPECT_TRUE(check_options(small()));
    Options other = small();
    other.name.clear();
    EXPECT_FALSE(check_options(other));
    other = small();
    other.folder.clear();
    EXPECT_FALSE(check_options(other));
    other = small();
    other.folder = "/a,b";
    EXPECT_FALSE(check_options(other));
    other = small();
    other.media = "VHS";
    EXPECT_FALSE(check_options(other));
    other = small();
    other.tapes = 4;
    EXPECT_FALSE(check_options(other));
    for (const char* prefix : {"a/b", ".x", "a,b", "a b", "123456789012345678901"}) {
        other = small();
        other.prefix = prefix;
        EXPECT_FALSE(check_options(other)) << prefix;
    }
}

}  // namespace
}  // namespace tgt::setup_library
