// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/settings.h"

#include <gtest/gtest.h>

namespace tgt::mgmt {
namespace {

TEST(Settings, ALaterValueTakesThePlaceOfAnEarlierOneOfAnyCase) {
    NamedValues set;
    remember_setting(set, "nop_interval", "1");
    remember_setting(set, "state", "offline");
    remember_setting(set, "NOP_Interval", "2");
    EXPECT_EQ(set, (NamedValues{{"state", "offline"}, {"NOP_Interval", "2"}}));
    forget_setting(set, "STATE");
    EXPECT_FALSE(has_setting(set, "state"));
}

TEST(Settings, EachModePageIsASettingOfItsOwn) {
    NamedValues set;
    remember_lun_setting(set, "mode_page", "8:0:10:1");
    remember_lun_setting(set, "mode_page", "8:1:10:1");
    remember_lun_setting(set, "mode_page", "10:0:10:1");
    remember_lun_setting(set, "mode_page", "8:0:10:2");
    EXPECT_EQ(set, (NamedValues{{"mode_page", "8:1:10:1"},
                                {"mode_page", "10:0:10:1"},
                                {"mode_page", "8:0:10:2"}}));
}

TEST(Settings, WhatIsNoSettingIsNotRemembered) {
    NamedValues set;
    remember_lun_setting(set, "flush_failed", "0");
    remember_lun_setting(set, "path", "/x");
    remember_system_setting(set, "State", "offline");
    EXPECT_TRUE(set.empty());
}

TEST(Settings, AnotherMediumTakesWhatBelongedToTheOldOneWithIt) {
    NamedValues set{{"vendor_id", "ACME"}, {"capacity", "1m"}, {"readonly", "1"}, {"fault", "x"}};
    scsi::LunState state;
    state.online = false;
    state.removable = true;
    remember_new_medium(set, state);
    EXPECT_EQ(set, (NamedValues{{"vendor_id", "ACME"},
                                {"removable", "1"},
                                {"thin_provisioning", "0"},
                                {"online", "0"}}));
}

TEST(Settings, TheIdentityIsRememberedOnceUnlessItWasSet) {
    NamedValues set{{"scsi_sn", "mine"}};
    remember_identity(set, {"id", "sn", "", "", ""});
    remember_identity(set, {"id2", "sn2", "", "", ""});
    EXPECT_EQ(set, (NamedValues{{"scsi_sn", "mine"}, {"scsi_id", "id"}}));
}

TEST(Settings, ALogLevelForAllTakesThePlaceOfThoseForOne) {
    NamedValues set;
    remember_system_setting(set, "log-level", "iscsi=debug");
    remember_system_setting(set, "log-level", "mgmt=debug");
    remember_system_setting(set, "log-level", "iscsi=error");
    remember_system_setting(set, "abort-bound", "7");
    EXPECT_EQ(
        set, (NamedValues{
                 {"log-level", "mgmt=debug"}, {"log-level", "iscsi=error"}, {"abort-bound", "7"}}));
    remember_system_setting(set, "debug", "off");
    EXPECT_EQ(set, (NamedValues{{"abort-bound", "7"}, {"debug", "off"}}));
    remember_system_setting(set, "log-level", "warning");
    EXPECT_EQ(set, (NamedValues{{"abort-bound", "7"}, {"log-level", "warning"}}));
}

}  // namespace
}  // namespace tgt::mgmt
