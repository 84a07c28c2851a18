// SPDX-License-Identifier: GPL-2.0-or-later
// READ CAPACITY and GET LBA STATUS (SBC-4 5.7, 5.22, 5.23).
#include "device/sbc/capacity.h"

#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

using sbc::LbaRun;
using sbc::LbaRunBuilder;
using Runs = std::vector<LbaRun>;

Bytes capacity_16_cdb(uint32_t allocation) {
    Bytes cdb(16);
    cdb[0] = 0x9e;
    cdb[1] = 0x10;
    wire::store_be<4>(&cdb[10], allocation);
    return cdb;
}

Bytes status_cdb(uint64_t lba, uint32_t allocation) {
    Bytes cdb = block_cdb(0x9e, lba, allocation);
    cdb[1] = 0x12;
    return cdb;
}

TEST(ReadCapacity10, GivesTheLastBlockAndItsSize) {
    Harness harness(sbc::disk);
    Answer answer = harness.run({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data, (Bytes{0, 0, 0x07, 0xff, 0, 0, 2, 0}));
}

TEST(ReadCapacity10, SaysAllOnesWhenThirtyTwoBitsDoNotSuffice) {
    scsi::Geometry geometry;
    geometry.blocks = uint64_t(1) << 32;
    EXPECT_EQ(wire::load_be<4>(sbc::capacity_10_data(geometry).data()), 0xffffffffu);
    geometry.blocks = uint64_t(1) << 40;
    EXPECT_EQ(wire::load_be<4>(sbc::capacity_10_data(geometry).data()), 0xffffffffu);
    geometry.blocks = (uint64_t(1) << 32) - 1;
    EXPECT_EQ(wire::load_be<4>(sbc::capacity_10_data(geometry).data()), 0xfffffffeu);
}

TEST(ReadCapacity10, RefusesAnAddressWithoutPmi) {
    Harness harness(sbc::disk);
    EXPECT_EQ(harness.run({0x25, 0, 0, 0, 0, 1, 0, 0, 0, 0}).sense(), invalid_field_in_cdb);
    EXPECT_TRUE(harness.run({0x25, 0, 0, 0, 0, 1, 0, 0, 1, 0}).good());
}

TEST(ReadCapacity16, DescribesGeometryAndProvisioning) {
    scsi::LunState state;
    state.geometry.blocks = 0x123456789a;
    state.geometry.block_size = 4096;
    state.geometry.physical_exponent = 3;
    state.geometry.lowest_aligned_lba = 7;
    auto data = sbc::capacity_16_data(state, true);
    EXPECT_EQ(wire::load_be<8>(&data[0]), 0x1234567899u);
    EXPECT_EQ(wire::load_be<4>(&data[8]), 4096u);
    EXPECT_EQ(data[12], 0);
    EXPECT_EQ(data[13], 3);
    EXPECT_EQ(wire::load_be<2>(&data[14]), 7);
    state.thin = true;
    EXPECT_EQ(wire::load_be<2>(&sbc::capacity_16_data(state, true)[14]), 0xc007);
    EXPECT_EQ(wire::load_be<2>(&sbc::capacity_16_data(state, false)[14]), 0x8007);
}

TEST(ReadCapacity16, IsCutToTheAllocationLength) {
    Harness harness(sbc::disk);
    for (uint32_t allocation : {0, 1, 12, 31, 32, 100}) {
        Answer answer = harness.run(capacity_16_cdb(allocation));
        ASSERT_TRUE(answer.good());
        EXPECT_EQ(answer.data.size(), std::min(allocation, 32u));
    }
    Harness::Send send;
    send.expected_in = 8;
    Answer answer = harness.run(capacity_16_cdb(32), send);
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data.size(), 8u);
    EXPECT_EQ(answer.in_total, 32u);
}

TEST(LbaRunBuilder, MergesNeighboursAndStopsAtItsLimit) {
    LbaRunBuilder builder(4, 100, 512, 2);
    EXPECT_EQ(builder.offset(), 2048u);
    builder.add(512 * 4, true);
    builder.add(512 * 2, true);
    builder.add(512 * 10, false);
    EXPECT_FALSE(builder.complete());
    builder.add(512 * 10, true);
    EXPECT_TRUE(builder.complete());
    EXPECT_EQ(builder.runs(), Runs({{4, 6, true}, {10, 10, false}}));
}

