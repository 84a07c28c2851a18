// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_rows.h"

#include <gtest/gtest.h>

namespace tgt::mgmt {
namespace {

SavedLun some_lun() {
    SavedLun lun;
    lun.made = {7, 300, "disk", "/srv/a b=\xff", "rdwr", "x;y", "sync", 4096u, true, "config"};
    lun.set = {{"vendor_id", "ACME"}, {"mode_page", "8:0:10"}};
    lun.size = uint64_t(1) << 40;
    return lun;
}

SavedTarget some_target() {
    return {3,
            "iqn.t:3",
            "iscsi",
            "config",
            {{"nop_interval", "5"}, {"RedirectCallback", "/bin/\xc3\xbc"}},
            {"ALL", "[::1]"},
            {"iqn.i"},
            {{"bob", "eve/1"}, "out"},
            {3, UINT32_MAX}};
}

TEST(StateRows, ATargetWithoutHostsIsAsOlderVersionsWroteIt) {
    SavedTarget target = some_target();
    target.hosts.clear();
    const StateRow row = encode_row(target);
    EXPECT_EQ(row.value.find("hosts"), std::string::npos);
    const auto back = decode_row(row);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, SavedObject(target));
}

TEST(StateRows, EveryKindOfObjectGoesThereAndBack) {
    const SavedObject all[] = {SavedSystem{{{"debug", "on"}}},
                               SavedAccount{"eve/1", std::string("\x01\xff\"\\")},
                               SavedBindings{{"a", "b"}, ""},
                               SavedPortals{"iscsi", {"[::1]:3261"}, {":3260"}},
                               some_target(),
                               some_lun()};
    for (const SavedObject& object : all) {
        const StateRow row = encode_row(object);
        const auto back = decode_row(row);
        ASSERT_TRUE(back) << row.key << ": " << back.error().text;
        EXPECT_EQ(*back, object) << row.key << " " << row.value;
        EXPECT_EQ(encode_row(*back), row);
    }
}

TEST(StateRows, KeysOfATargetsLunsBeginWithTheTargets) {
    EXPECT_EQ(encode_row(some_lun()).key, "target/7/lun/300");
    EXPECT_EQ(below(target_key(7)), "target/7/");
    EXPECT_FALSE(target_key(70).starts_with(below(target_key(7))));
}

// One wrong thing each.
TEST(StateRows, WhatIsNotWholeIsRefused) {
    const std::string lun = encode_row(some_lun()).value, target = encode_row(some_target()).value;
    const auto with = [](std::string text, const std::string& from, const std::string& to) {
        const size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    };
    const StateRow bad[] = {
        {"target/7/lun/1", ""},
        {"target/7/lun/1", "{"},
        {"target/7/lun/1", "[]"},
        {"target/7/lun/1", "{}"},
        {"target/7/lun/1", with(lun, "\"size\":1099511627776", "\"size\":-1")},
        {"target/7/lun/1", with(lun, "\"size\"", "\"weight\"")},
        {"target/7/lun/1", with(lun, "\"block_size\":4096", "\"block_size\":4294967296")},
        {"target/7/lun/1", with(lun, "\"force\":true", "\"force\":1")},
        {"target/7/lun/1", with(lun, "\"force\":true", "\"force\":true,\"new\":1")},
        {"target/7/lun/1", with(lun, "[\"vendor_id\",\"ACME\"]", "[\"vendor_id\"]")},
        {"target/7/lun/1", with(lun, "\"rdwr\"", "\"rd\\u0000wr\"")},
        {"target/7/lun/1", with(lun, "\"rdwr\"", "{\"hex\":\"7\"}")},
        {"target/7/lun/1", with(lun, "\"rdwr\"", "{\"hex\":\"zz\"}")},
        {"target/7/lun/1", with(lun, "\"rdwr\"", "{\"hex\":7}")},
        {"target/7/lun/", lun},
        {"target/7/lun/01", lun},
        {"target/7/lun/1x", lun},
        {"target/7/lun/18446744073709551616", lun},
        {"target/7/moon/1", lun},
        {"target/-7", target},
        {"target/2147483648", target},
        {"target/x", target},
        {"target/7", with(target, "\"ALL\"", "[\"ALL\"]")},
        {"target/7", with(target, "\"outgoing\"", "\"incoming2\"")},
        {"planet/9", "{}"},
        {"", "{}"},
        {"account/bob", "{\"secret\":7}"},
        {"account/bob", "null"},
        {"system", std::string(100000, '[')},
        {"system", "{\"set\":" + std::string(5 << 20, ' ') + "[]}"},
    };
    for (const StateRow& row : bad) {
        const auto decoded = decode_row(row);
        ASSERT_FALSE(decoded) << row.key << " " << row.value.substr(0, 200);
        EXPECT_FALSE(decoded.error().text.empty());
    }
}

TEST(StateRows, TheReasonNamesTheMember) {
    EXPECT_EQ(decode_row({"system", "{\"set\":[],\"moon\":1}"}).error().text,
              "'moon' is unknown to this version");
    EXPECT_EQ(decode_row({"system", "{}"}).error().text, "'set' is missing");
}

}  // namespace
}  // namespace tgt::mgmt
