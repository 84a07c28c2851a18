// SPDX-License-Identifier: GPL-2.0-or-later
// What an administrator sets of a library, with tgt's parameters.
#include <gtest/gtest.h>

#include "device/smc/personality.h"
#include "device/smc/volume_search.h"
#include "tests/unit/device/smc/library_bench.h"

namespace tgt::smc {
namespace {

using test::LibraryBench;
using test::tur;

TEST(Parameters, TheSameRangeAgainChangesNothing) {
    LibraryBench b;
    EXPECT_EQ(b.update({{"element_type", "2"}, {"start_address", "1000"}, {"quantity", "5"}}), "");
    EXPECT_EQ(b.barcode_at(1000), "A00001L8");
    EXPECT_TRUE(b.run(tur).good()) << "nobody needs to know";
}

TEST(Parameters, RangesThatOverlapAreRefusedWhole) {
    LibraryBench b;
    EXPECT_NE(b.update({{"element_type", "2"}, {"start_address", "1004"}, {"quantity", "2"}}), "");
    EXPECT_EQ(b.changer().inventory().elements.count(1005), 0u);
    EXPECT_NE(b.update({{"element_type", "3"}, {"start_address", "1000"}, {"quantity", "5"}}), "");
    EXPECT_NE(b.update({{"element_type", "2"}, {"start_address", "65535"}, {"quantity", "2"}}), "");
}

TEST(Parameters, ANewRangeIsInTheModePageAndIsTold) {
    LibraryBench b;
    EXPECT_EQ(b.update({{"element_type", "2"}, {"start_address", "1005"}, {"quantity", "3"}}), "");
    EXPECT_EQ(b.run(tur).sense(), 0x062a01u);
    EXPECT_EQ(b.run(tur).sense(), 0x062800u);
    const auto answer = b.run({0x1a, 0x08, 0x1d, 0, 255, 0});
    EXPECT_EQ(answer.data[4 + 9], 8);
}

TEST(Parameters, BadValuesAreNamed) {
    LibraryBench b;
    using Values = LibraryBench::Values;
    const Values table[] = {
        {{"element_type", "9"}, {"start_address", "1"}, {"quantity", "1"}},
        {{"element_type", "2"}, {"start_address", "65536"}, {"quantity", "1"}},
        {{"element_type", "2"}, {"start_address", "1"}, {"quantity", "0"}},
        {{"element_type", "2"}, {"start_address", "x"}, {"quantity", "1"}},
        {{"element_type", "2"}, {"address", "9"}, {"barcode", "A"}},
        {{"element_type", "3"}, {"address", "1000"}, {"barcode", "A"}},
        {{"element_type", "4"}, {"address", "500"}, {"barcode", "A"}},
        {{"element_type", "2"}, {"address", "1004"}, {"barcode", "../etc/passwd"}},
        {{"element_type", "2"}, {"address", "1004"}, {"barcode", ".."}},
        {{"element_type", "2"}, {"address", "1004"}, {"barcode", "a b"}},
        {{"barcode", "A"}},
        {{"clear_slot", "1"}},
        {{"element_type", "4"}, {"address", "500"}, {"tid", "1"}},
        {{"element_type", "2"}, {"address", "1000"}, {"tid", "1"}, {"lun", "2"}},
        {{"element_type", "4"}, {"address", "500"}, {"tid", "1"}, {"lun", "1"}},
        {{"media_home", "relative"}},
        {{"element_type", "2"}, {"address", "1004"}},
    };
    for (const Values& values : table) {
        EXPECT_NE(b.update(values), "") << values[0].first << "=" << values[0].second;
    }
    EXPECT_TRUE(b.run(tur).good());
}

TEST(Parameters, ACartridgeThatWasMovedStaysWhereItIsWhenItIsConfiguredAgain) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 500).good());
    ASSERT_TRUE(b.move(1001, 1000).good());
    EXPECT_EQ(b.update({{"element_type", "2"}, {"address", "1000"}, {"barcode", "A00001L8"}}), "");
    EXPECT_EQ(b.update({{"element_type", "2"}, {"address", "1001"}, {"barcode", "A00002L8"}}), "");
    EXPECT_EQ(b.barcode_at(500), "A00001L8");
    EXPECT_EQ(b.barcode_at(1000), "A00002L8");
    EXPECT_EQ(b.barcode_at(1001), "");
    EXPECT_EQ(b.warnings.size(), 2u);
}

