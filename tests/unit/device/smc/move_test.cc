// SPDX-License-Identifier: GPL-2.0-or-later
// What moves: MOVE MEDIUM, EXCHANGE MEDIUM and the commands around them.
#include <gtest/gtest.h>

#include "tests/unit/device/smc/library_bench.h"
#include "wire/endian.h"

namespace tgt::smc {
namespace {

using Answered = scsi::MediumPort::Result;
using test::Bench;
using test::LibraryBench;
using test::read_report;
using test::tur;

constexpr uint32_t full = 0x053b0d, empty = 0x053b0e, no_element = 0x052101, prevented = 0x055302;

Bench::Send from(size_t nexus) {
    Bench::Send send;
    send.nexus = nexus;
    return send;
}

TEST(MoveMedium, Smc3_6_6_FromSlotToSlot) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 1003).good());
    EXPECT_EQ(b.barcode_at(1000), "");
    EXPECT_EQ(b.barcode_at(1003), "A00001L8");
    const auto slots = read_report(b.status(2, 1003, 1).data);
    EXPECT_EQ(slots[0].source, 1000);
}

struct Refused {
    uint16_t from, to, transport;
    uint32_t sense;
};

TEST(MoveMedium, Smc3_6_6_WhatCannotBeMoved) {
    LibraryBench b;
    const Refused table[] = {
        {1000, 1001, 1, full},       {1003, 1004, 1, empty},      {999, 1003, 1, no_element},
        {1000, 1005, 1, no_element}, {1000, 1003, 2, no_element}, {1000, 1, 1, no_element},
        {1, 1003, 1, no_element},    {500, 1003, 1, empty},       {1000, 1003, 1000, no_element},
    };
    for (const Refused& row : table) {
        EXPECT_EQ(b.move(row.from, row.to, row.transport).sense(), row.sense)
            << row.from << " to " << row.to;
        EXPECT_EQ(b.barcode_at(1000), "A00001L8");
    }
}

TEST(MoveMedium, Smc3_6_6_TransportZeroIsTheDefaultOne) {
    LibraryBench b;
    EXPECT_TRUE(b.move(1000, 1003, 0).good());
}

TEST(MoveMedium, Smc3_6_6_InvertIsRefusedWithAFieldPointer) {
    LibraryBench b;
    const auto answer = b.run({0xa5, 0, 0, 1, 0x03, 0xe8, 0x03, 0xeb, 0, 0, 1, 0});
    EXPECT_EQ(answer.sense(), 0x052400u);
    EXPECT_EQ(answer.outcome.sense->specific_value, 10);
    EXPECT_EQ(answer.outcome.sense->field_bit, 0);
}

// mtx eepos
TEST(MoveMedium, TheVendorsBitsOfTheControlByteAreTaken) {
    LibraryBench b;
    EXPECT_TRUE(b.run({0xa5, 0, 0, 1, 0x03, 0xe8, 0x03, 0xeb, 0, 0, 0, 0xc0}).good());
    EXPECT_EQ(b.run({0xa5, 0, 0, 1, 0x03, 0xeb, 0x03, 0xe8, 0, 0, 0, 0x04}).sense(), 0x052400u);
}

TEST(MoveMedium, IntoADriveAndOutAgain) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 500).good());
    EXPECT_EQ(b.drive(2).path, "/tapes/A00001L8");
    auto drives = read_report(b.status(4).data);
    EXPECT_EQ(drives[0].flags & 0x01, 0x01);
    EXPECT_EQ(drives[0].tag, "A00001L8");
    EXPECT_EQ(drives[0].source, 1000);
    EXPECT_EQ(b.move(1001, 500).sense(), full);
    ASSERT_TRUE(b.move(500, 1000).good()) << "also when the host has not unloaded it";
    EXPECT_EQ(b.drive(2).path, "");
    EXPECT_EQ(b.barcode_at(1000), "A00001L8");
}

TEST(MoveMedium, FromDriveToDrive) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 500).good());
    ASSERT_TRUE(b.move(500, 501).good());
    EXPECT_EQ(b.drive(2).path, "");
    EXPECT_EQ(b.drive(3).path, "/tapes/A00001L8");
    EXPECT_EQ(read_report(b.status(4).data)[1].source, 1000) << "the last slot it was in";
}

struct DriveSays {
    Answered answer;
    uint32_t sense;
};

