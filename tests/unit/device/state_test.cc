// SPDX-License-Identifier: GPL-2.0-or-later
// What a new disk starts from; MODE SENSE block descriptor and device-specific byte (SBC-4 6.5).
#include "device/sbc/state.h"

#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

using sbc::initial_state;

scsi::LunSetup setup_for(const store::Info& info, uint32_t block_size = 0) {
    scsi::LunSetup setup;
    setup.store = &info;
    setup.block_size = block_size;
    return setup;
}

TEST(DiskState, TakesItsGeometryFromTheStore) {
    store::Info info;
    info.size = 1000000;
    info.physical_block_size = 4096;
    info.optimal_io_size = 65536;
    info.discard_granularity = 8192;
    auto state = initial_state(setup_for(info));
    EXPECT_EQ(state.geometry.blocks, 1953u);
    EXPECT_EQ(state.geometry.block_size, 512u);
    EXPECT_EQ(state.geometry.physical_exponent, 3);
    EXPECT_EQ(state.geometry.optimal_granularity, 8);
    EXPECT_EQ(state.geometry.optimal_length, 128u);
    EXPECT_EQ(state.geometry.rotation_rate, 1);
    EXPECT_EQ(state.unmap_granularity, 16u);
    EXPECT_TRUE(state.online && state.medium_present);
    EXPECT_FALSE(state.removable || state.read_only || state.thin);

    info.rotational = info.read_only = true;
    state = initial_state(setup_for(info, 4096));
    EXPECT_EQ(state.geometry.blocks, 244u);
    EXPECT_EQ(state.geometry.physical_exponent, 0);
    EXPECT_EQ(state.geometry.optimal_granularity, 0);
    EXPECT_EQ(state.geometry.rotation_rate, 0);
    EXPECT_EQ(state.unmap_granularity, 2u);
    EXPECT_TRUE(state.read_only);
}

TEST(DiskState, BoundsThePhysicalBlock) {
    store::Info info;
    info.size = 1 << 20;
    info.physical_block_size = 1 << 20;
    EXPECT_EQ(initial_state(setup_for(info)).geometry.physical_exponent, 7);
    info.physical_block_size = 512;
    EXPECT_EQ(initial_state(setup_for(info, 4096)).geometry.physical_exponent, 0);
}

TEST(DiskState, ReportsNoOptimalLengthThatInitiatorsWouldDistrust) {
    store::Info info;
    info.size = 1 << 30;
    info.physical_block_size = 4096;
    info.optimal_io_size = 33 * 512;
    EXPECT_EQ(initial_state(setup_for(info)).geometry.optimal_length, 0u);
    info.optimal_io_size = 1 << 30;
    EXPECT_EQ(initial_state(setup_for(info)).geometry.optimal_length, 0u);
}

TEST(DiskState, WithoutAMediumIsRemovableAndOffline) {
    auto state = initial_state({});
    EXPECT_TRUE(state.removable);
    EXPECT_FALSE(state.online || state.medium_present);
    EXPECT_EQ(state.geometry.blocks, 0u);
}

TEST(DiskState, NamesItselfUnlessToldHow) {
    scsi::LunSetup setup;
    auto state = initial_state(setup);
    EXPECT_EQ(state.identity.vendor, "IET");
    EXPECT_EQ(state.identity.product, "VIRTUAL-DISK");
    EXPECT_EQ(state.identity.revision, "0001");
    setup.identity.product = "MINE";
    setup.identity.scsi_id = "IET     00010001";
    state = initial_state(setup);
    EXPECT_EQ(state.identity.product, "MINE");
    EXPECT_EQ(state.identity.scsi_id, "IET     00010001");
}

TEST(DiskState, SurvivesSnapshotAndRestore) {
    store::Info info;
    info.size = 1 << 20;
    const auto state = initial_state(setup_for(info));
    auto restored = scsi::restore_lun_state(scsi::snapshot(state));
    ASSERT_TRUE(restored);
    EXPECT_EQ(*restored, state);
}

TEST(DiskModePages, AreInOrderAndComplete) {
    const auto pages = sbc::mode_pages();
    const std::vector<std::tuple<int, int, size_t>> expected = {
        {0x00, 0, 0}, {0x02, 0, 14}, {0x08, 0, 18}, {0x0a, 0, 10}, {0x0a, 1, 28}, {0x1c, 0, 10}};
    ASSERT_EQ(pages.size(), expected.size());
    for (size_t i = 0; i < pages.size(); ++i) {
        EXPECT_EQ(std::tuple(int(pages[i].code), int(pages[i].subcode), pages[i].current.size()),
                  expected[i]);
        EXPECT_EQ(pages[i].defaults, pages[i].current);
        EXPECT_EQ(pages[i].changeable.size(), pages[i].current.size());
    }
}

TEST(DiskModePages, StartWithAWriteCacheAndATaskSetPerNexus) {
    auto state = initial_state({});
    EXPECT_TRUE(state.write_cache_enabled());
    EXPECT_FALSE(state.software_write_protected());
    EXPECT_FALSE(state.sense_descriptor_format());
    EXPECT_EQ(state.mode_page(0x0a)->current[0] >> 5, 1);  // TST
    EXPECT_EQ(state.mode_page(0x08)->changeable[0], 0x04);
    EXPECT_EQ(state.mode_page(0x0a)->changeable, (Bytes{0x04, 0, 0x08, 0x40, 0, 0, 0, 0, 0, 0}));
}

TEST(DiskBlockDescriptor, HasAShortAndALongForm) {
    scsi::LunState state;
    state.geometry.blocks = 0x1234;
    state.geometry.block_size = 4096;
    EXPECT_EQ(sbc::block_descriptor(state, false), (Bytes{0, 0, 0x12, 0x34, 0, 0, 0x10, 0}));
    EXPECT_EQ(sbc::block_descriptor(state, true),
              (Bytes{0, 0, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0x10, 0}));
    state.geometry.blocks = uint64_t(1) << 40;
    EXPECT_EQ(sbc::block_descriptor(state, false)[0], 0xff);
    EXPECT_EQ(wire::load_be<8>(sbc::block_descriptor(state, true).data()), uint64_t(1) << 40);
}

TEST(DiskDeviceSpecific, ShowsWriteProtectionAndDpoFua) {
    auto state = initial_state({});
    EXPECT_EQ(sbc::device_specific(state), 0x10);
    state.read_only = true;
    EXPECT_EQ(sbc::device_specific(state), 0x90);
    state.read_only = false;
    state.mode_page(0x0a)->current[2] = 0x08;  // SWP
    EXPECT_EQ(sbc::device_specific(state), 0x90);
}

// SPC-5 7.5.8: SWP set with MODE SELECT protects the medium.
TEST(DiskModeSelect, TurnsOnSoftwareWriteProtection) {
    Harness harness(sbc::disk);
    Bytes list(4 + 12);
    list[4] = 0x0a;
    list[5] = 0x0a;
    const auto page = sbc::mode_pages()[3];
    std::copy(page.current.begin(), page.current.end(), &list[6]);
    list[8] |= 0x08;
    ASSERT_TRUE(harness.run({0x15, 0x10, 0, 0, uint8_t(list.size()), 0}, list).good());
    EXPECT_EQ(harness.run(block_cdb(0x2a, 0, 1), Bytes(512)).sense(), write_protected);
    Answer answer = harness.run({0x1a, 0, 0x08, 0, 0xff, 0});
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data[2], 0x90);
}

}  // namespace
}  // namespace tgt::test
