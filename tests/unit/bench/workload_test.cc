// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/workload.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace tgt::bench {
namespace {

constexpr Geometry geometry{1024, 512};

Options options_of(uint32_t block) {
    Options options;
    options.block = block;
    return options;
}

TEST(Workload, RandomIosAreAlignedInsideAndEverywhere) {
    Workload workload(options_of(4096), geometry, 0);
    std::set<uint64_t> seen;
    for (int i = 0; i < 5000; ++i) {
        const Io io = workload.next();
        EXPECT_EQ(io.blocks, 8u);
        EXPECT_EQ(io.lba % 8, 0u);
        EXPECT_LT(io.lba, geometry.blocks);
        seen.insert(io.lba);
    }
    EXPECT_EQ(seen.size(), 128u);
}

TEST(Workload, SequentialSessionsShareTheRangeAndStartAgain) {
    Options options = options_of(65536);  // 8 I/Os
    options.sequential = true;
    options.sessions = 2;
    Workload second(options, geometry, 1);
    for (const uint64_t lba : {512u, 640u, 768u, 896u, 512u}) EXPECT_EQ(second.next().lba, lba);
}

TEST(Workload, TheRangeLimitsIt) {
    Options options = options_of(4096);
    options.range = 8192;
    Workload workload(options, geometry, 0);
    EXPECT_EQ(workload.slots(), 2u);
    for (int i = 0; i < 100; ++i) EXPECT_LE(workload.next().lba, 8u);
    options.range = 4095;
    EXPECT_FALSE(Workload(options, geometry, 0).usable());
}

TEST(Workload, ThePercentageIsThatOfReads) {
    Options options = options_of(4096);
    options.read_percent = 70;
    Workload workload(options, geometry, 0);
    int reads = 0;
    for (int i = 0; i < 10000; ++i) reads += workload.next().write ? 0 : 1;
    EXPECT_NEAR(reads, 7000, 200);
}

TEST(Workload, SessionsDifferAndRunsRepeat) {
    Workload one(options_of(512), geometry, 0), other(options_of(512), geometry, 1),
        again(options_of(512), geometry, 0);
    int same = 0;
    for (int i = 0; i < 100; ++i) {
        const uint64_t lba = one.next().lba;
        EXPECT_EQ(again.next().lba, lba);
        same += other.next().lba == lba ? 1 : 0;
    }
    EXPECT_LT(same, 10);
}

TEST(Workload, EndsAtItsLimit) {
    Workload workload(options_of(512), geometry, 0);
    workload.limit(1);
    EXPECT_TRUE(workload.more());
    workload.next();
    EXPECT_FALSE(workload.more());
}

class Pattern : public testing::Test {
  protected:
    void SetUp() override { fill_pattern(bytes, 100, 512, 1); }
    bool matches(size_t from, size_t length, uint64_t lba = 100, uint64_t seed = 1) {
        return matches_pattern(std::span(bytes).subspan(from, length), lba, from, 512, seed);
    }
    std::vector<uint8_t> bytes = std::vector<uint8_t>(2048);
};

TEST_F(Pattern, IsFoundInPiecesOfAnyLength) {
    for (size_t from = 0; from < 530; ++from)
        for (const size_t length : {1, 7, 8, 9, 600}) EXPECT_TRUE(matches(from, length));
}

TEST_F(Pattern, OfAnotherBlockOrSeedDoesNotMatch) {
    EXPECT_FALSE(matches(0, 512, 101));
    EXPECT_FALSE(matches(0, 512, 100, 2));
    EXPECT_FALSE(matches_pattern(std::span(bytes).subspan(512, 512), 100, 0, 512, 1));
}

TEST_F(Pattern, EveryDamagedByteIsSeen) {
    for (size_t i = 0; i < bytes.size(); i += 13) {
        bytes[i] ^= 1;
        EXPECT_FALSE(matches(0, bytes.size())) << i;
        bytes[i] ^= 1;
    }
}

TEST(Workload, FillingWritesEverySlotOnceWhateverTheLoadIs) {
    Options options;
    options.block = 4096;
    options.sessions = 4;
    options.range = 64 << 10;
    Workload workload = Workload::filling(options, Geometry{1 << 20, 512});
    for (uint64_t slot = 0; slot < 16; ++slot) {
        ASSERT_TRUE(workload.more());
        const Io io = workload.next();
        EXPECT_TRUE(io.write);
        EXPECT_EQ(io.lba, slot * 8);
    }
    EXPECT_FALSE(workload.more());
}

TEST(TransferCdb, IsReadOrWrite16) {
    const auto cdb = transfer_cdb({0x0102030405060708, 0x090a0b0c, true});
    EXPECT_EQ(cdb, (std::array<uint8_t, 16>{0x8a, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc}));
    EXPECT_EQ(transfer_cdb({0, 1, false})[0], 0x88);
}

}  // namespace
}  // namespace tgt::bench
