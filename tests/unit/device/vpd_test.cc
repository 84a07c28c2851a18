// SPDX-License-Identifier: GPL-2.0-or-later
// VPD pages B0h, B1h, B2h (SBC-4 6.6), bytes and through INQUIRY.
#include "device/sbc/vpd.h"

#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

// Offsets below are those of the standard's tables: the page header is 4 bytes.
uint64_t field(const Bytes& body, size_t offset, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | body[offset - 4 + i];
    return value;
}

scsi::LunState some_state() {
    scsi::LunState state;
    state.geometry.blocks = 1 << 20;
    state.geometry.optimal_granularity = 8;
    state.geometry.optimal_length = 128;
    state.geometry.rotation_rate = 7200;
    state.unmap_granularity = 16;
    return state;
}

TEST(BlockLimitsPage, StatesTheTransferLimits) {
    Bytes body;
    sbc::append_block_limits(some_state(), body);
    ASSERT_EQ(body.size(), 60u);
    EXPECT_EQ(field(body, 4, 1), 0u);  // WSNZ
    EXPECT_EQ(field(body, 5, 1), 255u);
    EXPECT_EQ(field(body, 6, 2), 8u);
    EXPECT_EQ(field(body, 8, 4), (16u << 20) / 512);
    EXPECT_EQ(field(body, 12, 4), 128u);
    EXPECT_EQ(field(body, 36, 8), 65535u);
}

TEST(BlockLimitsPage, StatesFiniteUnmapLimitsOnlyWhenThin) {
    auto state = some_state();
    Bytes body;
    sbc::append_block_limits(state, body);
    EXPECT_EQ(field(body, 20, 8), 0u);
    EXPECT_EQ(field(body, 28, 8), 0u);
    state.thin = true;
    body.clear();
    sbc::append_block_limits(state, body);
    EXPECT_GT(field(body, 20, 4), 0u);
    EXPECT_LE(field(body, 20, 4), 0x7fffffffu);
    EXPECT_EQ(field(body, 24, 4), 256u);
    EXPECT_EQ(field(body, 28, 4), 16u);
    EXPECT_EQ(field(body, 32, 4), 0x80000000u);  // UGAVALID, alignment 0
}

TEST(CharacteristicsPage, GivesTheRotationRate) {
    Bytes body;
    sbc::append_characteristics(some_state(), body);
    ASSERT_EQ(body.size(), 60u);
    EXPECT_EQ(field(body, 4, 2), 7200u);
}

TEST(ProvisioningPage, IsEmptyUnlessThin) {
    auto state = some_state();
    store::Features features;
    features.discard_zeroes = true;
    Bytes body;
    sbc::append_provisioning(state, features, body);
    EXPECT_EQ(body, Bytes(4));
    state.thin = true;
    body.clear();
    sbc::append_provisioning(state, features, body);
    EXPECT_EQ(body, (Bytes{0, 0xe4, 2, 0}));
    features.discard_zeroes = false;
    body.clear();
    sbc::append_provisioning(state, features, body);
    EXPECT_EQ(body, (Bytes{0, 0xe0, 2, 0}));
}

TEST(DiskInquiry, ListsAndGivesItsVpdPages) {
    Harness harness(sbc::disk);
    Answer answer = harness.run({0x12, 1, 0x00, 0, 0xff, 0});
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data, (Bytes{0, 0, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2}));
    const std::vector<std::pair<uint8_t, size_t>> pages = {{0xb0, 64}, {0xb1, 64}, {0xb2, 8}};
    for (auto [code, length] : pages) {
        answer = harness.run({0x12, 1, code, 0, 0xff, 0});
        ASSERT_TRUE(answer.good());
        EXPECT_EQ(answer.data.size(), length);
        EXPECT_EQ(answer.data[1], code);
        EXPECT_EQ(wire::load_be<2>(&answer.data[2]), length - 4);
    }
}

TEST(DiskInquiry, NamesTheDisk) {
    Harness harness(sbc::disk);
    Answer answer = harness.run({0x12, 0, 0, 0, 0xff, 0});
    ASSERT_TRUE(answer.good());
    ASSERT_GE(answer.data.size(), 36u);
    EXPECT_EQ(answer.data[0], 0x00);
    EXPECT_EQ(std::string(answer.data.begin() + 8, answer.data.begin() + 36),
              "IET     VIRTUAL-DISK    0001");
}

}  // namespace
}  // namespace tgt::test
