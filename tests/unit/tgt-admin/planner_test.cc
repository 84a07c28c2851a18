// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tgt-admin/planner_fixture.h"

namespace tgt::tgt_admin {
namespace {

using test::PlannerTest;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(PlannerTest, ATargetIsMadeInTheOrderOfItsDirectives) {
    EXPECT_THAT(
        plan("<target iqn.t>\n"
             " outgoinguser tgt secret2\n"
             " incominguser bob secret1\n"
             " initiator-address 10.0.0.0/8\n"
             " initiator-name iqn.x\n"
             " MaxRecvDataSegmentLength 262144\n"
             " state offline\n"
             " <backing-store /img/ro>\n"
             "  lun 7\n"
             "  bsoflags direct\n"
             "  write-cache off\n"
             "  vendor_id ACME\n"
             "  params thin_provisioning=1\n"
             " </backing-store>\n"
             " <backing-store /img/thick>\n"
             "  block-size 4096\n"
             "  readonly 1\n"
             " </backing-store>\n"
             "</target>\n",
             Action::execute),
        ElementsAre(
            "# default-driver not defined, defaulting to iscsi.", "", "# Adding target: iqn.t",
            "--lld iscsi --op new --mode target --tid 1 -T iqn.t",
            "--lld iscsi --mode target --op update --tid 1 --name MaxRecvDataSegmentLength --value "
            "262144",
            "--lld iscsi --op new --mode logicalunit --tid 1 --lun 7 -b '/img/ro'    --bsoflags "
            "'direct' ",
            "--lld iscsi --op update --mode logicalunit --tid 1 --lun=7 --params "
            "mode_page=8:0:18:0x10:0:0xff:0xff:0:0:0xff:0xff:0xff:0xff:0x80:0x14:0:0:0:0:0:0",
            "--lld iscsi --op update --mode logicalunit --tid 1 --lun=7 --params vendor_id='ACME'",
            "--lld iscsi --op update --mode logicalunit --tid 1 --lun=7 --params "
            "'thin_provisioning=1'",
            "--lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b '/img/thick'     "
            "--blocksize '4096'",
            "--lld iscsi --op update --mode logicalunit --tid 1 --lun=1 --params readonly='1'",
            "# Write cache is enabled (default) for lun 1.",
            "--lld iscsi --mode account --op new --user=bob --password=secret1",
            "--lld iscsi --mode account --op bind --tid=1 --user=bob",
            "--lld iscsi --op bind --mode target --tid 1 -I 10.0.0.0/8",
            "--lld iscsi --op bind --mode target --tid 1 -Q iqn.x",
            "--lld iscsi --mode account --op new --user=tgt --password=secret2",
            "--lld iscsi --mode account --op bind --tid=1 --user=tgt --outgoing",
            "--lld iscsi --mode target --op update --tid 1 --name state --value offline", ""));
}

TEST_F(PlannerTest, ExecuteLeavesTargetsThatAreThereAloneAndRemovesThoseNobodyWants) {
    add_unit(add_target(1, "iqn.a"), 1, "/img/other");
    add_target(4, "iqn.old");
    EXPECT_THAT(plan("default-driver iscsi\n"
                     "<target iqn.a>\nbacking-store /img/a\n</target>\n"
                     "<target iqn.b>\n</target>\n",
                     Action::execute),
                ElementsAre("# Target iqn.a already exists!", "# Adding target: iqn.b",
                            "--lld iscsi --op new --mode target --tid 5 -T iqn.b",
                            "--lld iscsi --op bind --mode target --tid 5 -I ALL", "",
                            "# Removing target: iqn.old", "--mode target --op delete --tid=4", ""));
}

TEST_F(PlannerTest, KeepRuntimeRemovesOnlyWhatAConfigurationFileMade) {
    options.keep_runtime = true;
    add_target(1, "iqn.by-hand");
    add_target(2, "iqn.by-file").from_config = true;
    EXPECT_THAT(commands("", Action::execute), ElementsAre("--mode target --op delete --tid=2"));
}

TEST_F(PlannerTest, TheDaemonsSettingsComeFirstAndIsnsIsSwitchedOnLast) {
    EXPECT_THAT(commands("iSNS On\niSNSServerIP 10.0.0.1\nincomingdiscoveryuser disc pw\n",
                         Action::execute),
                ElementsAre("--op update --mode sys --name iSNSServerIP -v 10.0.0.1",
                            "--mode account --op new --user=disc --password=pw",
                            "--mode account --op bind --user=disc ",
                            "--op update --mode sys --name iSNS -v On"));
    state.isns_on = true;
    state.accounts = {"disc"};
    state.incoming = {"disc"};
    EXPECT_THAT(commands("iSNS On\niSNSServerIP 10.0.0.1\nincomingdiscoveryuser disc pw\n",
                         Action::execute),
                IsEmpty());
}

TEST_F(PlannerTest, PortalsThatAreThereAreNotMadeAgain) {
    state.portals = {{"127.0.0.1:3260", true}};
    EXPECT_THAT(commands("portal 127.0.0.1\nportal 127.0.0.1:3261\n", Action::execute),
                ElementsAre("--lld iscsi --op new --mode portal --param portal=127.0.0.1:3261"));
}

// --- media --------------------------------------------------------------------------------------

constexpr const char* one_disk =
    "default-driver iscsi\n<target iqn.t>\nbacking-store /d\n</target>";

TEST_F(PlannerTest, AMediumThatDoesNotExistIsSkippedAndSaid) {
    devices.missing = {"/d"};
    EXPECT_THAT(
        plan(one_disk, Action::execute),
        ElementsAre("# Adding target: iqn.t", "--lld iscsi --op new --mode target --tid 1 -T iqn.t",
                    "# Skipping device: /d",
                    "# /d does not exist - please check the configuration file",
                    "--lld iscsi --op bind --mode target --tid 1 -I ALL", ""));
    EXPECT_THAT(warnings, ElementsAre(HasSubstr("t.conf:3:15: no logical unit is made of /d")));
}

TEST_F(PlannerTest, SomeStoresHaveAddressesThatAreNoFiles) {
    devices.missing = {"pool/a", "NONE:x"};
    for (const char* type : {"rbd", "glfs", "sheepdog"})
        EXPECT_THAT(commands(std::string("<target iqn.t>\nbacking-store pool/a\nbs-type ") + type +
                                 "\n</target>",
                             Action::execute),
                    Contains(HasSubstr("-b 'pool/a'")))
            << type;
    EXPECT_THAT(commands("<target iqn.t>\nbacking-store NONE:x\n</target>", Action::execute),
                Contains(HasSubstr("--mode logicalunit --tid 1 --lun 1 ")));
}

TEST_F(PlannerTest, AMediumInUseIsSkippedAndItsUserNamed) {
    devices.open["/d"] = {{42, "qemu"}};
    EXPECT_THAT(plan(one_disk, Action::execute), Contains("# Process 42 (qemu) has it open."));
    EXPECT_THAT(plan(one_disk, Action::execute), Contains("# Skipping device /d - it is in use."));
    devices.open.clear();
    devices.mounted = {"/d"};
    EXPECT_THAT(commands(one_disk, Action::execute), ::testing::SizeIs(2));
    options.force = true;
    EXPECT_THAT(commands(one_disk, Action::execute), Contains(HasSubstr("-b '/d'")));
}

TEST_F(PlannerTest, TheDaemonItselfIsNoOtherUser) {
    state.daemon_pid = 42;
    devices.open["/d"] = {{42, "tgtd"}};
    EXPECT_THAT(commands(one_disk, Action::execute), Contains(HasSubstr("-b '/d'")));
}

TEST_F(PlannerTest, ASecondLunOnOneMediumHasToBeAllowed) {
    devices.keys = {{"/by-id/d", "/d"}};
    const std::string file =
        "<target iqn.t>\n<backing-store /by-id/d>\n</backing-store>\n<backing-store /d>\n%s"
        "</backing-store>\n</target>";
    const auto with = [&](const std::string& line) {
        std::string text = file;
        return text.replace(text.find("%s"), 2, line);
    };
    EXPECT_THAT(plan(with(""), Action::execute), Contains("# It is LUN 1 of target 1."));
    EXPECT_THAT(commands(with("allow-in-use yes\n"), Action::execute),
                Contains(HasSubstr("--lun 2 -b '/d'")));
}

TEST_F(PlannerTest, ADirectStoreTakesOverTheIdentityOfItsDevice) {
    devices.identities["/dev/sda"] = {{{"vendor_id", "ATA"}, {"product_id", "Disk"}}, "4096"};
    EXPECT_THAT(commands("<target iqn.t>\n<direct-store /dev/sda>\nvendor_id Mine\n"
                         "</direct-store>\n</target>",
                         Action::execute),
                ElementsAre("--lld iscsi --op new --mode target --tid 1 -T iqn.t",
                            "--lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b '/dev/sda'"
                            "     --blocksize '4096'",
                            "--lld iscsi --op update --mode logicalunit --tid 1 --lun=1 --params "
                            "product_id='Disk'",
                            "--lld iscsi --op update --mode logicalunit --tid 1 --lun=1 --params "
                            "vendor_id='Mine'",
                            "--lld iscsi --op bind --mode target --tid 1 -I ALL"));
}

// --- delete, offline, ready ---------------------------------------------------------------------

TEST_F(PlannerTest, ATargetInUseIsDeletedOnlyByForce) {
    log_in(add_target(1, "iqn.t"));
    EXPECT_THAT(plan("", Action::remove, "ALL"),
                ElementsAre("# Target with tid 1 (iqn.t) is in use, it won't be deleted."));
    EXPECT_THAT(warnings, ElementsAre("Target with tid 1 (iqn.t) is in use, it won't be deleted."));
}

TEST_F(PlannerTest, ForceUnbindsAddressesAndNamesAndClosesEveryConnection) {
    TargetState& target = add_target(1, "iqn.t");
    target.addresses = {"10.0.0.1"};
    target.initiators = {"iqn.x"};
    target.nexuses = {{3, "iqn.x", {0, 1}}, {4, "iqn.y", {0}}};
    options.force = true;
    EXPECT_THAT(
        plan("", Action::remove, "iqn.t"),
        ElementsAre("# Removing target: iqn.t", "--op unbind --mode target --tid 1 -I 10.0.0.1",
                    "--op unbind --mode target --tid 1 -Q iqn.x",
                    "--op delete --mode conn --tid 1 --sid 3 --cid 0",
                    "--op delete --mode conn --tid 1 --sid 3 --cid 1",
                    "--op delete --mode conn --tid 1 --sid 4 --cid 0",
                    "--mode target --op delete --tid=1", ""));
}

TEST_F(PlannerTest, DeletingWhatIsNotThereIsNoError) {
    EXPECT_THAT(plan("", Action::remove, "tid=66"),
                ElementsAre("# Target with tid 66 does not exist!"));
    EXPECT_THAT(plan("", Action::remove, "iqn.q"),
                ElementsAre("# Target with name iqn.q does not exist!"));
    EXPECT_EQ(exit_code, 0);
}

TEST_F(PlannerTest, OfflineAndReadyTakeAllANumberOrAName) {
    add_target(1, "iqn.t");
    EXPECT_THAT(plan("", Action::offline, "ALL"),
                ElementsAre("--op update --mode target --tid=1 -n state -v offline"));
    EXPECT_THAT(plan("", Action::ready, "tid=66"),
                ElementsAre("--op update --mode target --tid=66 -n state -v ready"));
    EXPECT_THAT(plan("", Action::ready, "iqn.t"),
                ElementsAre("--op update --mode target --tid=1 --name='iqn.t' -n state -v ready"));
    EXPECT_THAT(plan("", Action::offline, "iqn.q"),
                ElementsAre("There is no target with name \"iqn.q\", can't offline it!"));
    EXPECT_EQ(exit_code, 1);
}

}  // namespace
}  // namespace tgt::tgt_admin
