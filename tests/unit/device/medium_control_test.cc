// SPDX-License-Identifier: GPL-2.0-or-later
// FORMAT UNIT, START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL (SBC-4 5.5, 5.31; SPC-5 6.18).
#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

using store::OpKind;

Bytes start_stop(uint8_t byte4) {
    return {0x1b, 0, 0, 0, byte4, 0};
}
Bytes prevent(bool on) {
    return {0x1e, 0, 0, 0, uint8_t(on), 0};
}
constexpr uint8_t load_medium = 0x03, eject = 0x02, no_flush = 0x04;
const Bytes format = {0x04, 0, 0, 0, 0, 0};
const Bytes read_block = block_cdb(0x28, 0, 1);

Harness::Options removable() {
    Harness::Options options;
    options.adjust = [](scsi::LunState& state) { state.removable = true; };
    return options;
}

TEST(FormatUnit, LeavesZeroesOnAFullyProvisionedUnit) {
    Harness harness(sbc::disk);
    harness.store().put(0, Bytes(1 << 20, 0xff));
    ASSERT_TRUE(harness.run(format).good());
    EXPECT_EQ(harness.store().bytes(0, 1 << 20), Bytes(1 << 20));
    EXPECT_EQ(harness.store().count(OpKind::discard), 0u);
    EXPECT_EQ(harness.store().count(OpKind::flush), 1u);
}

TEST(FormatUnit, GivesTheSpaceOfAThinUnitBack) {
    Harness::Options options;
    options.adjust = [](scsi::LunState& state) { state.thin = true; };
    Harness harness(sbc::disk, options);
    harness.store().put(4096, Bytes(4096, 0xff));
    ASSERT_TRUE(harness.run(format).good());
    EXPECT_TRUE(harness.store().is_hole(4096));
    EXPECT_GT(harness.store().count(OpKind::discard), 0u);
}

TEST(FormatUnit, WorksInPieces) {
    Harness::Options options;
    options.size = 256 << 20;
    Harness harness(sbc::disk, options);
    ASSERT_TRUE(harness.run(format).good());
    EXPECT_EQ(harness.store().count(OpKind::write_zeroes), 4u);
}

