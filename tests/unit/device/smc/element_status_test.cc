// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "tests/unit/device/smc/library_bench.h"
#include "wire/endian.h"

namespace tgt::smc {
namespace {

using test::LibraryBench;
using test::read_report;

TEST(ElementStatus, TheInquiryDataIsOfAMediaChanger) {  // SPC-4 6.6
    LibraryBench b;
    const auto answer = b.run({0x12, 0, 0, 0, 96, 0});
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data[0], 0x08);
    EXPECT_EQ(answer.data[1] & 0x80, 0x80);
    EXPECT_EQ(std::string(answer.data.begin() + 16, answer.data.begin() + 32), "VIRTUAL-CHANGER ");
}

TEST(ElementStatus, Smc3_7_3_4_ElementAddressAssignment) {
    LibraryBench b;
    const auto answer = b.run({0x1a, 0x08, 0x1d, 0, 255, 0});
    ASSERT_TRUE(answer.good());
    const std::vector<uint8_t> page(answer.data.begin() + 4, answer.data.end());
    const std::vector<uint8_t> expected{0x1d, 0x12, 0, 1, 0,    1,    0x03, 0xe8, 0, 5,
                                        0,    10,   0, 2, 0x01, 0xf4, 0,    2,    0, 0};
    EXPECT_EQ(page, expected);
}

TEST(ElementStatus, Smc3_7_3_2_DeviceCapabilities) {
    LibraryBench b;
    const auto answer = b.run({0x1a, 0x08, 0x1f, 0, 255, 0});
    ASSERT_TRUE(answer.good());
    ASSERT_EQ(answer.data.size(), 4u + 20);
    EXPECT_EQ(answer.data[4 + 2], 0x0e);  // what stores: DT, I/E, ST
    EXPECT_EQ(answer.data[4 + 5], 0x0e);  // from slots to all but arms
}

TEST(ElementStatus, Smc3_6_10_AllElementsInOrderOfAddress) {
    LibraryBench b;
    const auto answer = b.status(0);
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(wire::load_be<2>(&answer.data[0]), 1);
    const auto all = read_report(answer.data);
    ASSERT_EQ(all.size(), 10u);
    EXPECT_EQ(all[0].kind, 1);
    EXPECT_EQ(all[1].address, 10);
    EXPECT_EQ(all[1].kind, 3);
    EXPECT_EQ(all[3].address, 500);
    EXPECT_EQ(all[3].kind, 4);
    EXPECT_EQ(all[5].address, 1000);
    EXPECT_EQ(all[5].tag, "A00001L8");
    EXPECT_EQ(all[5].flags, 0x09);  // ACCESS, FULL
    EXPECT_EQ(all[9].flags, 0x08);
    EXPECT_EQ(all[9].tag, "");
}

TEST(ElementStatus, Smc3_6_10_OneTypeFromAnAddressSoMany) {
    LibraryBench b;
    const auto some = read_report(b.status(2, 1002, 2).data);
    ASSERT_EQ(some.size(), 2u);
    EXPECT_EQ(some[0].address, 1002);
    EXPECT_EQ(some[1].address, 1003);
}

TEST(ElementStatus, Smc3_6_10_NothingToReportIsAnEmptyReport) {
    LibraryBench b;
    const auto answer = b.status(2, 2000);
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data, std::vector<uint8_t>(8));
}

TEST(ElementStatus, Smc3_6_10_AnUnknownElementTypeIsRefused) {
    LibraryBench b;
    const auto answer = b.status(5);
    EXPECT_EQ(answer.sense(), 0x052400u);
    EXPECT_EQ(answer.outcome.sense->specific_value, 1);
}

// SCSI-2 17.2.5: descriptors are whole; the header tells what there would be.
TEST(ElementStatus, AShortAllocationLengthCutsBehindAWholeDescriptor) {
    LibraryBench b;
    constexpr uint32_t two = 8 + 8 + 2 * 52;
    for (const uint32_t room : {two, two + 1, two + 51}) {
        const auto answer = b.status(2, 0, 0xffff, room);
        ASSERT_TRUE(answer.good());
        EXPECT_EQ(answer.data.size(), two) << room;
        EXPECT_EQ(wire::load_be<2>(&answer.data[2]), 5) << room;
        EXPECT_EQ(wire::load_be<3>(&answer.data[5]), 8u + 5 * 52) << room;
    }
    EXPECT_EQ(b.status(2, 0, 0xffff, 8).data.size(), 8u);
    EXPECT_EQ(b.status(2, 0, 0xffff, 15).data.size(), 8u);
    EXPECT_EQ(b.status(2, 0, 0xffff, 16).data.size(), 16u);
    EXPECT_TRUE(b.status(2, 0, 0xffff, 0).good());
}