TEST(MoveMedium, WhatADriveSaysToALoad) {
    const DriveSays table[] = {
        {Answered::prevented, prevented}, {Answered::occupied, full},
        {Answered::unsuitable, 0x053000}, {Answered::failed, 0x045300},
        {Answered::too_late, 0x020407},
    };
    for (const DriveSays& row : table) {
        LibraryBench b;
        b.drive(2).next_load = row.answer;
        EXPECT_EQ(b.move(1000, 500).sense(), row.sense);
        EXPECT_EQ(b.barcode_at(1000), "A00001L8") << "it is where it was";
    }
}

TEST(MoveMedium, WhatADriveSaysToAnUnload) {
    const DriveSays table[] = {{Answered::prevented, prevented},
                               {Answered::failed, 0x045300},
                               {Answered::too_late, 0x020407}};
    for (const DriveSays& row : table) {
        LibraryBench b;
        ASSERT_TRUE(b.move(1000, 500).good());
        b.drive(2).next_unload = row.answer;
        EXPECT_EQ(b.move(500, 1000).sense(), row.sense);
        EXPECT_EQ(b.barcode_at(500), "A00001L8");
    }
}

TEST(MoveMedium, ACartridgeWithoutItsFileStaysInItsSlot) {
    LibraryBench b;
    test::FakeShelf::files().erase("/tapes/A00002L8");
    EXPECT_EQ(b.move(1001, 500).sense(), 0x045300u);
    EXPECT_EQ(b.barcode_at(1001), "A00002L8");
    EXPECT_TRUE(b.move(1000, 500).good());
}

TEST(MoveMedium, ADriveThatRefusesGivesTheCartridgeBackToTheFirst) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 500).good());
    b.drive(3).next_load = Answered::unsuitable;
    EXPECT_EQ(b.move(500, 501).sense(), 0x053000u);
    EXPECT_EQ(b.drive(2).path, "/tapes/A00001L8");
    EXPECT_EQ(b.barcode_at(500), "A00001L8");
}

TEST(MoveMedium, ADriveElementWithoutItsDrive) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 501).good());
    b.remove_drive(3);
    EXPECT_EQ(b.move(1001, 501).sense(), full);
    EXPECT_TRUE(b.move(501, 1000).good()) << "what was in it can be taken away";
    EXPECT_EQ(b.move(1001, 501).sense(), 0x053b1au);
}

TEST(MoveMedium, ADriveThatComesBackHasItsCartridgeAgain) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1000, 501).good());
    b.remove_drive(3);
    b.add_drive(3);
    EXPECT_EQ(b.drive(3).path, "/tapes/A00001L8");
}

// tgt's README.vtl: each drive is made with the cartridge that a slot has.
TEST(MoveMedium, ADriveMadeWithACartridgeOfTheLibraryGivesWay) {
    LibraryBench b;
    b.remove_drive(2);
    b.remove_drive(3);
    b.add_drive(2, "/tapes/A00001L8");
    b.add_drive(3, "/tapes/A00002L8");
    EXPECT_EQ(read_report(b.status(4).data)[0].flags & 0x01, 0);
    ASSERT_TRUE(b.move(1001, 500).good());
    EXPECT_EQ(b.drive(2).path, "/tapes/A00002L8");
    EXPECT_EQ(b.drive(3).path, "") << "it had what is in the first now";
    ASSERT_TRUE(b.move(1000, 501).good());
    EXPECT_EQ(b.drive(3).path, "/tapes/A00001L8");
}

TEST(MoveMedium, ADriveLoadedByAChangerIsOnline) {
    LibraryBench b;
    auto drive = b.target->luns().at(2);
    drive->change(
        [](const scsi::LunState& now) {
            scsi::LunChange change;
            change.next = std::make_shared<scsi::LunState>(now);
            change.next->online = false;
            return change;
        },
        b.runtime.control(), [](const scsi::Outcome&) {});
    b.settle();
    ASSERT_TRUE(b.move(1000, 500).good());
    b.settle();
    EXPECT_TRUE(drive->state()->online);
}

TEST(ExchangeMedium, Smc3_6_2_ThreePlaces) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1001, 500).good());
    ASSERT_TRUE(b.exchange(1000, 500, 1004).good());
    EXPECT_EQ(b.barcode_at(500), "A00001L8");
    EXPECT_EQ(b.barcode_at(1004), "A00002L8");
    EXPECT_EQ(b.barcode_at(1000), "");
    EXPECT_EQ(b.drive(2).path, "/tapes/A00001L8");
}

TEST(ExchangeMedium, Smc3_6_2_TheSecondDestinationMayBeTheSource) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1001, 500).good());
    ASSERT_TRUE(b.exchange(1000, 500, 1000).good());
    EXPECT_EQ(b.barcode_at(500), "A00001L8");
    EXPECT_EQ(b.barcode_at(1000), "A00002L8");
    ASSERT_TRUE(b.move(500, 501).good());
    ASSERT_TRUE(b.move(1000, 500).good());
    ASSERT_TRUE(b.exchange(500, 501, 500).good()) << "two drives";
    EXPECT_EQ(b.drive(2).path, "/tapes/A00001L8");
    EXPECT_EQ(b.drive(3).path, "/tapes/A00002L8");
}