TEST(FormatUnit, RefusesAParameterListAndWriteProtection) {
    Harness harness(sbc::disk);
    EXPECT_EQ(harness.run({0x04, 0x10, 0, 0, 0, 0}, Bytes(4)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(harness.run({0x04, 0x80, 0, 0, 0, 0}).sense(), invalid_field_in_cdb);
    harness.change([](scsi::LunState& state) { state.read_only = true; });
    EXPECT_EQ(harness.run(format).sense(), write_protected);
}

TEST(FormatUnit, TellsWhatFailed) {
    Harness harness(sbc::disk);
    harness.store().fail_when([](const store::Op&) { return EIO; });
    EXPECT_EQ(harness.run(format).sense(), write_error);
}

TEST(StartStopUnit, EjectsAndLoadsARemovableMedium) {
    Harness harness(sbc::disk, removable());
    ASSERT_TRUE(harness.run(read_block).good());
    ASSERT_TRUE(harness.run(start_stop(eject)).good());
    EXPECT_EQ(harness.run(read_block).sense(), no_medium);
    EXPECT_TRUE(harness.run(start_stop(eject)).good());
    ASSERT_TRUE(harness.run(start_stop(load_medium)).good());
    EXPECT_TRUE(harness.run(read_block).good());
}

TEST(StartStopUnit, TellsTheOtherNexusesOfANewMedium) {
    Harness harness(sbc::disk, removable());
    const size_t other = harness.add_nexus("other");
    ASSERT_TRUE(harness.run(start_stop(eject)).good());
    ASSERT_TRUE(harness.run(start_stop(load_medium)).good());
    EXPECT_TRUE(harness.run(read_block).good());
    Harness::Send send;
    send.nexus = other;
    EXPECT_EQ(harness.run(read_block, send).sense(), 0x062800u);
    EXPECT_TRUE(harness.run(read_block, send).good());
}

TEST(StartStopUnit, FlushesBeforeItStopsUnlessToldNotTo) {
    Harness harness(sbc::disk, removable());
    ASSERT_TRUE(harness.run(start_stop(0)).good());
    EXPECT_EQ(harness.store().count(OpKind::flush), 1u);
    ASSERT_TRUE(harness.run(start_stop(no_flush)).good());
    ASSERT_TRUE(harness.run(start_stop(eject | no_flush)).good());
    EXPECT_EQ(harness.store().count(OpKind::flush), 1u);
    ASSERT_TRUE(harness.run(start_stop(load_medium)).good());
    ASSERT_TRUE(harness.run(start_stop(eject)).good());
    EXPECT_EQ(harness.store().count(OpKind::flush), 2u);
}

TEST(StartStopUnit, NeitherLoadsNorEjectsAFixedDisk) {
    Harness harness(sbc::disk);
    for (uint8_t byte4 : {eject, load_medium}) {
        Answer answer = harness.run(start_stop(byte4));
        EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
        EXPECT_EQ(answer.outcome.sense->field_bit, 1);
    }
    EXPECT_TRUE(harness.run(start_stop(1)).good());
    EXPECT_TRUE(harness.run(start_stop(0)).good());
    EXPECT_TRUE(harness.run(read_block).good());
}

TEST(StartStopUnit, IgnoresLoejWithAPowerCondition) {
    Harness harness(sbc::disk, removable());
    for (uint8_t power : {0x10, 0x20, 0x30, 0x70, 0xa0, 0xb0})
        EXPECT_TRUE(harness.run(start_stop(uint8_t(power | eject))).good());
    EXPECT_TRUE(harness.run(read_block).good());
}

TEST(StartStopUnit, CannotLoadWhatIsNotThere) {
    Harness::Options options;
    options.medium = false;
    Harness harness(sbc::disk, options);
    EXPECT_EQ(harness.run(start_stop(load_medium)).sense(), no_medium);
    EXPECT_EQ(harness.run(start_stop(1)).sense(), no_medium);
    EXPECT_TRUE(harness.run(start_stop(eject)).good());
    EXPECT_TRUE(harness.run(start_stop(0)).good());
}

TEST(StartStopUnit, ConflictsWithAnothersReservationUnlessItStarts) {
    Harness harness(sbc::disk, removable());
    const size_t other = harness.add_nexus("other");
    harness.change([&](scsi::LunState& state) {
        state.reservations.registrations = {{harness.nexus(0).id(), 1}};
        state.reservations.type = scsi::ReservationType::write_exclusive;
        state.reservations.holder = harness.nexus(0).id();
    });
    Harness::Send send;
    send.nexus = other;
    EXPECT_TRUE(harness.run(start_stop(1), send).good());
    for (uint8_t byte4 : {uint8_t(0), eject, uint8_t(0x30)})
        EXPECT_EQ(harness.run(start_stop(byte4), send).status(),
                  scsi::Status::reservation_conflict);
    EXPECT_EQ(harness.run(prevent(true), send).status(), scsi::Status::reservation_conflict);
    EXPECT_TRUE(harness.run(prevent(false), send).good());
    EXPECT_TRUE(harness.run(start_stop(eject)).good());
}

TEST(PreventAllowMediumRemoval, KeepsTheMediumInWhileAnyNexusPrevents) {
    Harness::Options options = removable();
    options.workers = 2;
    Harness harness(sbc::disk, options);
    Harness::Send other;
    other.nexus = harness.add_nexus("other");
    ASSERT_TRUE(harness.run(prevent(true)).good());
    ASSERT_TRUE(harness.run(prevent(true), other).good());
    EXPECT_EQ(harness.run(start_stop(eject)).sense(), removal_prevented);
    ASSERT_TRUE(harness.run(prevent(false)).good());
    EXPECT_EQ(harness.run(start_stop(eject)).sense(), removal_prevented);
    EXPECT_TRUE(harness.run(read_block).good());
    ASSERT_TRUE(harness.run(prevent(false), other).good());
    EXPECT_TRUE(harness.run(start_stop(eject)).good());
}

}  // namespace
}  // namespace tgt::test