TEST(LbaRunBuilder, CountsABlockThatIsDataInPartAsMapped) {
    LbaRunBuilder builder(0, 100, 4096, 10);
    builder.add(4096 + 512, false);  // a hole that ends inside block 1
    EXPECT_EQ(builder.offset(), 4096u);
    builder.add(512, false);
    builder.add(4096 * 2 + 1, true);  // data that ends inside block 4
    EXPECT_EQ(builder.offset(), 5u * 4096u);
    builder.add(1 << 30, false);
    EXPECT_TRUE(builder.complete());
    EXPECT_EQ(builder.runs(), Runs({{0, 1, false}, {1, 4, true}, {5, 95, false}}));
}

TEST(LbaStatusData, CutsARunThatADescriptorCannotHold) {
    const Runs runs = {{1, uint64_t(1) << 33, false}, {100, 1, true}};
    const Bytes data = sbc::lba_status_data(runs);
    ASSERT_EQ(data.size(), 24u);
    EXPECT_EQ(wire::load_be<4>(&data[0]), 20u);
    EXPECT_EQ(wire::load_be<8>(&data[8]), 1u);
    EXPECT_EQ(wire::load_be<4>(&data[16]), 0xffffffffu);
    EXPECT_EQ(data[20], 1);
}

class GetLbaStatus : public testing::Test {
  protected:
    static Harness::Options thin() {
        Harness::Options options;
        options.adjust = [](scsi::LunState& state) { state.thin = true; };
        return options;
    }
    static Runs runs_of(const Bytes& data) {
        Runs runs;
        for (size_t at = 8; at + 16 <= data.size(); at += 16)
            runs.push_back({wire::load_be<8>(&data[at]), wire::load_be<4>(&data[at + 8]),
                            (data[at + 12] & 0x0f) == 0});
        return runs;
    }
};

TEST_F(GetLbaStatus, ShowsTheHolesOfTheStore) {
    Harness harness(sbc::disk, thin());
    harness.store().put(8 * 512, Bytes(4096, 1));
    harness.store().put(32 * 512, Bytes(8192, 1));
    Answer answer = harness.run(status_cdb(0, 4096));
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(
        runs_of(answer.data),
        Runs({{0, 8, false}, {8, 8, true}, {16, 16, false}, {32, 16, true}, {48, 2000, false}}));
    answer = harness.run(status_cdb(35, 4096));
    EXPECT_EQ(runs_of(answer.data), Runs({{35, 13, true}, {48, 2000, false}}));
}

TEST_F(GetLbaStatus, GivesAsManyDescriptorsAsFit) {
    Harness harness(sbc::disk, thin());
    harness.store().put(8 * 512, Bytes(4096, 1));
    EXPECT_EQ(runs_of(harness.run(status_cdb(0, 40)).data), Runs({{0, 8, false}, {8, 8, true}}));
    EXPECT_EQ(runs_of(harness.run(status_cdb(0, 24)).data), Runs({{0, 8, false}}));
    EXPECT_EQ(harness.run(status_cdb(0, 12)).data.size(), 12u);
    EXPECT_EQ(harness.run(status_cdb(0, 0)).data.size(), 0u);
}

TEST_F(GetLbaStatus, RefusesAddressesBeyondTheEnd) {
    Harness harness(sbc::disk, thin());
    EXPECT_TRUE(harness.run(status_cdb(2047, 24)).good());
    for (uint64_t lba : {uint64_t(2048), uint64_t(1) << 55, uint64_t(1) << 63, UINT64_MAX})
        EXPECT_EQ(harness.run(status_cdb(lba, 24)).sense(), lba_out_of_range) << lba;
}

TEST_F(GetLbaStatus, OfAFullyProvisionedUnitIsMapped) {
    Harness harness(sbc::disk);
    EXPECT_EQ(runs_of(harness.run(status_cdb(10, 4096)).data), Runs({{10, 2038, true}}));
}

}  // namespace
}  // namespace tgt::test
