// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/state_text.h"

#include <gmock/gmock.h>

namespace tgt::tgt_admin {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view two_targets =
    "Target 1: iqn.2001-04.test:inv\n"
    "    System information:\n"
    "        Driver: iscsi\n"
    "        State: offline\n"
    "        Nop interval: 5\n"
    "        Nop count: 3\n"
    "    I_T nexus information:\n"
    "        I_T nexus: 1776\n"
    "            Initiator: iqn.2010-11.libiscsi:iscsi-perf alias: none\n"
    "            Connection: 0\n"
    "                IP Address: 127.0.0.1\n"
    "            Connection: 2\n"
    "                IP Address: 127.0.0.1\n"
    "    LUN information:\n"
    "        LUN: 0\n"
    "            Type: controller\n"
    "            Backing store path: None\n"
    "            Backing store flags: \n"
    "        LUN: 1\n"
    "            Type: disk\n"
    "            SCSI ID: IET     00010001\n"
    "            SCSI SN: mine\n"
    "            Size: 105 MB, Block size: 4096\n"
    "            Online: Yes\n"
    "            Removable media: No\n"
    "            Prevent removal: No\n"
    "            Readonly: No\n"
    "            SWP: No\n"
    "            Thin-provisioning: Yes\n"
    "            Backing store type: rdwr\n"
    "            Backing store path: /srv/tgt/disk: 1.img\n"
    "            Backing store flags: sync:direct\n"
    "        LUN: 2\n"
    "            Type: cd/dvd\n"
    "            Backing store type: mmc\n"
    "            Backing store path: None\n"
    "    Account information:\n"
    "        alice\n"
    "        tgtuser (outgoing)\n"
    "    ACL information:\n"
    "        10.0.0.0/8\n"
    "        [fe80::1]\n"
    "        iqn.1993-08.org.debian:01:abc\n"
    "Target 12: iqn.b\n"
    "    System information:\n"
    "        Driver: iser\n"
    "        State: ready\n"
    "    I_T nexus information:\n"
    "    LUN information:\n"
    "    Account information:\n"
    "    ACL information:\n"
    "        ALL\n";

TEST(StateTextTest, TargetsWithTheirSessionsAccountsAndRules) {
    const auto targets = parse_targets(two_targets);
    ASSERT_EQ(targets.size(), 2u);
    const TargetState& first = targets[0];
    EXPECT_EQ(first.tid, 1);
    EXPECT_EQ(first.name, "iqn.2001-04.test:inv");
    EXPECT_EQ(first.driver, "iscsi");
    EXPECT_FALSE(first.ready);
    ASSERT_EQ(first.nexuses.size(), 1u);
    EXPECT_EQ(first.nexuses[0].id, 1776u);
    EXPECT_EQ(first.nexuses[0].initiator, "iqn.2010-11.libiscsi:iscsi-perf");
    EXPECT_THAT(first.nexuses[0].connections, ElementsAre(0, 2));
    EXPECT_THAT(first.incoming, ElementsAre("alice"));
    EXPECT_THAT(first.outgoing, ElementsAre("tgtuser"));
    EXPECT_THAT(first.addresses, ElementsAre("10.0.0.0/8", "[fe80::1]"));
    EXPECT_THAT(first.initiators, ElementsAre("iqn.1993-08.org.debian:01:abc"));
    EXPECT_EQ(targets[1].tid, 12);
    EXPECT_EQ(targets[1].driver, "iser");
    EXPECT_TRUE(targets[1].ready);
    EXPECT_FALSE(targets[1].in_use());
}

TEST(StateTextTest, LogicalUnitsWithoutTheController) {
    const auto units = parse_targets(two_targets)[0].units;
    ASSERT_EQ(units.size(), 2u);
    EXPECT_EQ(units[0].lun, 1u);
    EXPECT_EQ(units[0].path, "/srv/tgt/disk: 1.img");
    EXPECT_EQ(find_value(units[0].options, "blocksize")->value, "4096");
    EXPECT_EQ(find_value(units[0].options, "bsoflags")->value, "sync:direct");
    EXPECT_EQ(find_value(units[0].parameters, "scsi_id")->fallback, "IET     00010001");
    EXPECT_EQ(find_value(units[0].parameters, "scsi_sn")->value, "mine");
    EXPECT_EQ(find_value(units[0].parameters, "thin_provisioning")->value, "1");
    EXPECT_FALSE(units[0].complete);
    EXPECT_EQ(units[1].path, std::nullopt);
    EXPECT_EQ(find_value(units[1].options, "device-type")->value, "cd");
    EXPECT_EQ(find_value(units[1].options, "blocksize"), nullptr);
}

TEST(StateTextTest, NothingAndNonsenseAreNoTargets) {
    EXPECT_TRUE(parse_targets("").empty());
    EXPECT_TRUE(parse_targets("LUN: 1\n    Type: disk\n:\n\n   \n").empty());
}

TEST(StateTextTest, ParametersUnlessARedirectionHidesThem) {
    const auto values = parse_parameters("nop_interval=5\nHeaderDigest=None\n");
    ASSERT_TRUE(values);
    EXPECT_EQ(find_value(*values, "HeaderDigest")->value, "None");
    EXPECT_FALSE(parse_parameters("RedirectAddress=10.0.0.9\nRedirectPort=3260\n"));
}

TEST(StateTextTest, AccountsAndPortalsOldestFirst) {
    EXPECT_THAT(parse_accounts("Account list:\n    tgtuser\n    alice\n"),
                ElementsAre("alice", "tgtuser"));
    const auto portals = parse_portals("Portal: [::1]:3378,1\nPortal: 127.0.0.1:3377,1\n");
    ASSERT_EQ(portals.size(), 2u);
    EXPECT_EQ(portals[0].address, "127.0.0.1:3377");
    EXPECT_EQ(portals[1].address, "[::1]:3378");
}

TEST(StateTextTest, TheSystemsDiscoveryAccountsAndIsns) {
    State state;
    parse_system(
        "System:\n    State: ready\nDevice types:\n    disk\n    Account information:\n\n"
        "    disc\n    out (outgoing)\niSNS:\n    iSNS=On\n    iSNSServerIP=\n",
        state);
    EXPECT_THAT(state.incoming, ElementsAre("disc"));
    EXPECT_THAT(state.outgoing, ElementsAre("out"));
    EXPECT_TRUE(state.isns_on);
}

}  // namespace
}  // namespace tgt::tgt_admin
