// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/targets_conf.h"

#include <gtest/gtest.h>

#include "config_text.h"

namespace tgt::config {
namespace {

TEST(TargetsConf, NothingIsAnEmptyConfiguration) {
    const Config config = checked("");
    EXPECT_TRUE(config.targets.empty());
    EXPECT_TRUE(config.problems.empty());
    EXPECT_EQ(config.default_driver, "iscsi");
    EXPECT_FALSE(config.default_driver_given);
    EXPECT_FALSE(config.control_port);
}

TEST(TargetsConf, TakesTheGlobalDirectives) {
    const Config config = checked(
        "default-driver iser\nignore-errors yes\ncontrol-port 0x10\n"
        "portal 10.0.0.1\niSNS On\n");
    EXPECT_EQ(config.default_driver, "iser");
    EXPECT_TRUE(config.default_driver_given);
    EXPECT_TRUE(config.ignore_errors);
    EXPECT_EQ(config.control_port, 16u);
    EXPECT_EQ(names(config.settings), "iSNS portal");
    EXPECT_TRUE(config.problems.empty());
}

TEST(TargetsConf, HostsAreForDriversThatHaveThem) {
    const Config loop = checked("<target a>\ndriver loop\nhost 3\nhost 4\n</target>\n");
    EXPECT_TRUE(loop.problems.empty());
    EXPECT_FALSE(loop.targets[0].allow_all);
    EXPECT_EQ(names(loop.targets[0].settings), "host host");
    for (const char* wrong :
         {"host 3", "driver loop\nhost x", "driver loop\nhost 4294967296",
          "driver loop\ninitiator-address ALL", "driver loop\ninitiator-name iqn.a"}) {
        const Config config = checked("<target a>\n" + std::string(wrong) + "\n</target>\n");
        EXPECT_NE(config.first_error("a"), nullptr) << wrong;
    }
}

TEST(TargetsConf, OnlyYesIgnoresErrors) {
    EXPECT_FALSE(checked("ignore-errors no\n").ignore_errors);
    const Config config = checked("ignore-errors 1\n");
    EXPECT_FALSE(config.ignore_errors);
    EXPECT_EQ(config.problems.size(), 1u);
}

TEST(TargetsConf, TargetsComeInByteOrderOfTheirNames) {
    const Config config = checked("<target b/>\n<target a/>\n<target B/>\n");
    ASSERT_EQ(config.targets.size(), 3u);
    EXPECT_EQ(config.targets[0].name, "B");
    EXPECT_EQ(config.targets[1].name, "a");
    EXPECT_EQ(config.find_target("b"), &config.targets[2]);
    EXPECT_EQ(config.find_target("c"), nullptr);
}

TEST(TargetsConf, DirectivesComeInByteOrderAndRepeatedOnesInTheFilesOrder) {
    const Target target = only_target(
        "initiator-name b\nincominguser u p\nMaxBurstLength 4096\n"
        "initiator-name a\nbacking-store /x\ninitiator-address 1.2.3.4\n");
    EXPECT_EQ(names(target.settings),
              "MaxBurstLength backing-store incominguser initiator-address "
              "initiator-name initiator-name");
    EXPECT_EQ(target.settings[4].value, "b");
    EXPECT_EQ(target.settings[5].value, "a");
}

TEST(TargetsConf, DriverAndNumberAreTheTargetsOwn) {
    const Config config = checked(
        "<target a>\ndriver iser\ncontroller_tid 7\n</target>\n"
        "<target b/>\ndefault-driver fcoe\n");
    EXPECT_EQ(config.targets[0].driver, "iser");
    EXPECT_EQ(config.targets[0].controller_tid, 7);
    EXPECT_EQ(config.targets[1].driver, "fcoe");
    EXPECT_FALSE(config.targets[1].controller_tid);
    EXPECT_TRUE(config.targets[0].settings.empty());
}

TEST(TargetsConf, EveryoneMayLogInUnlessAnAddressIsGiven) {
    EXPECT_TRUE(only_target("").allow_all);
    EXPECT_TRUE(only_target("initiator-name iqn.x\n").allow_all);
    EXPECT_FALSE(only_target("initiator-address 10.0.0.0/8\n").allow_all);
}

TEST(TargetsConf, TheAddressNoneLetsNobodyInByAddress) {
    const Target target = only_target("initiator-address NONE\ninitiator-name iqn.x\n");
    EXPECT_FALSE(target.allow_all);
    EXPECT_EQ(names(target.settings), "initiator-name");
}

TEST(TargetsConf, AnAccountIsTwoWords) {
    const Target target = only_target("incominguser  user \t secret\n");
    ASSERT_EQ(target.settings.size(), 1u);
    const Account account = account_of(target.settings[0]);
    EXPECT_EQ(account.user, "user");
    EXPECT_EQ(account.password, "secret");
}

TEST(TargetsConf, WhatBeginsWithStateIsATargetParameter) {
    const Target target = only_target("state offline\nstatement x\n");
    EXPECT_EQ(names(target.settings), "state statement");
    EXPECT_EQ(target.settings[1].directive->use, Use::target_update);
}

TEST(TargetsConf, ReplacesTheNumbersInParameters) {
    EXPECT_EQ(expand_params("tid=${tid},lun=${lun},again=${tid}", 3, 15), "tid=3,lun=15,again=3");
    EXPECT_EQ(expand_params("${other}", 3, 15), "${other}");
}

// --- what is refused, in tgt's words -----------------------------------------------------------

TEST(TargetsConf, ASingleDirectiveGivenTwiceIsRefused) {
    const Config config = checked(
        "<target iqn.x>\n<backing-store /a>\nlun 1\nlun 2\n"
        "</backing-store>\n</target>\n");
    const Problem* error = config.first_error();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->contract,
              "Multiple 'lun' definitions in 'backing-store' not allowed!\n"
              "Check your config file for errors (target: iqn.x).\n");
    EXPECT_EQ(error->what.text(), "t.conf:4:1: 'lun' is given more than once; give it once");
}

TEST(TargetsConf, TheSameForAllUnitsOfATarget) {
    const Config config =
        checked("<target x>\nvendor_id a\nvendor_id b\ndirect-store /a\n</target>\n");
    ASSERT_TRUE(config.first_error());
    EXPECT_EQ(config.first_error()->contract,
              "Multiple 'vendor_id' definitions in 'direct-store' not allowed!\n"
              "Check your config file for errors (target: x).\n");
}

TEST(TargetsConf, AGlobalDirectiveGivenTwiceIsRefused) {
    EXPECT_EQ(checked("iSNS On\niSNS Off\n").first_error()->contract,
              "Multiple 'iSNS' definitions not allowed!\nCheck your config file for errors.\n");
    EXPECT_EQ(checked("default-driver a\ndefault-driver b\n").first_error()->contract,
              "Multiple default-driver definitions are not allowed!\n"
              "Check your config file for errors.\n");
}

TEST(TargetsConf, AMissingValueIsRefused) {
    for (const char* line : {"driver\n", "driver =\n", "driver \"\"\n"}) {
        const Config config = checked(std::string("<target x>\n") + line + "</target>\n");
        ASSERT_TRUE(config.first_error()) << line;
        EXPECT_EQ(config.first_error()->contract,
                  "\nOption driver has a missing value!\n"
                  "Check your config file for errors (target: x)\n");
    }
}

TEST(TargetsConf, AnAccountWithoutAPasswordHasAMissingValue) {
    const Config config = checked("<target x>\nincominguser user\n</target>\n");
    ASSERT_TRUE(config.first_error());
    EXPECT_EQ(config.first_error()->contract,
              "\nOption incominguser has a missing value!\n"
              "Check your config file for errors (target: x)\n");
}

TEST(TargetsConf, LinesAndBlocksOfStoresDoNotMix) {
    for (const char* text : {"<backing-store /a/>\nbacking-store /b\n",
                             "backing-store /b\n<backing-store /a>\n</backing-store>\n"}) {
        const Config config = checked(std::string("<target x>\n") + text + "</target>\n");
        ASSERT_TRUE(config.first_error()) << text;
        EXPECT_EQ(config.first_error()->contract,
                  "\nYour config file is not supported. See targets.conf.example for details.\n");
        EXPECT_EQ(config.first_error()->what.at.line, 3u);
    }
    EXPECT_FALSE(
        checked("<target x>\nbacking-store /a\n<direct-store /b/>\n</target>\n").first_error());
}

TEST(TargetsConf, ATargetWithoutANameIsRefused) {
    EXPECT_TRUE(checked("<target>\n</target>\n").first_error());
    EXPECT_TRUE(checked("<target >\n</target>\n").first_error());
    EXPECT_TRUE(checked("target x\n").first_error());
}

TEST(TargetsConf, ANumberThatIsNoneIsRefusedWhereTheProgramNeedsIt) {
    EXPECT_TRUE(checked("control-port 65536\n").first_error());
    EXPECT_TRUE(checked("<target x>\ncontroller_tid a\n</target>\n").first_error());
    EXPECT_TRUE(checked("<target x>\n<backing-store /a>\nlun -1\n</backing-store>\n</target>\n")
                    .first_error());
    const Config config = checked("<target x>\nMaxBurstLength 64k\n</target>\n");
    EXPECT_FALSE(config.first_error());
    EXPECT_EQ(config.problems.size(), 1u);
}

TEST(TargetsConf, AnErrorIsThatOfItsTarget) {
    const Config config = checked("<target bad>\ndriver\n</target>\n<target good/>\n");
    EXPECT_TRUE(config.first_error("bad"));
    EXPECT_FALSE(config.first_error("good"));
    EXPECT_FALSE(config.first_error(""));
    EXPECT_EQ(config.targets.size(), 2u);
}

TEST(TargetsConf, AGlobalErrorIsThatOfAllTargets) {
    const Config config = checked("iSNS On\niSNS On\n<target x/>\n");
    EXPECT_TRUE(config.first_error("x"));
    EXPECT_TRUE(config.first_error(""));
}

// --- what is only said -------------------------------------------------------------------------

TEST(TargetsConf, AnUnknownDirectiveIsAWarningThatNamesTheNearest) {
    EXPECT_EQ(only_warning("<target x>\nwrite-cahce off\n</target>\n"),
              "t.conf:2:1: there is no directive 'write-cahce' in a target; it is ignored; is "
              "'write-cache' meant?");
    EXPECT_EQ(only_warning("Default-Driver iscsi\n"),
              "t.conf:1:1: there is no directive 'Default-Driver' outside a target; it is ignored; "
              "is 'default-driver' meant?");
    EXPECT_EQ(only_warning("completely-different x\n"),
              "t.conf:1:1: there is no directive 'completely-different' outside a target; it is "
              "ignored");
}

TEST(TargetsConf, ADirectiveInTheWrongPlaceIsAWarningThatNamesTheRightOne) {
    EXPECT_EQ(only_warning("initiator-address ALL\n"),
              "t.conf:1:1: there is no directive 'initiator-address' outside a target; it is "
              "ignored; its place is in a target");
    EXPECT_EQ(
        only_warning("<target x>\n<backing-store /a>\ndriver iscsi\n</backing-store>\n</target>\n"),
        "t.conf:3:1: there is no directive 'driver' in a logical unit; it is ignored; its "
        "place is in a target");
}

TEST(TargetsConf, AnUnknownBlockIsAWarning) {
    EXPECT_EQ(only_warning("<Target x>\n</Target>\n"),
              "t.conf:1:1: there is no block <Target> outside a target; it is ignored; is <target "
              "NAME> meant?");
}

TEST(TargetsConf, OfATargetParameterGivenTwiceTheFirstCounts) {
    const Config config =
        checked("<target x>\nMaxBurstLength 1024\nMaxBurstLength 2048\n</target>\n");
    EXPECT_FALSE(config.first_error());
    ASSERT_EQ(config.problems.size(), 1u);
    EXPECT_EQ(config.problems[0].contract,
              "# Warning: only one MaxBurstLength is allowed. Will only use the first one.\n");
    ASSERT_EQ(config.targets[0].settings.size(), 1u);
    EXPECT_EQ(config.targets[0].settings[0].value, "1024");
}

TEST(TargetsConf, TheSameNumberForTwoTargetsIsAWarning) {
    const Config config = checked(
        "<target a>\ncontroller_tid 1\n</target>\n"
        "<target b>\ncontroller_tid 0x1\n</target>\n");
    EXPECT_FALSE(config.first_error());
    EXPECT_EQ(config.problems.size(), 1u);
}

TEST(TargetsConf, AnIncludeThatIsNotFollowedIsAWarning) {
    EXPECT_EQ(checked("include \\\n x\n").problems.size(), 1u);
}

}  // namespace
}  // namespace tgt::config