TEST(ElementStatus, WithoutVoltagDescriptorsHaveSixteenBytes) {
    LibraryBench b;
    const auto answer = b.run({0xb8, 0x02, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0});
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data.size(), 8u + 8 + 5 * 16);
    EXPECT_EQ(answer.data[9], 0) << "PVOLTAG";
    EXPECT_EQ(read_report(answer.data).size(), 5u);
}

TEST(ElementStatus, Smc3_6_10_5_DvcidIsTheDesignatorOfTheDrive) {
    LibraryBench b;
    const auto drives = read_report(b.status(4, 0, 0xffff, 0xffff, true).data);
    ASSERT_EQ(drives.size(), 2u);
    EXPECT_EQ(drives[0].id, "IBM     ULT3580-TD8     DRIVE00002");
    EXPECT_EQ(drives[1].id, "IBM     ULT3580-TD8     DRIVE00003");
    EXPECT_EQ(drives[0].flags, 0x08);
    EXPECT_EQ(read_report(b.status(4).data)[0].id, "");
}

TEST(ElementStatus, ADriveElementWithoutItsDriveIsAnException) {
    LibraryBench b;
    b.remove_drive(3);
    const auto drives = read_report(b.status(4, 0, 0xffff, 0xffff, true).data);
    ASSERT_EQ(drives.size(), 2u);
    EXPECT_EQ(drives[1].flags, 0x04);
    EXPECT_EQ(drives[1].code, 0x3b1a);
    EXPECT_EQ(drives[1].id, "");
}

TEST(ElementStatus, ADriveWithAMediumOfItsOwnIsFull) {
    LibraryBench b;
    b.remove_drive(3);
    b.add_drive(3, "/elsewhere/tape");
    const auto drives = read_report(b.status(4).data);
    EXPECT_EQ(drives[1].flags, 0x09);
    EXPECT_EQ(drives[1].tag, "");
}

TEST(ElementStatus, AnImportExportElementTellsWhoFilledIt) {
    LibraryBench b;
    b.update({{"element_type", "3"}, {"address", "10"}, {"barcode", "NEW001L8"}});
    EXPECT_EQ(b.run(test::tur).sense(), 0x062801u);
    auto ports = read_report(b.status(3).data);
    EXPECT_EQ(ports[0].flags, 0x20 | 0x10 | 0x08 | 0x02 | 0x01);
    EXPECT_EQ(ports[1].flags, 0x20 | 0x10 | 0x08);
    ASSERT_TRUE(b.move(1000, 11).good());
    ports = read_report(b.status(3).data);
    EXPECT_EQ(ports[1].flags, 0x20 | 0x10 | 0x08 | 0x01) << "IMPEXP is 0: an arm put it there";
}

TEST(ElementStatus, BarcodesOf32CharactersAndVolumeTags) {
    LibraryBench b;
    const std::string longest(32, 'X');
    EXPECT_EQ(b.update({{"element_type", "2"}, {"address", "1003"}, {"barcode", longest}}), "");
    EXPECT_NE(b.update({{"element_type", "2"}, {"address", "1004"}, {"barcode", longest + "X"}}),
              "");
    EXPECT_EQ(b.update({{"element_type", "2"},
                        {"address", "1004"},
                        {"barcode", "FILE1"},
                        {"volume_tag", "SHOWN"}}),
              "");
    b.run(test::tur);
    const auto slots = read_report(b.status(2, 1003).data);
    EXPECT_EQ(slots[0].tag, longest);
    EXPECT_EQ(slots[1].tag, "SHOWN");
}

// SMC-3 REPORT ELEMENT INFORMATION
std::vector<uint8_t> information(LibraryBench& b, uint8_t page, uint8_t kind, uint16_t start = 0,
                                 uint8_t count = 0, uint8_t room = 255) {
    const uint8_t valid = count ? 0x20 : 0;
    return b
        .run({0x9e, 0x10, page, uint8_t(valid | kind), 0, 0, 0, 0, uint8_t(start >> 8),
              uint8_t(start), 0, 0, 0, room, count, 0})
        .data;
}

