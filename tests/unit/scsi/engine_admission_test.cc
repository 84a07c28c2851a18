// SPDX-License-Identifier: GPL-2.0-or-later
// What is said against a command before it runs, and in which order.
#include <gtest/gtest.h>

#include "tests/unit/scsi/engine_bench.h"

namespace tgt::scsi {
namespace {

using test::Answer;
using test::Bench;
using test::pattern;
using test::read10;
using test::tur;
using test::write10;

const std::vector<uint8_t> reserve{0x16, 0, 0, 0, 0, 0};
const std::vector<uint8_t> inquiry{0x12, 0, 0, 0, 96, 0};

Bench::Send from(size_t nexus) {
    Bench::Send send;
    send.nexus = nexus;
    return send;
}
Bench::Send with(size_t bytes, size_t nexus = 0) {
    Bench::Send send = from(nexus);
    send.data = pattern(bytes, 1);
    return send;
}

TEST(EngineAdmission, UnitAttentionIsReportedBeforeAReservationConflict) {  // SAM-5 5.14
    Bench b;
    size_t other = b.login("iqn.i1", 0, true);
    ASSERT_TRUE(b.run(reserve).good());
    EXPECT_EQ(b.run(tur, from(other)).sense(), 0x062900u);
    EXPECT_EQ(b.run(tur, from(other)).status(), Status::reservation_conflict);
}

TEST(EngineAdmission, InquiryLeavesTheUnitAttentionPending) {  // SPC-4 6.6
    Bench b;
    size_t other = b.login("iqn.i1", 0, true);
    EXPECT_TRUE(b.run(inquiry, from(other)).good());
    EXPECT_EQ(b.run(tur, from(other)).sense(), 0x062900u);
    EXPECT_TRUE(b.run(tur, from(other)).good());
}

TEST(EngineAdmission, ReservationIsLookedAtBeforeReservedBits) {
    Bench b;
    size_t other = b.login("iqn.i1");
    ASSERT_TRUE(b.run(reserve).good());
    std::vector<uint8_t> bad{0, 0, 0, 0x80, 0, 0};
    EXPECT_EQ(b.run(bad, from(other)).status(), Status::reservation_conflict);
    Answer own = b.run(bad);
    EXPECT_EQ(own.sense(), 0x052400u);
}

TEST(EngineAdmission, UnknownLunIsRefusedButAnswersInquiry) {  // SPC-4 6.6.1, SAM-5 4.7
    Bench b;
    Bench::Send send;
    send.lun = 9;
    EXPECT_EQ(b.run(tur, send).sense(), 0x052500u);
    Answer answer = b.run(inquiry, send);
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data[0], 0x7f);
}

TEST(EngineAdmission, OpcodeAndServiceActionAreToldApart) {
    Bench b;
    EXPECT_EQ(b.run({0xc1, 0, 0, 0, 0, 0}).sense(), 0x052000u);
    EXPECT_EQ(b.run({0x5e, 0x1f, 0, 0, 0, 0, 0, 0, 8, 0}).sense(), 0x052400u);
}

TEST(EngineAdmission, WriteProtectionIsRefusedBeforeDataIsAskedFor) {  // SBC-4 4.12
    Bench b(1, [](LunState& state) { state.read_only = true; });
    Bench::Send send = with(512);
    send.withhold = true;  // would wait for ever if data were wanted
    EXPECT_EQ(b.run(write10(0, 1), send).sense(), 0x072700u);
    EXPECT_TRUE(b.run(read10(0, 1)).good());
}

TEST(EngineAdmission, RangesEndAtTheCapacity) {  // SBC-4 4.5
    Bench b;                                     // 2048 blocks
    EXPECT_TRUE(b.run(read10(2047, 1)).good());
    EXPECT_EQ(b.run(read10(2047, 2)).sense(), 0x052100u);
    EXPECT_EQ(b.run(read10(2048, 1)).sense(), 0x052100u);
    EXPECT_EQ(b.run(read10(0xffffffff, 0xffff)).sense(), 0x052100u);
    EXPECT_EQ(b.store->count(store::OpKind::read), 1u);
}

TEST(EngineAdmission, NotReadyComesBeforeWriteProtection) {
    Bench b(1, [](LunState& state) {
        state.online = false;
        state.read_only = true;
    });
    EXPECT_EQ(b.run(write10(0, 1), with(512)).sense(), 0x020403u);
    EXPECT_TRUE(b.run(inquiry).good());
}

TEST(EngineAdmission, ShortDataMovesWhatIsThere) {
    Bench b;
    Bench::Send send = with(512);
    Answer answer = b.run(write10(0, 4), send);
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.out_total, 2048u);
    EXPECT_EQ(b.store->bytes(0, 512), send.data);
}

// --- what changed while the command waited ------------------------------------------------------

TEST(EngineStanding, WriteProtectionSetWhileDataWasCollectedIsHonoured) {
    Bench b;
    Bench::Send send = with(512);
    send.withhold = true;
    auto write = b.start(write10(0, 1), send);
    ASSERT_FALSE(write->ready());
    b.edit([](LunState& state) { state.read_only = true; });
    data_out_complete(*write);
    EXPECT_EQ(write->wait().sense(), 0x072700u);
    EXPECT_EQ(b.store->count(store::OpKind::write), 0u);
}

TEST(EngineStanding, AReservationTakenWhileDataWasCollectedConflicts) {
    Bench b;
    size_t other = b.login("iqn.i1");
    Bench::Send send = with(512, other);
    send.withhold = true;
    auto write = b.start(write10(0, 1), send);
    ASSERT_TRUE(b.run(reserve).good());
    data_out_complete(*write);
    EXPECT_EQ(write->wait().status(), Status::reservation_conflict);
    EXPECT_EQ(b.store->count(store::OpKind::write), 0u);
}

TEST(EngineStanding, ACapacityThatShrankIsHonoured) {
    Bench b;
    Bench::Send send = with(512);
    send.withhold = true;
    auto write = b.start(write10(2047, 1), send);
    b.edit([](LunState& state) { state.geometry.blocks = 1024; });
    data_out_complete(*write);
    EXPECT_EQ(write->wait().sense(), 0x052100u);
}

}  // namespace
}  // namespace tgt::scsi