TEST(ExchangeMedium, Smc3_6_2_WhatCannotBeExchanged) {
    LibraryBench b;
    EXPECT_EQ(b.exchange(1003, 1000, 1004).sense(), empty);
    EXPECT_EQ(b.exchange(1000, 1003, 1004).sense(), empty);
    EXPECT_EQ(b.exchange(1000, 1001, 1002).sense(), full);
    EXPECT_EQ(b.exchange(1000, 1001, 7).sense(), no_element);
    EXPECT_EQ(b.exchange(1000, 1000, 1004).sense(), no_element);
    EXPECT_EQ(b.barcode_at(1000), "A00001L8");
    EXPECT_EQ(b.barcode_at(1001), "A00002L8");
}

TEST(ExchangeMedium, AFailureLeavesEverythingWhereItWas) {
    LibraryBench b;
    ASSERT_TRUE(b.move(1001, 500).good());
    test::FakeShelf::files().erase("/tapes/A00001L8");
    EXPECT_EQ(b.exchange(1000, 500, 1004).sense(), 0x045300u);
    EXPECT_EQ(b.drive(2).path, "/tapes/A00002L8");
    EXPECT_EQ(b.barcode_at(500), "A00002L8");
    EXPECT_EQ(b.barcode_at(1000), "A00001L8");
}

TEST(PositionToElement, Smc3_6_8) {
    LibraryBench b;
    EXPECT_TRUE(b.run({0x2b, 0, 0, 1, 0x03, 0xe8, 0, 0, 0, 0}).good());
    EXPECT_EQ(b.run({0x2b, 0, 0, 1, 0x03, 0xe7, 0, 0, 0, 0}).sense(), no_element);
    EXPECT_EQ(b.run({0x2b, 0, 0, 9, 0x03, 0xe8, 0, 0, 0, 0}).sense(), no_element);
    EXPECT_EQ(b.run({0x2b, 0, 0, 1, 0x03, 0xe8, 0, 0, 1, 0}).sense(), 0x052400u);
}

TEST(InitializeElementStatus, Smc3_6_4_And_6_5) {
    LibraryBench b;
    EXPECT_TRUE(b.run({0x07, 0, 0, 0, 0, 0}).good());
    for (const uint8_t opcode : {0x37, 0xe7}) {
        EXPECT_TRUE(b.run({opcode, 1, 0x03, 0xe8, 0, 0, 0, 2, 0, 0}).good());
        EXPECT_EQ(b.run({opcode, 1, 0x03, 0xe7, 0, 0, 0, 2, 0, 0}).sense(), no_element);
        EXPECT_TRUE(b.run({opcode, 0, 0x03, 0xe7, 0, 0, 0, 2, 0, 0}).good()) << "RANGE is 0";
    }
}

TEST(OpenCloseElement, Smc3_6_7_AnOpenElementCannotBeReached) {
    LibraryBench b;
    const size_t other = b.login("iqn.i1");
    ASSERT_TRUE(b.run({0x1b, 0, 0, 10, 0, 0}).good());
    EXPECT_EQ(b.move(1000, 10).sense(), 0x053b11u);
    EXPECT_EQ(read_report(b.status(3).data)[0].flags & 0x08, 0) << "ACCESS";
    EXPECT_TRUE(b.move(1000, 11).good());
    ASSERT_TRUE(b.run({0x1b, 0, 0, 10, 1, 0}).good());
    EXPECT_TRUE(b.move(1001, 10).good());
    EXPECT_EQ(b.run(tur, from(other)).sense(), 0x062801u);
    EXPECT_TRUE(b.run(tur).good()) << "who closed it knows";
}

TEST(OpenCloseElement, Smc3_6_7_OnlyImportExportElements) {
    LibraryBench b;
    EXPECT_EQ(b.run({0x1b, 0, 0x03, 0xe8, 0, 0}).sense(), no_element);
    EXPECT_EQ(b.run({0x1b, 0, 0, 10, 2, 0}).sense(), 0x052400u);
}

