// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/library.h"

#include <gtest/gtest.h>

#include "config_text.h"

namespace tgt::config {
namespace {

std::string values(const LogicalUnit& unit) {
    std::string out;
    for (const Setting& setting : unit.settings) out += setting.name + " " + setting.value + "\n";
    return out;
}

std::string only_problem(const std::string& lines) {
    const Config config = checked("<target iqn.x>\n" + lines + "</target>\n");
    if (config.problems.size() != 1) return "not one problem";
    return (config.problems[0].error ? "error: " : "warning: ") + config.problems[0].what.problem;
}

TEST(Library, IsDrivesAndAChangerBehindThem) {
    const Target target = only_target("<library /srv/vtl>\ndrives 2\nslots 3\n</library>\n");
    ASSERT_EQ(target.units.size(), 3u);
    EXPECT_EQ(names(target.settings), "backing-store");
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(target.units[i].lun, i + 1);
    EXPECT_TRUE(target.units[0].without_medium());
    EXPECT_TRUE(target.units[0].of_library);
    EXPECT_EQ(values(target.units[1]), "device-type tape\npersonality lto8\n");
    EXPECT_EQ(target.units[2].path, "/srv/vtl/changer");
    EXPECT_EQ(values(target.units[2]),
              "device-type changer\n"
              "params media_home=/srv/vtl\n"
              "params arms=1,slots=3,ports=4,drives=2\n"
              "params element_type=4,number=1,tid=${tid},lun=1\n"
              "params element_type=4,number=2,tid=${tid},lun=2\n");
}

TEST(Library, SaysWhatItsUnitsAre) {
    const Target target = only_target(
        "<library \"/v/\">\nlun 5\ndrives 1\nports 0\nmedia lto-6\npersonality "
        "stk-l700\n</library>\n"
        "<library /w>\ndrives 0\n</library>\n");
    ASSERT_EQ(target.units.size(), 3u);
    EXPECT_EQ(target.units[0].lun, 5u);
    EXPECT_EQ(target.units[0].find("personality")->value, "lto6");
    EXPECT_EQ(target.units[1].find("personality")->value, "stk-l700");
    EXPECT_EQ(target.units[1].path, "/v/changer");
    EXPECT_EQ(target.units[2].lun, 7u) << "behind all others";
    const Target other =
        only_target("<library /v>\nmedia LTO-6\ndrive-personality ibm-td6\n</library>\n");
    EXPECT_EQ(other.units[0].find("personality")->value, "ibm-td6");
}

TEST(Library, StandsBesideOtherUnitsAndTakesNothingOfTheirs) {
    const Target target = only_target(
        "vendor_id ACME\nallow-in-use yes\n<backing-store /a>\nlun 4\n</backing-store>\n"
        "<library /v>\ndrives 1\n</library>\n");
    ASSERT_EQ(target.units.size(), 3u);
    EXPECT_EQ(target.units[1].lun, 5u);
    EXPECT_FALSE(target.units[1].find("vendor_id"));
    EXPECT_TRUE(target.units[2].allow_in_use);
    EXPECT_EQ(names(target.settings), "backing-store");
}

TEST(Library, WhatCannotBeIsAnError) {
    EXPECT_EQ(only_problem("library /v\n"), "error: 'library' is a block");
    EXPECT_EQ(only_problem("<library v>\n</library>\n"),
              "error: the folder of a library is wrong: it must be an absolute path");
    EXPECT_EQ(only_problem("<library /a,b>\n</library>\n"),
              "error: the folder of a library is wrong: it must have no comma");
    EXPECT_EQ(only_problem("<library /v>\nmedia VHS\n</library>\n"),
              "error: there is no medium 'VHS'");
    EXPECT_EQ(only_problem("<library /v>\ndrives 251\n</library>\n"),
              "error: 'drives' is a number, and '251' is none");
    EXPECT_EQ(only_problem("<library /v>\nslots 1\nslots 2\n</library>\n"),
              "error: 'slots' is given more than once");
    EXPECT_EQ(only_problem("<library /v>\nslots\n</library>\n"), "error: 'slots' has no value");
    EXPECT_EQ(only_problem("<library /v>\n<slots 3>\n</slots>\n</library>\n"),
              "error: 'slots' is given more than once");
    EXPECT_EQ(only_problem("<library /v>\nslot 3\n</library>\n"),
              "warning: there is no directive 'slot' in a library");
    EXPECT_EQ(only_problem("slots 3\n"), "warning: there is no directive 'slots' in a target");
}

TEST(Library, IsReadAsItIsWritten) {
    Library library;
    library.folder = "/srv/a \"b\" #c/$d";
    EXPECT_FALSE(write_library("", library)) << "no name of a block has a quote";
    library.folder = "/srv/a b #c/$d";
    library.first_lun = 3;
    library.drives = 1;
    library.personality = "hp-msl";
    const auto text = write_library("\t", library);
    ASSERT_TRUE(text);
    const Target target = only_target(*text);
    const auto units = library_units(library, {});
    ASSERT_EQ(target.units.size(), units.size());
    for (size_t i = 0; i < units.size(); ++i) {
        EXPECT_EQ(target.units[i].path, units[i].path);
        EXPECT_EQ(target.units[i].lun, units[i].lun);
        EXPECT_EQ(values(target.units[i]), values(units[i]));
    }
}

}  // namespace
}  // namespace tgt::config
