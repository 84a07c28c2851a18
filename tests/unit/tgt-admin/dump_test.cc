// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/dump.h"

#include "tests/unit/tgt-admin/planner_fixture.h"

namespace tgt::tgt_admin {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DumpTest : public test::PlannerTest {
  protected:
    // Loading the dump would change nothing of what is there.
    void expect_it_says_everything() {
        EXPECT_THAT(commands(dump(state, true), Action::update, "ALL"), IsEmpty())
            << dump(state, true);
    }
};

TEST_F(DumpTest, TgtsLayoutWhereThatSaysEverything) {
    TargetState& target = add_target(1, "iqn.a");
    add_unit(target, 1, "/img/a");
    add_unit(target, 2, "/img/b");
    target.incoming = {"ann"};
    target.outgoing = {"me"};
    target.addresses = {"10.0.0.1"};
    target.initiators = {"iqn.x"};
    add_target(2, "iqn.b");
    state.accounts = {"ann", "me"};
    state.secrets = {{"ann", "s1"}, {"me", "s2"}};
    EXPECT_EQ(dump(state, false),
              "default-driver iscsi\n\n"
              "<target iqn.a>\n"
              "\tbacking-store /img/a\n"
              "\tbacking-store /img/b\n"
              "\tincominguser ann PLEASE_CORRECT_THE_PASSWORD\n"
              "\toutgoinguser me PLEASE_CORRECT_THE_PASSWORD\n"
              "\tinitiator-address 10.0.0.1\n"
              "\tinitiator-name iqn.x\n"
              "</target>\n\n"
              "<target iqn.b>\n"
              "</target>\n\n");
    EXPECT_THAT(dump(state, true), HasSubstr("\tincominguser ann s1\n"));
    expect_it_says_everything();
}

TEST_F(DumpTest, TargetsOfHostsNameThemInPlaceOfRules) {
    TargetState& target = add_target(1, "a");
    target.driver = "loop";
    target.addresses.clear();
    target.hosts = {3, 4};
    EXPECT_THAT(dump(state, false), HasSubstr("<target a>\n"
                                              "\tdriver loop\n"
                                              "\thost 3\n"
                                              "\thost 4\n"
                                              "</target>\n"));
    expect_it_says_everything();
}

TEST_F(DumpTest, NumbersOptionsAndParametersThatAreNotTheDefault) {
    TargetState& target = add_target(3, "iqn.a");
    set(*target.parameters, "nop_interval", "5");
    set(*target.parameters, "state", "offline");
    UnitState& unit = add_unit(target, 7, "/img/a");
    set(unit.options, "blocksize", "4096");
    set(unit.parameters, "vendor_id", "My Co #1");
    set(unit.parameters, "mode_page", "8:0:2:0:0");
    add_unit(target, 9, "");
    target.addresses.clear();
    target.initiators = {"iqn.x"};
    EXPECT_EQ(dump(state, false),
              "default-driver iscsi\n\n"
              "<target iqn.a>\n"
              "\tcontroller_tid 3\n"
              "\tnop_interval 5\n"
              "\tstate offline\n"
              "\t<backing-store /img/a>\n"
              "\t\tlun 7\n"
              "\t\tblock-size 4096\n"
              "\t\tvendor_id My Co \\#1\n"
              "\t\tmode_page 8:0:2:0:0\n"
              "\t</backing-store>\n"
              "\t<backing-store NONE:9>\n"
              "\t\tlun 9\n"
              "\t</backing-store>\n"
              "\tinitiator-address NONE\n"
              "\tinitiator-name iqn.x\n"
              "</target>\n\n");
    expect_it_says_everything();
}

TEST_F(DumpTest, PortalsAndAccountsThatAreNotTheTargets) {
    state.portals = {{"0.0.0.0:3260", true}, {"127.0.0.1:3261", false}};
    state.accounts = {"disc", "nobody"};
    state.incoming = {"disc"};
    EXPECT_EQ(dump(state, false),
              "default-driver iscsi\n"
              "portal 127.0.0.1:3261\n"
              "account nobody PLEASE_CORRECT_THE_PASSWORD\n"
              "incomingdiscoveryuser disc PLEASE_CORRECT_THE_PASSWORD\n\n");
    expect_it_says_everything();
}

TEST_F(DumpTest, ADaemonWithoutAnythingGivesNothing) {
    state.portals = {{"0.0.0.0:3260", true}};
    EXPECT_EQ(dump(state, true), "");
}

TEST_F(DumpTest, APasswordThatTheFileCannotSayIsToldSo) {
    state.accounts = {"ann"};
    state.secrets = {{"ann", "two words"}};
    EXPECT_EQ(dump(state, true),
              "default-driver iscsi\n"
              "# the password of ann cannot be written down\n"
              "account ann PLEASE_CORRECT_THE_PASSWORD\n\n");
}

TEST_F(DumpTest, TwoLunsOnOneMediumBothComeBack) {
    TargetState& target = add_target(1, "iqn.a");
    add_unit(target, 1, "/img/a");
    add_unit(target, 2, "/img/a");
    devices.keys = {{"/./img/a", "/img/a"}};
    const std::string text = dump(state, false);
    expect_it_says_everything();
    state = {};
    const auto made = commands(text, Action::execute);
    EXPECT_THAT(made, ::testing::Contains(HasSubstr("--lun 1 -b '/img/a'")));
    EXPECT_THAT(made, ::testing::Contains(HasSubstr("--lun 2 -b '/./img/a'")));
}

}  // namespace
}  // namespace tgt::tgt_admin
