// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "config_text.h"

namespace tgt::config {
namespace {

TEST(LogicalUnits, ALineIsAUnit) {
    const Target target = only_target("backing-store /b\nbacking-store /a\n");
    ASSERT_EQ(target.units.size(), 2u);
    EXPECT_EQ(target.units[0].path, "/a");
    EXPECT_FALSE(target.units[0].lun);
    EXPECT_FALSE(target.units[0].direct);
    EXPECT_EQ(target.units[0].at.text(), "t.conf:3:15");
    EXPECT_EQ(names(target.settings), "backing-store");
}

TEST(LogicalUnits, BackingStoresComeBeforeDirectStores) {
    const Target target = only_target("direct-store /a\nbacking-store /b\n");
    ASSERT_EQ(target.units.size(), 2u);
    EXPECT_EQ(target.units[0].path, "/b");
    EXPECT_TRUE(target.units[1].direct);
    EXPECT_EQ(names(target.settings), "backing-store direct-store");
}

TEST(LogicalUnits, ABlockHasDirectivesOfItsOwn) {
    const Target target = only_target(
        "<backing-store /a>\nlun 5\nscsi_sn X1\nmode_page 1:0:1:2\n"
        "bs-type aio\nmode_page 2:0:1:2\n</backing-store>\n");
    const LogicalUnit& unit = target.units.at(0);
    EXPECT_EQ(unit.lun, 5u);
    EXPECT_EQ(names(unit.settings), "bs-type scsi_sn mode_page mode_page");
    ASSERT_TRUE(unit.find("scsi_sn"));
    EXPECT_EQ(unit.find("scsi_sn")->value, "X1");
    EXPECT_EQ(unit.find("scsi_sn")->at.text(), "t.conf:4:9");
    EXPECT_FALSE(unit.find("scsi_sn")->inherited);
    EXPECT_EQ(unit.settings[2].value, "1:0:1:2");
}

TEST(LogicalUnits, TakeFromTheTargetWhatTheyDoNotHave) {
    const Target target = only_target(
        "vendor_id ALL\nscsi_sn T\n<backing-store /a>\nscsi_sn OWN\n"
        "</backing-store>\n");
    const LogicalUnit& unit = target.units.at(0);
    EXPECT_EQ(unit.find("scsi_sn")->value, "OWN");
    EXPECT_EQ(unit.find("vendor_id")->value, "ALL");
    EXPECT_TRUE(unit.find("vendor_id")->inherited);
    EXPECT_EQ(unit.settings.size(), 2u);
    EXPECT_EQ(names(target.settings), "backing-store");
}

TEST(LogicalUnits, RepeatableDirectivesOfTheTargetComeAfterTheirOwn) {
    const Target target = only_target(
        "params a=1\nmode_page 1:0:1:2\n<backing-store /a>\nparams b=2\n"
        "mode_page 2:0:1:2\n</backing-store>\n");
    const auto& settings = target.units.at(0).settings;
    ASSERT_EQ(names(settings), "mode_page mode_page params params");
    EXPECT_EQ(settings[0].value, "2:0:1:2");
    EXPECT_EQ(settings[3].value, "a=1");
}

TEST(LogicalUnits, MayBeInUseWhenTheyOrTheTargetSaySo) {
    const std::string units =
        "<backing-store /a>\nallow-in-use yes\n</backing-store>\n"
        "<backing-store /b/>\n";
    const Target some = only_target(units);
    EXPECT_TRUE(some.units.at(0).allow_in_use);
    EXPECT_FALSE(some.units.at(1).allow_in_use);
    EXPECT_FALSE(some.allow_in_use);
    const Target all = only_target("allow-in-use yes\n" + units);
    EXPECT_TRUE(all.units.at(1).allow_in_use);
    EXPECT_TRUE(all.allow_in_use);
    EXPECT_EQ(all.units.at(1).settings.size(), 0u);
}

TEST(LogicalUnits, TheTargetsNumberIsForUnitsWithoutOne) {
    EXPECT_EQ(only_target("backing-store /a\nlun 10\n").units.at(0).lun, 10u);
    EXPECT_EQ(only_target("<backing-store /a>\nlun 3\n</backing-store>\nlun 10\n").units.at(0).lun,
              3u);
}

TEST(LogicalUnits, ANumberGivenTwiceIsAWarning) {
    EXPECT_EQ(only_warning("<target x>\nbacking-store /a\nbacking-store /b\nlun 1\n</target>\n"),
              "t.conf:3:15: LUN 1 is that of /a, too; give each logical unit its own");
}

TEST(LogicalUnits, APathGivenTwiceIsOneUnit) {
    const Config config = checked("<target x>\nbacking-store /a\nbacking-store /a\n</target>\n");
    EXPECT_EQ(config.targets.at(0).units.size(), 1u);
    EXPECT_EQ(config.problems.size(), 1u);
    EXPECT_FALSE(config.first_error());
}

TEST(LogicalUnits, CanBeWithoutAMedium) {
    EXPECT_TRUE(only_target("backing-store NONE:x\n").units.at(0).without_medium());
    EXPECT_FALSE(only_target("backing-store /NONE:x\n").units.at(0).without_medium());
}

TEST(LogicalUnits, AStoreWithoutAPathIsRefused) {
    for (const char* text : {"backing-store\n", "<backing-store>\n</backing-store>\n"}) {
        const Config config = checked(std::string("<target x>\n") + text + "</target>\n");
        ASSERT_TRUE(config.first_error()) << text;
        EXPECT_EQ(config.first_error()->contract,
                  "\nOption backing-store has a missing value!\n"
                  "Check your config file for errors (target: x)\n");
    }
}

TEST(LogicalUnits, ABlockWhereALineBelongsIsRefused) {
    const Config config = checked(
        "<target x>\n<backing-store /a>\n<lun 1>\n</lun>\n"
        "</backing-store>\n</target>\n");
    EXPECT_TRUE(config.first_error());
}

TEST(LogicalUnits, AnUnknownWriteCacheIsAWarning) {
    EXPECT_EQ(only_warning("<target x>\nwrite-cache maybe\nbacking-store /a\n</target>\n"),
              "t.conf:2:13: 'write-cache' is on or off, not 'maybe'; correct it");
}

}  // namespace
}  // namespace tgt::config
