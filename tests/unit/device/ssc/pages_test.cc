// SPDX-License-Identifier: GPL-2.0-or-later
// What the drive says of itself and its cartridge, through the engine.
#include <gtest/gtest.h>

#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

Bytes mode_sense_6(uint8_t page, uint8_t subpage = 0) {
    return {0x1a, 0, page, subpage, 0xff, 0};
}
Bytes mode_select_6(size_t length) {
    return {0x15, 0x10, 0, 0, uint8_t(length), 0};
}
Bytes log_sense(uint8_t page) {
    return {0x4d, 0, uint8_t(0x40 | page), 0, 0, 0, 0, 0x20, 0, 0};
}
Bytes log_select(uint8_t flags, uint8_t page, uint8_t length = 0) {
    return {0x4c, flags, uint8_t(0x40 | page), 0, 0, 0, 0, 0, length, 0};
}
Bytes density_support(uint8_t flags) {
    return {0x44, flags, 0, 0, 0, 0, 0, 0x10, 0, 0};
}
Bytes attribute(uint8_t opcode, uint8_t byte1, uint8_t partition, uint16_t first, uint32_t length) {
    Bytes cdb(16);
    cdb[0] = opcode;
    cdb[1] = byte1;
    cdb[7] = partition;
    wire::store_be<2>(&cdb[8], first);
    wire::store_be<4>(&cdb[10], length);
    return cdb;
}
Bytes read_attribute(uint8_t action, uint16_t first = 0, uint8_t partition = 0) {
    return attribute(0x8c, action, partition, first, 4096);
}

TEST(TapePages, ModeSenseTellsOfTheMediumAsItIs) {
    TapeBench bench;
    bench.write_blocks(1, 512);
    const Answer answer = bench.run(mode_sense_6(0x11));
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data[4], 0x60);  // made for no density: the drive's own
    EXPECT_EQ(answer.data[12] & 0x3f, 0x11);
}

TEST(TapePages, ModeSenseWithoutACartridgeHasNoDensity) {
    TapeBench bench;
    ASSERT_TRUE(bench.run(unload_cdb).good());
    const Answer answer = bench.run(mode_sense_6(0x0f));
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data[4], 0);
}

TEST(TapePages, ModeSelectSetsTheBlockLengthOfReads) {
    TapeBench bench;
    const Bytes list = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 2, 0};
    ASSERT_TRUE(bench.run(mode_select_6(list.size()), list).good());
    EXPECT_TRUE(bench.run(write_fixed(2), Bytes(1024)).good());
    EXPECT_EQ(bench.object(), 2u);
}

TEST(TapePages, Ssc4_7_7_DensitySupport) {
    TapeBench bench;
    EXPECT_EQ(bench.run(density_support(0)).data.size(), 4u + 10 * 52);
    EXPECT_EQ(bench.run(density_support(1)).data.size(), 4u + 52);
    EXPECT_EQ(bench.run(density_support(3)).data.size(), 4u + 56);
    ASSERT_TRUE(bench.run(unload_cdb).good());
    EXPECT_EQ(bench.run(density_support(1)).sense(), no_medium);
    EXPECT_TRUE(bench.run(density_support(2)).good());
}

TEST(TapePages, Ssc4_8_2_LogPagesAreListedAndCountWhatWasWritten) {
    TapeBench bench;
    bench.write_blocks(3, 1000);
    const Answer list = bench.run(log_sense(0));
    EXPECT_EQ(Bytes(list.data.begin() + 4, list.data.end()),
              (Bytes{0x00, 0x02, 0x03, 0x06, 0x0c, 0x11, 0x12, 0x14, 0x17, 0x1b, 0x2e, 0x30, 0x31,
                     0x32}));
    const Answer access = bench.run(log_sense(0x0c));
    ASSERT_TRUE(access.good());
    EXPECT_EQ(wire::load_be<8>(&access.data[8]), 3000u);
    for (uint8_t page : {0x02, 0x03, 0x06, 0x11, 0x12, 0x14, 0x17, 0x1b, 0x2e, 0x30, 0x31, 0x32})
        EXPECT_TRUE(bench.run(log_sense(page)).good()) << int(page);
}

TEST(TapePages, Spc4_6_7_LogSelectBeginsAnewAndTellsTheOthers) {
    TapeBench bench;
    bench.write_blocks(1, 1000);
    ASSERT_TRUE(bench.run(log_select(0x02, 0x0c)).good());
    const Answer access = bench.run(log_sense(0x0c));
    EXPECT_EQ(wire::load_be<8>(&access.data[8]), 0u);
    EXPECT_EQ(bench.run(log_select(0x01, 0x0c)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.run(log_select(0x02, 0x11)).sense(), invalid_field_in_cdb);
}

TEST(TapePages, Ssc4_4_2_20_TapeAlertFlagsAreToldOnce) {
    TapeBench bench(64 * mib, [](MemoryTape& tape) { tape.about.read_only = true; });
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), write_protected);
    auto flag = [&] { return bench.run(log_sense(0x2e)).data[4 + 5 * 8 + 4]; };
    EXPECT_EQ(flag(), 1);
    EXPECT_EQ(flag(), 0);
}

TEST(TapePages, Spc4_6_16_ReadAttribute) {
    TapeBench bench;
    const Answer values = bench.run(read_attribute(0));
    ASSERT_TRUE(values.good());
    EXPECT_EQ(wire::load_be<2>(&values.data[4]), 0x0000u);
    EXPECT_EQ(wire::load_be<8>(&values.data[9]), 64u);
    EXPECT_EQ(bench.run(read_attribute(2)).data, (Bytes{0, 2, 0, 1}));
    EXPECT_EQ(bench.run(read_attribute(3)).data, (Bytes{0, 2, 0, 1}));
    EXPECT_TRUE(bench.run(read_attribute(1)).good());
    EXPECT_TRUE(bench.run(read_attribute(5)).good());
    EXPECT_EQ(bench.run(read_attribute(4)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.run(read_attribute(0, 0, 1)).sense(), invalid_field_in_cdb);
}

TEST(TapePages, Spc4_6_41_WriteAttribute) {
    TapeBench bench;
    const Bytes list = {0, 0, 0, 7, 0x08, 0x01, 0x01, 0, 2, 'h', 'i'};
    ASSERT_TRUE(bench.run(attribute(0x8d, 0, 0, 0, uint32_t(list.size())), list).good());
    const Answer values = bench.run(read_attribute(0, 0x0800));
    EXPECT_EQ(Bytes(values.data.begin() + 4, values.data.begin() + 11),
              Bytes(list.begin() + 4, list.end()));
    Bytes wrong = list;
    wrong[4] = 0x00;
    EXPECT_EQ(bench.run(attribute(0x8d, 0, 0, 0, uint32_t(wrong.size())), wrong).sense(),
              invalid_field_in_parameters);
}

TEST(TapePages, VpdPagesAreListed) {
    TapeBench bench;
    const Answer answer = bench.run({0x12, 0x01, 0x00, 0, 0xff, 0});
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(Bytes(answer.data.begin() + 4, answer.data.end()),
              (Bytes{0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2, 0xb3, 0xb5}));
}

}  // namespace
}  // namespace tgt::test
