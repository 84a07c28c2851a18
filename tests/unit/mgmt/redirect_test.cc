// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/redirect.h"

#include <gtest/gtest.h>

namespace tgt::mgmt {
namespace {

TEST(Redirect, StaticAddressMovesTheLogin) {
    Redirect redirect;
    EXPECT_TRUE(*redirect.update("RedirectAddress", "10.0.0.9"));
    EXPECT_TRUE(*redirect.update("RedirectPort", "3261"));
    EXPECT_TRUE(*redirect.update("RedirectReason", "Permanent"));
    const auto answer = redirect.answer_for(*SocketAddress::parse("10.0.0.1", 5));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->admission, Admission::moved_permanently);
    EXPECT_EQ(answer->redirect_address, "10.0.0.9:3261");
    EXPECT_FALSE(redirect.answer_for(*SocketAddress::parse("10.0.0.9", 5)));
}

TEST(Redirect, RefusesBadValuesAndLeavesOthersAlone) {
    Redirect redirect;
    EXPECT_FALSE(*redirect.update("RedirectPort", "0"));
    for (const char* reason : {"soon", "Perm", "permanent"})
        EXPECT_FALSE(*redirect.update("RedirectReason", reason)) << reason;
    EXPECT_FALSE(redirect.update("redirectport", "3260").has_value());
    EXPECT_FALSE(*redirect.update("RedirectCallback", "prog"));
    EXPECT_FALSE(redirect.update("MaxBurstLength", "1").has_value());
    EXPECT_FALSE(redirect.configured());
}

TEST(Redirect, ReadsWhatProgramsPrint) {
    const auto v4 = parse_redirect_output("10.0.0.1:3260:Temporary\n");
    ASSERT_TRUE(v4);
    EXPECT_EQ(v4->address, "10.0.0.1");
    EXPECT_EQ(v4->reason, "Temporary");
    const auto v6 = parse_redirect_output("[fe80::1]:77:Permanent");
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->address, "fe80::1");
    EXPECT_EQ(v6->port, "77");
    for (const char* bad : {"", ":", "::", "a:b", "a:0:Temporary", "a:1:", "a:x:Permanent"})
        EXPECT_FALSE(parse_redirect_output(bad)) << bad;
}

}  // namespace
}  // namespace tgt::mgmt