// As tgt does, but not silently.
TEST(Parameters, AnotherCartridgeTakesThePlaceOfOne) {
    LibraryBench b;
    EXPECT_EQ(b.update({{"element_type", "2"}, {"address", "1000"}, {"barcode", "B00001L8"}}), "");
    EXPECT_EQ(b.barcode_at(1000), "B00001L8");
    EXPECT_EQ(b.warnings.size(), 1u);
    EXPECT_EQ(b.run(tur).sense(), 0x062800u);
}

TEST(Parameters, ASlotIsCleared) {
    LibraryBench b;
    EXPECT_EQ(b.update({{"element_type", "2"}, {"address", "1000"}, {"clear_slot", "1"}}), "");
    EXPECT_EQ(b.barcode_at(1000), "");
    EXPECT_EQ(b.update({{"element_type", "2"}, {"address", "1000"}, {"clear_slot", "1"}}), "")
        << "an empty one, too, as in tgt";
    ASSERT_EQ(b.run(tur).sense(), 0x062800u);
    ASSERT_TRUE(b.move(1001, 500).good());
    EXPECT_NE(b.update({{"element_type", "4"}, {"address", "500"}, {"clear_slot", "1"}}), "");
}

TEST(Parameters, ElementsAreRemovedWhenTheyAreEmpty) {
    LibraryBench b;
    EXPECT_NE(
        b.update(
            {{"element_type", "2"}, {"start_address", "1002"}, {"quantity", "3"}, {"remove", "1"}}),
        "");
    EXPECT_EQ(
        b.update(
            {{"element_type", "2"}, {"start_address", "1003"}, {"quantity", "2"}, {"remove", "1"}}),
        "");
    EXPECT_EQ(b.changer().inventory().elements.count(1004), 0u);
}

TEST(Parameters, ADriveMayBeNamedBeforeItIsThere) {
    LibraryBench b;
    EXPECT_EQ(b.update({{"element_type", "4"}, {"start_address", "502"}, {"quantity", "1"}}), "");
    EXPECT_EQ(b.update({{"element_type", "4"}, {"address", "502"}, {"tid", "1"}, {"lun", "4"}}),
              "");
    EXPECT_EQ(b.warnings.size(), 1u);
    b.run(tur);
    b.run(tur);
    EXPECT_EQ(b.move(1000, 502).sense(), 0x053b1au);
    b.add_drive(4);
    EXPECT_TRUE(b.move(1000, 502).good());
    EXPECT_EQ(b.drive(4).path, "/tapes/A00001L8");
}

TEST(Parameters, OneRequestMayHaveTheFolderWithARange) {  // tgt's example of an L700
    LibraryBench b;
    EXPECT_EQ(b.update({{"element_type", "2"},
                        {"start_address", "2000"},
                        {"quantity", "3"},
                        {"media_home", "/root/tapes"}}),
              "");
    EXPECT_EQ(b.changer().inventory().media_home, "/root/tapes");
    EXPECT_EQ(b.changer().inventory().elements.count(2002), 1u);
}

TEST(Parameters, APersonalityHasItsNamesAndAddresses) {
    LibraryBench b;
    b.edit([](scsi::LunState& state) { ASSERT_TRUE(set_personality(state, "ibm-3584")); });
    EXPECT_EQ(b.update({{"element_type", "2"}, {"quantity", "10"}}), "");
    EXPECT_EQ(b.changer().inventory().elements.count(1025), 1u);
    b.run(tur);
    const auto answer = b.run({0x12, 0, 0, 0, 96, 0});
    EXPECT_EQ(std::string(answer.data.begin() + 8, answer.data.begin() + 32),
              "IBM     03584L32        ");
    scsi::LunState state;
    EXPECT_FALSE(set_personality(state, "none such"));
    ASSERT_TRUE(set_personality(state, "stk-l700"));
    ASSERT_TRUE(set_personality(state, ""));
    EXPECT_EQ(state.identity.product, "VIRTUAL-CHANGER");
}