TEST(ElementInformation, ThePagesThatThereAreForEachType) {
    LibraryBench b;
    const std::vector<uint8_t> one{0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 4, 0, 2, 3, 0x7f};
    EXPECT_EQ(information(b, 0, 2), one);
    const auto all = information(b, 0, 0);
    ASSERT_EQ(all.size(), 8u + 4 * 8);
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(all[8 + 8 * i], i + 1) << "in order of the type";
}

TEST(ElementInformation, ElementsOfOneTypeThatFollowEachOtherAreOneDescriptor) {
    LibraryBench b;
    const std::vector<uint8_t> slots{2,    0,    0, 12, 0, 0, 0, 12, 0, 0,
                                     0x03, 0xea, 0, 0,  0, 3, 2, 0,  0, 0};
    EXPECT_EQ(information(b, 2, 2, 1002), slots);
    const auto all = information(b, 2, 0);
    EXPECT_EQ(all.size(), 8u + 4 * 12);
    b.update(
        {{"element_type", "2"}, {"start_address", "1001"}, {"quantity", "1"}, {"remove", "1"}});
    EXPECT_EQ(information(b, 2, 2).size(), 8u + 12) << "a slot with a cartridge stays";
    b.update(
        {{"element_type", "2"}, {"start_address", "1003"}, {"quantity", "1"}, {"remove", "1"}});
    for (int i = 0; i < 5; ++i) b.run(test::tur);
    EXPECT_EQ(information(b, 2, 2).size(), 8u + 2 * 12);
}

TEST(ElementInformation, StatesSayWhatReadElementStatusSays) {
    LibraryBench b;
    const auto slots = information(b, 3, 2, 1002, 2);
    ASSERT_EQ(slots.size(), 8u + 2 * 12);
    const std::vector<uint8_t> header{3, 0, 0, 12, 0, 0, 0, 24};
    EXPECT_EQ(std::vector<uint8_t>(slots.begin(), slots.begin() + 8), header);
    EXPECT_EQ(wire::load_be<4>(&slots[8]), 1002u);
    EXPECT_EQ(slots[8 + 4], 2);
    EXPECT_EQ(slots[8 + 5], 0x50) << "a volume that an arm has put there";
    EXPECT_EQ(slots[20 + 5], 0x80) << "none";
    b.update({{"element_type", "3"}, {"address", "10"}, {"barcode", "NEW001L8"}});
    b.remove_drive(3);
    for (int i = 0; i < 5; ++i) b.run(test::tur);
    ASSERT_TRUE(b.run({0x1b, 0, 0, 10, 0, 0}).good());
    const auto ports = information(b, 3, 3);
    EXPECT_EQ(ports[8 + 5], 0x60 | 0x08 | 0x02) << "an operator's, behind an open door";
    EXPECT_EQ(ports[20 + 5], 0x80);
    const auto drives = information(b, 3, 4, 501);
    EXPECT_EQ(drives[8 + 5], 0x80 | 0x08 | 0x02 | 0x01);
    EXPECT_EQ(wire::load_be<2>(&drives[8 + 6]), 0x3b1a);
}

TEST(ElementInformation, AllPagesInOrder) {
    LibraryBench b;
    const auto all = information(b, 0x7f, 1);
    ASSERT_EQ(all.size(), (8u + 8) + (8 + 12) + (8 + 12));
    EXPECT_EQ(all[0], 0);
    EXPECT_EQ(all[16], 2);
    EXPECT_EQ(all[36], 3);
    EXPECT_EQ(information(b, 0x7f, 1, 0, 0, 20),
              std::vector<uint8_t>(all.begin(), all.begin() + 20));
    EXPECT_EQ(information(b, 3, 0, 0xffff).size(), 8u);
}

TEST(ElementInformation, WhatIsNotKnownIsRefused) {
    LibraryBench b;
    auto answer = b.run({0x9e, 0x10, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0});
    EXPECT_EQ(answer.sense(), 0x052400u);
    EXPECT_EQ(answer.outcome.sense->specific_value, 2);
    answer = b.run({0x9e, 0x10, 0x03, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0});
    EXPECT_EQ(answer.outcome.sense->specific_value, 3);
    answer = b.run({0x9e, 0x10, 0x03, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 255, 0, 0});
    EXPECT_EQ(answer.data.size(), 8u) << "no element has such an address";
}

}  // namespace
}  // namespace tgt::smc
