// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/portal_spec.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace tgt::mgmt {
namespace {

struct Good {
    const char* text;
    const char* host;
    uint16_t port;
};

TEST(PortalSpec, ReadsAddressesNamesAndPorts) {
    for (const Good& row : {Good{"10.0.0.1", "10.0.0.1", 3260}, Good{"10.0.0.1:77", "10.0.0.1", 77},
                            Good{"[::1]:3251", "::1", 3251}, Good{"[fe80::1]", "fe80::1", 3260},
                            Good{"::1", "::1", 3260}, Good{":3251", "", 3251}, Good{"", "", 3260},
                            Good{"disk.example:5", "disk.example", 5}}) {
        const auto spec = PortalSpec::parse(row.text);
        ASSERT_TRUE(spec) << row.text;
        EXPECT_EQ(spec->host, row.host) << row.text;
        EXPECT_EQ(spec->port, row.port) << row.text;
    }
}

TEST(PortalSpec, RefusesWhatIsNoPortal) {
    for (const char* text : {"10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:x", "[::1",
                             "[::1]x", "[1.2.3.4]:5", "[name]", "1:2:3", "h:1 "})
        EXPECT_FALSE(PortalSpec::parse(text)) << text;
}

TEST(PortalSpec, EmptyHostIsBothWildcards) {
    const auto addresses = PortalSpec::parse(":77")->numeric();
    ASSERT_EQ(addresses.size(), 2u);
    EXPECT_EQ(addresses[0].uri(), "0.0.0.0:77");
    EXPECT_EQ(addresses[1].uri(), "[::]:77");
    EXPECT_TRUE(addresses[0].wildcard() && addresses[1].wildcard());
}

TEST(PortalSpec, NamesNeedALookUp) {
    EXPECT_TRUE(PortalSpec::parse("localhost")->numeric().empty());
    EXPECT_FALSE(PortalSpec::parse("localhost")->resolve()->empty());
}

TEST(SocketAddress, MappedAddressesAreIPv4) {
    const auto v6 = SocketAddress::parse("::ffff:10.1.2.3", 5);
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->uri(), "10.1.2.3:5");
    EXPECT_EQ(*v6, *SocketAddress::parse("10.1.2.3", 5));
    EXPECT_FALSE(*v6 == v6->with_port(6));
}

TEST(SocketAddress, RefusesShortForms) {
    for (const char* text : {"127.1", "0x7f000001", "", "host", "1.2.3.4.5", "[]"})
        EXPECT_FALSE(SocketAddress::parse(text, 0)) << text;
}

}  // namespace
}  // namespace tgt::mgmt
