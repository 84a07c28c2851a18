// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/access.h"

#include <gtest/gtest.h>

namespace tgt::mgmt {
namespace {

SocketAddress at(std::string_view text) {
    return *SocketAddress::parse(text, 1000);
}

struct Row {
    const char* rule;
    const char* address;
    bool matches;
};

TEST(AddressRule, MatchesAddressesAndNets) {
    for (const Row& row : {
             Row{"ALL", "10.0.0.1", true},
             Row{"ALL", "::1", true},
             Row{"10.0.0.1", "10.0.0.1", true},
             Row{"10.0.0.1", "10.0.0.2", false},
             Row{"10.0.0.0/8", "10.255.255.255", true},
             Row{"10.0.0.0/8", "11.0.0.0", false},
             Row{"192.168.1.128/25", "192.168.1.129", true},
             Row{"192.168.1.128/25", "192.168.1.127", false},
             Row{"0.0.0.0/0", "1.2.3.4", true},
             Row{"0.0.0.0/0", "::1", false},
             Row{"10.0.0.0/31", "10.0.0.1", true},
             Row{"10.0.0.0/31", "10.0.0.2", false},
             Row{"::1", "::1", true},
             Row{"[::1]", "::1", true},
             Row{"fe80::/10", "fe80::1", true},
             Row{"fe80::/10", "fec0::1", false},
             Row{"[2001:db8::]/33", "2001:db8:7fff::1", true},
             Row{"2001:db8::/33", "2001:db8:8000::1", false},
             Row{"10.0.0.1", "::ffff:10.0.0.1", true},
             Row{"10.0.0.1/32", "10.0.0.1", true},
             Row{"10.0.0.1/32", "10.0.0.0", false},
             Row{"::1/128", "::1", true},
             Row{"::1/128", "::2", false},
         }) {
        const auto rule = AddressRule::parse(row.rule);
        ASSERT_TRUE(rule) << row.rule;
        EXPECT_EQ(rule->matches(at(row.address)), row.matches) << row.rule << " " << row.address;
    }
}

TEST(AddressRule, RefusesHostBitsAndLengthsOutOfRange) {
    for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "::/129", "fe80::1/10", "10.0.0.0/",
                             "10.0.0.0/x", "all", "host", "", "10.0.0"})
        EXPECT_FALSE(AddressRule::parse(text)) << text;
}

TEST(AccessList, NobodyWithoutARule) {
    EXPECT_FALSE(AccessList().permits(at("127.0.0.1"), "iqn.a"));
}

TEST(AccessList, OneMatchingRuleOfEitherKindIsEnough) {
    AccessList list;
    ASSERT_TRUE(list.bind("10.0.0.0/8", {}));
    ASSERT_TRUE(list.bind({}, "iqn.a"));
    EXPECT_TRUE(list.permits(at("10.1.1.1"), "iqn.b"));
    EXPECT_TRUE(list.permits(at("11.1.1.1"), "iqn.a"));
    EXPECT_FALSE(list.permits(at("11.1.1.1"), "iqn.b"));
    EXPECT_FALSE(list.permits(at("11.1.1.1"), "iqn.A"));
}

TEST(AccessList, AddressAndNameTogetherAreTwoRulesOrNone) {
    AccessList list;
    ASSERT_TRUE(list.bind("10.0.0.1", "iqn.a"));
    EXPECT_EQ(list.bind("10.0.0.2", "iqn.a").error().code, ErrorCode::acl_exists);
    EXPECT_EQ(list.addresses(), std::vector<std::string>{"10.0.0.1"});
    EXPECT_EQ(list.unbind("10.0.0.1", "iqn.x").error().code, ErrorCode::acl_missing);
    EXPECT_EQ(list.addresses().size(), 1u);
    EXPECT_TRUE(list.unbind("10.0.0.1", "iqn.a"));
    EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace tgt::mgmt
