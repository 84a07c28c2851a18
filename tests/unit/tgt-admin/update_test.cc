// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tgt-admin/planner_fixture.h"

namespace tgt::tgt_admin {
namespace {

using test::PlannerTest;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* unit_update = "--lld iscsi --op update --mode logicalunit --tid 1 --lun=";

class UpdateTest : public PlannerTest {
  protected:
    std::vector<std::string> update(const std::string& lines) {
        return commands("default-driver iscsi\n<target iqn.t>\n" + lines + "\n</target>\n",
                        Action::update, "ALL");
    }
};

TEST_F(UpdateTest, WhatIsAsItShouldBeIsNotTouched) {
    TargetState& target = add_target(1, "iqn.t");
    add_unit(target, 1, "/a");
    log_in(target);
    EXPECT_THAT(plan("default-driver iscsi\n<target iqn.t>\nbacking-store /a\n"
                     "MaxRecvDataSegmentLength 0x2000\n</target>",
                     Action::update, "ALL"),
                ElementsAre("# Target iqn.t is up to date.", ""));
}

TEST_F(UpdateTest, ParametersAreSetAndTakenBackWhileInitiatorsAreLoggedIn) {
    TargetState& target = add_target(1, "iqn.t");
    set(*target.parameters, "nop_interval", "5");
    UnitState& unit = add_unit(target, 1, "/a");
    set(unit.parameters, "readonly", "1");
    set(unit.parameters, "mode_page", "8:0:2:0:0");
    log_in(target);
    EXPECT_THAT(
        update("MaxRecvDataSegmentLength 16384\n<backing-store /a>\nvendor_id X\n</backing-store>"),
        ElementsAre("--lld iscsi --mode target --op update --tid 1 --name MaxRecvDataSegmentLength "
                    "--value 16384",
                    "--lld iscsi --mode target --op update --tid 1 --name nop_interval --value 0",
                    std::string(unit_update) + "1 --params mode_page='8:0:2:4:0'",
                    std::string(unit_update) + "1 --params readonly='0'",
                    std::string(unit_update) + "1 --params vendor_id='X'"));
}

TEST_F(UpdateTest, HostsAreBoundAfterTheUnitsAndTakenBack) {
    EXPECT_THAT(commands("<target a>\ndriver loop\nhost 3\nbacking-store /a\n</target>\n",
                         Action::update, "ALL"),
                ElementsAre("--lld loop --op new --mode target --tid 1 -T a",
                            "--lld loop --op new --mode logicalunit --tid 1 --lun 1 -b '/a'     ",
                            "--lld loop --op bind --mode target --tid 1 --host 3"));
    state.targets.clear();
    TargetState& target = add_target(1, "a");
    target.driver = "loop";
    target.addresses.clear();
    target.hosts = {3, 4};
    EXPECT_THAT(
        commands("<target a>\ndriver loop\nhost 3\nhost 5\n</target>\n", Action::update, "ALL"),
        ElementsAre("--lld loop --op bind --mode target --tid 1 --host 5",
                    "--op unbind --mode target --tid 1 --host 4"));
    EXPECT_THAT(
        commands("<target a>\ndriver loop\nhost 3\nhost 4\n</target>\n", Action::update, "ALL"),
        IsEmpty());
    EXPECT_THAT(commands("", Action::update, "ALL"),
                ElementsAre("--op unbind --mode target --tid 1 --host 3",
                            "--op unbind --mode target --tid 1 --host 4",
                            "--mode target --op delete --tid=1"));
}

TEST_F(UpdateTest, AHostThatHasMovedLeavesItsOldTargetFirst) {
    add_target(1, "a").driver = "loop";
    add_target(2, "b").driver = "loop";
    state.targets[0].hosts.emplace();
    state.targets[1].hosts = {3};
    for (TargetState& target : state.targets) target.addresses.clear();
    EXPECT_THAT(commands("<target a>\ndriver loop\nhost 3\n</target>\n"
                         "<target b>\ndriver loop\n</target>\n",
                         Action::update, "ALL"),
                ElementsAre("--op unbind --mode target --tid 2 --host 3",
                            "--lld loop --op bind --mode target --tid 1 --host 3"));
}

TEST_F(UpdateTest, KeepRuntimeTakesBackNothingOfWhatAnAdministratorMade) {
    options.keep_runtime = true;
    TargetState& target = add_target(1, "iqn.t");
    set(*target.parameters, "nop_interval", "5");
    target.initiators = {"iqn.x"};
    add_unit(target, 1, "/a");
    EXPECT_THAT(update(""), IsEmpty());
    target.from_config = true;
    EXPECT_THAT(update(""),
                ElementsAre("--lld iscsi --mode target --op update --tid 1 --name nop_interval "
                            "--value 0",
                            "--op unbind --mode target --tid 1 -Q iqn.x"));
    target.units[0].from_config = true;
    EXPECT_THAT(update(""), Contains(HasSubstr("--op delete --mode logicalunit")));
}

TEST_F(UpdateTest, ALunIsAddedWhileInitiatorsAreLoggedIn) {
    TargetState& target = add_target(1, "iqn.t");
    add_unit(target, 1, "/b");
    log_in(target);
    EXPECT_THAT(
        update("backing-store /a\nbacking-store /b"),
        ElementsAre("--lld iscsi --op new --mode logicalunit --tid 1 --lun 2 -b '/a'     "));
}

TEST_F(UpdateTest, RemovingOrReplacingALunNeedsForceWhileInitiatorsAreLoggedIn) {
    TargetState& target = add_target(1, "iqn.t");
    add_unit(target, 1, "/a");
    add_unit(target, 2, "/b");
    log_in(target);
    const std::string file = "<backing-store /a>\nblock-size 4096\n</backing-store>";
    EXPECT_THAT(update(file), IsEmpty());
    EXPECT_THAT(warnings, ElementsAre("Target with tid 1 (iqn.t) is in use, it won't be updated."));
    const std::vector<std::string> wanted{
        "--lld iscsi --op delete --mode logicalunit --tid 1 --lun=2",
        "--lld iscsi --op delete --mode logicalunit --tid 1 --lun=1",
        "--lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b '/a'     --blocksize '4096'"};
    EXPECT_EQ(update(file + "\nallow-in-use yes"), wanted);
    options.force = true;
    EXPECT_EQ(update(file), wanted);
}

TEST_F(UpdateTest, AnotherNameOfTheSameMediumIsNoChange) {
    devices.keys = {{"/by-id/a", "k"}, {"/a", "k"}};
    add_unit(add_target(1, "iqn.t"), 1, "/a");
    EXPECT_THAT(update("backing-store /by-id/a"), IsEmpty());
}

TEST_F(UpdateTest, AMediumThatHasVanishedKeepsItsLun) {
    devices.missing = {"/a"};
    add_unit(add_target(1, "iqn.t"), 1, "/a");
    EXPECT_THAT(update("backing-store /a"), IsEmpty());
}

TEST_F(UpdateTest, AMediumEjectedByAnInitiatorStaysOut) {
    UnitState& unit = add_unit(add_target(1, "iqn.t"), 1, "/a");
    set(unit.parameters, "removable", "1");
    set(unit.parameters, "online", "0");
    EXPECT_THAT(update("<backing-store /a>\nremovable 1\n</backing-store>"), IsEmpty());
}

TEST_F(UpdateTest, RulesAreAddedBeforeOthersAreTakenAway) {
    add_target(1, "iqn.t").addresses = {"ALL", "fe80::1"};
    EXPECT_THAT(update("initiator-address 10.0.0.1\ninitiator-address [FE80::1]"),
                ElementsAre("--lld iscsi --op bind --mode target --tid 1 -I 10.0.0.1",
                            "--op unbind --mode target --tid 1 -I ALL"));
}

TEST_F(UpdateTest, ATargetIsOfflineWhileItsOnlyPasswordChanges) {
    TargetState& target = add_target(1, "iqn.t");
    target.incoming = {"ann"};
    state.accounts = {"ann"};
    state.secrets = {{"ann", "old"}};
    add_target(2, "iqn.u").incoming = {"ann", "bob"};
    EXPECT_THAT(
        commands("<target iqn.t>\nincominguser ann new\n</target>", Action::update, "iqn.t"),
        ElementsAre("--op update --mode target --tid=1 -n state -v offline",
                    "--mode account --op delete --user=ann",
                    "--mode account --op new --user=ann --password=new",
                    "--lld iscsi --mode account --op bind --tid=1 --user=ann",
                    "--lld iscsi --mode account --op bind --tid=2 --user=ann",
                    "--op update --mode target --tid=1 -n state -v ready"));
}

TEST_F(UpdateTest, ATargetBecomesReadyWhenAllElseIsDone) {
    TargetState& target = add_target(1, "iqn.t");
    set(*target.parameters, "state", "offline");
    target.ready = false;
    EXPECT_THAT(
        update("incominguser ann pw"),
        ElementsAre("--lld iscsi --mode account --op new --user=ann --password=pw",
                    "--lld iscsi --mode account --op bind --tid=1 --user=ann",
                    "--lld iscsi --mode target --op update --tid 1 --name state --value ready"));
}

TEST_F(UpdateTest, AnotherOutgoingAccountTakesThePlaceOfTheOld) {
    state.accounts = {"a", "b"};
    add_target(1, "iqn.t").outgoing = {"a"};
    EXPECT_THAT(update("outgoinguser b pw"),
                ElementsAre("--lld iscsi --mode account --op unbind --tid=1 --user=a --outgoing",
                            "--lld iscsi --mode account --op bind --tid=1 --user=b --outgoing"));
}

TEST_F(UpdateTest, AnotherDriverOrNumberMakesTheTargetAnew) {
    add_unit(add_target(1, "iqn.t"), 1, "/a");
    EXPECT_THAT(update("controller_tid 9\nbacking-store /a"),
                ElementsAre("--mode target --op delete --tid=1",
                            "--lld iscsi --op new --mode target --tid 9 -T iqn.t",
                            "--lld iscsi --op new --mode logicalunit --tid 9 --lun 1 -b '/a'     ",
                            "--lld iscsi --op bind --mode target --tid 9 -I ALL"));
}

// What --update mends: the target was made, but not its units and rules.
TEST_F(UpdateTest, ATargetWhoseCreationFailedHalfWayIsCompleted) {
    add_target(1, "iqn.t").addresses.clear();
    EXPECT_THAT(update("backing-store /a"),
                ElementsAre("--lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b '/a'     ",
                            "--lld iscsi --op bind --mode target --tid 1 -I ALL"));
}

TEST_F(UpdateTest, OneTargetAloneIsUpdated) {
    add_target(1, "iqn.t");
    add_target(2, "iqn.old");
    EXPECT_THAT(commands("<target iqn.t>\n</target>", Action::update, "iqn.t"), IsEmpty());
    EXPECT_THAT(commands("<target iqn.t>\n</target>", Action::update, "tid=2"),
                ElementsAre("--mode target --op delete --tid=2"));
    EXPECT_THAT(plan("default-driver iscsi", Action::update, "iqn.q"),
                ElementsAre("Target iqn.q is currently not configured",
                            "and does not exist in the config file - can't continue!"));
    EXPECT_EQ(exit_code, 1);
    EXPECT_THAT(plan("", Action::update, "tid=77"),
                ElementsAre("There is no target with tid 77, can't continue!"));
    EXPECT_EQ(exit_code, 1);
}

TEST_F(UpdateTest, WhatAnOldDaemonDoesNotTellIsSetAgain) {
    UnitState& unit = add_unit(add_target(1, "iqn.t"), 1, "/a");
    unit.parameters = {{"readonly", "0", std::nullopt}};
    EXPECT_THAT(update("<backing-store /a>\nvendor_id X\nreadonly 0\n"
                       "params element_type=4,address=500\n</backing-store>"),
                ElementsAre(std::string(unit_update) + "1 --params vendor_id='X'"));
}

TEST_F(UpdateTest, WithIgnoreErrorsABrokenTargetIsLeftAlone) {
    add_target(1, "iqn.t");
    EXPECT_THAT(
        commands("<target iqn.t>\nbacking-store /a\nbs-type\n</target>\n", Action::update, "ALL"),
        IsEmpty());
    EXPECT_THAT(warnings, Contains(HasSubstr("t.conf:3:")));
}

}  // namespace
}  // namespace tgt::tgt_admin