TEST(Parameters, HowManyElementsOfAKindThereAreToBe) {
    LibraryBench b;
    const auto& elements = b.changer().inventory().elements;
    EXPECT_EQ(b.update({{"arms", "1"}, {"slots", "5"}, {"ports", "2"}, {"drives", "2"}}), "");
    EXPECT_TRUE(b.run(tur).good()) << "that many are there";
    EXPECT_EQ(b.update({{"slots", "7"}, {"ports", "1"}}), "");
    EXPECT_EQ(elements.count(1006), 1u);
    EXPECT_EQ(elements.count(1007), 0u);
    EXPECT_EQ(elements.count(11), 0u);
    EXPECT_EQ(elements.count(10), 1u);
    EXPECT_NE(b.update({{"slots", "2"}}), "") << "A00003L8 is in the third";
    EXPECT_EQ(elements.count(1006), 1u) << "all or nothing";
    EXPECT_EQ(b.update({{"slots", "3"}}), "");
    EXPECT_EQ(elements.count(1003), 0u);
    EXPECT_NE(b.update({{"drives", "501"}}), "") << "slots begin at 1000";
    EXPECT_EQ(b.update({{"ports", "0"}}), "");
    EXPECT_NE(b.update({{"slots", "65000"}}), "");
    EXPECT_NE(b.update({{"slots", "-1"}}), "");
}

TEST(Parameters, FirstElementsBeginWhereThePersonalityHasThem) {
    LibraryBench b;
    EXPECT_EQ(b.update({{"ports", "0"}}), "");
    b.edit([](scsi::LunState& state) { ASSERT_TRUE(set_personality(state, "ibm-3584")); });
    EXPECT_EQ(b.update({{"ports", "2"}}), "");
    EXPECT_EQ(b.changer().inventory().elements.count(770), 1u);
}

TEST(Parameters, AnElementIsFoundByItsNumber) {
    LibraryBench b;
    EXPECT_EQ(b.update({{"element_type", "2"}, {"number", "4"}, {"barcode", "B1"}}), "");
    EXPECT_EQ(b.barcode_at(1003), "B1");
    EXPECT_EQ(
        b.update(
            {{"drives", "3"}, {"element_type", "4"}, {"number", "3"}, {"tid", "1"}, {"lun", "9"}}),
        "")
        << "of those that the same request adds";
    EXPECT_EQ(b.changer().inventory().elements.at(502).drive, (store::DrivePlace{1, 9}));
    EXPECT_NE(b.update({{"element_type", "4"}, {"number", "4"}, {"tid", "1"}, {"lun", "9"}}), "");
    EXPECT_NE(b.update({{"number", "1"}, {"barcode", "B2"}}), "");
    EXPECT_NE(
        b.update(
            {{"element_type", "2"}, {"number", "1"}, {"address", "1000"}, {"clear_slot", "1"}}),
        "");
}

TEST(Parameters, ALogicalUnitIsOneDrive) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 500).good());
    EXPECT_EQ(b.update({{"element_type", "4"}, {"address", "501"}, {"tid", "1"}, {"lun", "2"}}),
              "");
    EXPECT_EQ(b.warnings.size(), 1u);
    EXPECT_FALSE(b.changer().inventory().elements.at(500).drive);
    EXPECT_EQ(b.barcode_at(500), "A00001L8") << "the inventory keeps it";
    EXPECT_EQ(b.drive(2).path, "") << "the drive does not";
    EXPECT_EQ(b.update({{"element_type", "4"}, {"address", "500"}, {"tid", "1"}, {"lun", "3"}}),
              "");
    EXPECT_EQ(b.drive(3).path, "/tapes/A00001L8");
    EXPECT_TRUE(b.move(500, 1000).good());
    EXPECT_EQ(b.drive(3).path, "");
}

TEST(Parameters, NoTwoElementsOfAPersonalityBeginAtOneAddress) {
    for (const Personality& p : personalities()) {
        const std::set<uint16_t> firsts{p.transports, p.slots, p.ports, p.drives};
        EXPECT_EQ(firsts.size(), 4u) << p.name;
        EXPECT_LE(p.vendor.size(), 8u);
        EXPECT_LE(p.product.size(), 16u);
        EXPECT_LE(p.revision.size(), 4u);
    }
}

TEST(Parameters, TheInventoryIsShown) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 500).good());
    const std::string text = b.changer().shown();
    EXPECT_NE(text.find(R"({"address":500,"kind":"drive","barcode":"A00001L8","source":1000,)"
                        R"("drive":{"tid":1,"lun":2}})"),
              std::string::npos)
        << text;
}

}  // namespace
}  // namespace tgt::smc