TEST(PreventAllow, Spc5_6_18_ThePreventedDoorDoesNotOpen) {
    LibraryBench b;
    const size_t other = b.login("iqn.i1");
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 1, 0}, from(other)).good());
    EXPECT_EQ(b.run({0x1b, 0, 0, 10, 0, 0}).sense(), prevented);
    EXPECT_NE(b.update({{"element_type", "3"}, {"address", "10"}, {"barcode", "NEW001L8"}}), "");
    EXPECT_TRUE(b.move(1000, 10).good()) << "arms are inside";
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 0, 0}, from(other)).good());
    EXPECT_TRUE(b.run({0x1b, 0, 0, 10, 0, 0}).good());
}

Bench::Send tag_list(const std::string& pattern, size_t nexus = 0) {
    Bench::Send send = from(nexus);
    send.data.resize(40);
    std::copy(pattern.begin(), pattern.end(), send.data.begin());
    return send;
}
const std::vector<uint8_t> send_tag{0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0};
const std::vector<uint8_t> request_address{0xb5, 0x10, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0};

TEST(VolumeTags, Smc3_6_12_And_6_13_CartridgesAreFoundByTemplate) {
    struct Row {
        const char* pattern;
        size_t found;
    };
    const Row table[] = {{"A00002L8", 1}, {"A*L8", 3}, {"A0000?L8", 3}, {"*", 3},
                         {"B*", 0},       {"*3*", 1},  {"A00002L", 0},  {"", 0}};
    for (const Row& row : table) {
        LibraryBench b;
        ASSERT_TRUE(b.run(send_tag, tag_list(row.pattern)).good());
        const auto answer = b.run(request_address);
        ASSERT_TRUE(answer.good());
        EXPECT_EQ(answer.data[4], 5);
        EXPECT_EQ(read_report(answer.data).size(), row.found) << row.pattern;
    }
}

TEST(VolumeTags, Smc3_6_12_NobodyElseGetsTheAnswer) {
    LibraryBench b;
    const size_t other = b.login("iqn.i1");
    EXPECT_EQ(b.run(request_address).sense(), 0x052c00u);
    ASSERT_TRUE(b.run(send_tag, tag_list("*", other)).good());
    EXPECT_EQ(b.run(request_address).sense(), 0x052c00u);
    EXPECT_TRUE(b.run(request_address, from(other)).good());
}

TEST(VolumeTags, Smc3_6_13_TagsCannotBeChanged) {
    LibraryBench b;
    auto assert_tag = send_tag;
    assert_tag[5] = 8;
    EXPECT_EQ(b.run(assert_tag, tag_list("X")).sense(), 0x052400u);
    auto short_list = send_tag;
    short_list[9] = 39;
    EXPECT_EQ(b.run(short_list, tag_list("X")).sense(), 0x051a00u);
}

// SMC-3 table 3
TEST(Reservations, WhatConflictsWithAnExclusiveAccessOfAnother) {
    LibraryBench b;
    const size_t other = b.login("iqn.i1");
    Bench::Send key = from(other);
    key.data.resize(24);
    wire::store_be<8>(&key.data[8], 0xb);
    ASSERT_TRUE(b.run({0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0}, key).good());
    wire::store_be<8>(&key.data[0], 0xb);
    ASSERT_TRUE(b.run({0x5f, 1, 3, 0, 0, 0, 0, 0, 24, 0}, key).good());
    const auto conflict = scsi::Status::reservation_conflict;
    EXPECT_EQ(b.move(1000, 1003).status(), conflict);
    EXPECT_EQ(b.exchange(1000, 1001, 1000).status(), conflict);
    EXPECT_EQ(b.status(0).status(), conflict);
    EXPECT_EQ(b.run({0x07, 0, 0, 0, 0, 0}).status(), conflict);
    EXPECT_EQ(b.run({0x2b, 0, 0, 1, 0x03, 0xe8, 0, 0, 0, 0}).status(), conflict);
    EXPECT_EQ(b.run({0x1e, 0, 0, 0, 1, 0}).status(), conflict);
    EXPECT_TRUE(b.run({0x1e, 0, 0, 0, 0, 0}).good());
    EXPECT_TRUE(b.run(tur).good());
}

TEST(Reservations, AWriteExclusiveOfAnotherLetsElementStatusBeRead) {
    LibraryBench b;
    const size_t other = b.login("iqn.i1");
    Bench::Send key = from(other);
    key.data.resize(24);
    wire::store_be<8>(&key.data[8], 0xb);
    ASSERT_TRUE(b.run({0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0}, key).good());
    wire::store_be<8>(&key.data[0], 0xb);
    ASSERT_TRUE(b.run({0x5f, 1, 1, 0, 0, 0, 0, 0, 24, 0}, key).good());
    EXPECT_TRUE(b.status(0).good());
    EXPECT_EQ(b.move(1000, 1003).status(), scsi::Status::reservation_conflict);
}

}  // namespace
}  // namespace tgt::smc
