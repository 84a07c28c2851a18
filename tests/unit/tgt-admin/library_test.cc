// SPDX-License-Identifier: GPL-2.0-or-later
// Changers and their drives: what differs is sent, and a dump says it all.
#include "tgt-admin/library.h"

#include "tests/unit/tgt-admin/planner_fixture.h"
#include "tgt-admin/dump.h"

namespace tgt::tgt_admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// An arm, two slots from 1000 with a cartridge in the first, a drive at 500 that is LUN 1.
LibraryState small() {
    LibraryState out;
    out.media_home = "/srv/vtl";
    out.elements = {{1, ElementKind::arm, "", "", {}},
                    {500, ElementKind::drive, "", "", ElementState::Place{1, 1}},
                    {1000, ElementKind::slot, "A1", "", {}},
                    {1001, ElementKind::slot, "", "", {}}};
    return out;
}

bool is_so(const std::string& params) {
    return in_force(small(), split_pairs(params));
}

TEST(InForce, WhatTheLibraryHas) {
    for (const char* params :
         {"media_home=/srv/vtl", "slots=2", "arms=1,slots=2,ports=0,drives=1",
          "element_type=2,start_address=1000,quantity=2", "element_type=2,quantity=2",
          "element_type=2,start_address=0x3e8,quantity=1,media_home=/srv/vtl",
          "element_type=2,start_address=2000,quantity=1,remove=1",
          "element_type=4,address=500,tid=1,lun=1", "element_type=4,number=1,tid=1,lun=1",
          "element_type=2,address=1000,barcode=A1,sides=1", "address=1001,clear_slot=1", "dump=1",
          "vendor_id=ACME"})
        EXPECT_TRUE(is_so(params)) << params;
}

TEST(InForce, ACartridgeIsThereWhereverAHostHasMovedIt) {
    EXPECT_TRUE(is_so("element_type=2,address=1001,barcode=A1"));
    EXPECT_FALSE(is_so("element_type=2,address=1001,barcode=A2"));
    EXPECT_FALSE(is_so("element_type=2,address=1001,barcode=A1,volume_tag=T"));
}

TEST(InForce, WhatDiffers) {
    for (const char* params :
         {"media_home=/srv", "slots=3", "ports=1", "element_type=2,start_address=1000,quantity=3",
          "element_type=3,start_address=1000,quantity=2",
          "element_type=2,start_address=1000,quantity=1,remove=1",
          "element_type=4,address=500,tid=1,lun=2", "element_type=4,number=2,tid=1,lun=1",
          "element_type=2,address=70000,barcode=A1"})
        EXPECT_FALSE(is_so(params)) << params;
}

class LibraryTest : public test::PlannerTest {
  protected:
    // LUN 1 is the drive, LUN 2 the changer of small().
    TargetState& add_library() {
        TargetState& target = add_target(1, "iqn.t");
        UnitState& drive = add_unit(target, 1, "");
        drive.options = {{"device-type", "tape", "disk"}};
        drive.parameters = {{"vendor_id", "IBM", "IBM"}, {"personality", "lto8", ""}};
        drive.in_library = true;
        UnitState& changer = add_unit(target, 2, "/srv/vtl/changer");
        changer.options = {{"device-type", "changer", "disk"}};
        changer.parameters = {{"vendor_id", "IET", "IET"}, {"personality", "", ""}};
        changer.library = small();
        return target;
    }
    std::vector<std::string> update(const std::string& lines) {
        return commands("<target iqn.t>\n" + lines + "\n</target>\n", Action::update, "ALL");
    }
    void expect_the_dump_says_everything() {
        EXPECT_THAT(commands(dump(state, true), Action::update, "ALL"), IsEmpty())
            << dump(state, true);
    }
};

constexpr const char* block = "<library /srv/vtl>\ndrives 1\nslots 2\nports 0\n</library>";
constexpr const char* to_changer =
    "--lld iscsi --op update --mode logicalunit --tid 1 --lun=2 --params ";

TEST_F(LibraryTest, IsMadeOfDrivesAndAChanger) {
    EXPECT_THAT(update(block),
                ElementsAre("--lld iscsi --op new --mode target --tid 1 -T iqn.t",
                            HasSubstr("--op new --mode logicalunit --tid 1 --lun 1"),
                            "--lld iscsi --op update --mode logicalunit --tid 1 --lun=1 --params "
                            "personality='lto8'",
                            HasSubstr("--lun 2 -b '/srv/vtl/changer'"),
                            std::string(to_changer) + "'media_home=/srv/vtl'",
                            std::string(to_changer) + "'arms=1,slots=2,ports=0,drives=1'",
                            std::string(to_changer) + "'element_type=4,number=1,tid=1,lun=1'",
                            HasSubstr("--op bind --mode target --tid 1 -I ALL")));
}

TEST_F(LibraryTest, WithoutItsFileThereIsNoChanger) {
    devices.missing = {"/srv/vtl/changer"};
    EXPECT_THAT(update(block), Not(::testing::Contains(HasSubstr("--lun=2"))));
    EXPECT_THAT(warnings, ElementsAre(HasSubstr("tgt-setup-library")));
}

TEST_F(LibraryTest, WhatIsAsItShouldBeIsNotTouched) {
    add_library();
    EXPECT_THAT(update(block), IsEmpty());
}

