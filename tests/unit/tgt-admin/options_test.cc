// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/options.h"

#include <gtest/gtest.h>

namespace tgt::tgt_admin {
namespace {

Options good(std::vector<std::string> args) {
    const auto parsed = parse_options(args);
    EXPECT_TRUE(std::holds_alternative<Options>(parsed));
    return std::holds_alternative<Options>(parsed) ? std::get<Options>(parsed) : Options();
}

Exit bad(std::vector<std::string> args) {
    const auto parsed = parse_options(args);
    EXPECT_TRUE(std::holds_alternative<Exit>(parsed));
    return std::holds_alternative<Exit>(parsed) ? std::get<Exit>(parsed) : Exit();
}

TEST(OptionsTest, WithoutArgumentsHelpIsShown) {
    EXPECT_EQ(good({}).action, Action::help);
    EXPECT_EQ(good({"-v"}).action, Action::none);
}

TEST(OptionsTest, LongOptionsMayBeAbbreviatedAndHaveOneDash) {
    EXPECT_EQ(good({"--exec"}).action, Action::execute);
    EXPECT_EQ(good({"-execute"}).action, Action::execute);
    EXPECT_EQ(good({"--up", "ALL"}).subject, "ALL");
    EXPECT_EQ(good({"--update=tid=3"}).subject, "tid=3");
    EXPECT_TRUE(good({"-e", "--keep-runtime"}).keep_runtime);
    EXPECT_EQ(good({"-s"}).action, Action::show);
    EXPECT_EQ(bad({"--d"}).code, 1);
}

TEST(OptionsTest, TheFirstOfSeveralActionsCounts) {
    EXPECT_EQ(good({"--update", "ALL", "--delete", "tid=1"}).action, Action::remove);
    EXPECT_EQ(good({"-e", "-s"}).action, Action::show);
    const Exit both = bad({"--offline", "ALL", "--ready", "ALL"});
    EXPECT_EQ(both.code, 1);
    EXPECT_EQ(both.out, "Invalid value (you can't use both ready and offline)!\n");
}

TEST(OptionsTest, MistakesAreRefused) {
    EXPECT_EQ(bad({"--foo"}).err.substr(0, 20), "Unknown option: foo\n");
    EXPECT_EQ(bad({"--update"}).code, 1);
    EXPECT_EQ(bad({"-C", "x", "-s"}).code, 22);
}

TEST(OptionsTest, TheControlPortIsOnlySetWhenGiven) {
    EXPECT_FALSE(good({"-s"}).control_port);
    EXPECT_EQ(good({"-s", "-C", "7"}).control_port, 7u);
}

}  // namespace
}  // namespace tgt::tgt_admin