TEST_F(LibraryTest, ADriveKeepsTheCartridgeThatAHostHasLoaded) {
    TargetState& target = add_library();
    target.units[0].path = "/srv/vtl/A1";
    EXPECT_THAT(update(block), IsEmpty());
    log_in(target);
    EXPECT_THAT(update(block), IsEmpty());
    EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(LibraryTest, WhatDiffersIsSentWhileInitiatorsAreLoggedIn) {
    TargetState& target = add_library();
    target.units[1].library->media_home = "/old";
    target.units[1].library->elements[1].drive->lun = 7;
    log_in(target);
    EXPECT_THAT(update("<library /srv/vtl>\ndrives 1\nslots 8\nports 0\n</library>"),
                ElementsAre(std::string(to_changer) + "'media_home=/srv/vtl'",
                            std::string(to_changer) + "'arms=1,slots=8,ports=0,drives=1'",
                            std::string(to_changer) + "'element_type=4,number=1,tid=1,lun=1'"));
}

TEST_F(LibraryTest, ParamsLinesOfAChangerAreComparedOneByOne) {
    add_library();
    const std::string drive =
        "<backing-store NONE:1>\nlun 1\ndevice-type tape\npersonality lto8\n</backing-store>\n";
    const std::string changer =
        "<backing-store /srv/vtl/changer>\nlun 2\ndevice-type changer\n"
        "params element_type=2,start_address=1000,quantity=2\n"
        "params element_type=4,address=500,tid=${tid},lun=1\n"
        "params element_type=2,address=1000,barcode=A1\n";
    EXPECT_THAT(update(drive + changer + "</backing-store>"), IsEmpty());
    EXPECT_THAT(
        update(drive + changer +
               "params element_type=2,start_address=1002,quantity=2\n"
               "params element_type=2,address=1002,barcode=A2\n</backing-store>"),
        ElementsAre(std::string(to_changer) + "'element_type=2,start_address=1002,quantity=2'",
                    std::string(to_changer) + "'element_type=2,address=1002,barcode=A2'"));
}

TEST_F(LibraryTest, ADaemonThatDoesNotTellItsInventoryIsLeftAlone) {
    TargetState& target = add_library();
    for (UnitState& unit : target.units) unit.in_library = false;
    target.units[1].library.reset();
    state.legacy = true;
    EXPECT_THAT(
        plan(std::string("<target iqn.t>\n") + block + "\n</target>\n", Action::update, "ALL"),
        ::testing::Contains(HasSubstr("does not tell what the library of LUN 2 holds")));
}

TEST_F(LibraryTest, ADumpIsTheBlock) {
    TargetState& target = add_library();
    target.units[0].path = "/srv/vtl/A1";
    add_unit(target, 3, "/a");
    EXPECT_THAT(dump(state, false), HasSubstr("\t<library /srv/vtl>\n"
                                              "\t\tlun 1\n"
                                              "\t\tdrives 1\n"
                                              "\t\tslots 2\n"
                                              "\t\tports 0\n"
                                              "\t\tmedia LTO-8\n"
                                              "\t</library>\n"
                                              "\t<backing-store /a>\n"
                                              "\t\tlun 3\n"
                                              "\t</backing-store>\n"));
    expect_the_dump_says_everything();
}

TEST_F(LibraryTest, APersonalityThatIsNoMediumIsDumped) {
    TargetState& target = add_library();
    test::PlannerTest::set(target.units[0].parameters, "personality", "ibm-td8");
    test::PlannerTest::set(target.units[1].parameters, "personality", "stk-l700");
    EXPECT_THAT(dump(state, false), HasSubstr("\t\tpersonality stk-l700\n"
                                              "\t\tdrive-personality ibm-td8\n"));
    expect_the_dump_says_everything();
}

TEST_F(LibraryTest, WhatNoBlockCanSayIsDumpedAsLines) {
    TargetState& target = add_library();
    target.units[0].path = "/srv/vtl/A1";
    test::PlannerTest::set(target.units[1].parameters, "vendor_id", "ACME");
    EXPECT_THAT(dump(state, false),
                HasSubstr("\t<backing-store NONE:1>\n"
                          "\t\tlun 1\n"
                          "\t\tdevice-type tape\n"
                          "\t\tpersonality lto8\n"
                          "\t</backing-store>\n"
                          "\t<backing-store /srv/vtl/changer>\n"
                          "\t\tlun 2\n"
                          "\t\tdevice-type changer\n"
                          "\t\tvendor_id ACME\n"
                          "\t\tparams media_home=/srv/vtl\n"
                          "\t\tparams element_type=1,start_address=1,quantity=1\n"
                          "\t\tparams element_type=4,start_address=500,quantity=1\n"
                          "\t\tparams element_type=2,start_address=1000,quantity=2\n"
                          "\t\tparams element_type=4,address=500,tid=\\${tid},lun=1\n"
                          "\t</backing-store>\n"));
    expect_the_dump_says_everything();
    test::PlannerTest::set(target.units[1].parameters, "vendor_id", "IET");
    for (const auto& change : std::vector<void (*)(TargetState&)>{
             [](TargetState& one) { one.units[1].library->elements[1].drive.reset(); },
             [](TargetState& one) { one.units[1].library->elements[0].kind = ElementKind::port; },
             [](TargetState& one) { one.units[1].path = "/srv/vtl/other"; },
             [](TargetState& one) { one.units[0].parameters[1].value = ""; },
             [](TargetState& one) { one.units[0].parameters[0].value = "ACME"; }}) {
        state.targets.clear();
        change(add_library());
        EXPECT_THAT(dump(state, false), Not(HasSubstr("<library")));
        expect_the_dump_says_everything();
    }
}

}  // namespace
}  // namespace tgt::tgt_admin
