// SPDX-License-Identifier: GPL-2.0-or-later
// UNMAP (SBC-4 5.35).
#include "device/sbc/unmap.h"

#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "device/sbc/limits.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

using sbc::parse_unmap_list;
using sbc::UnmapRange;
using Ranges = std::vector<UnmapRange>;
constexpr uint64_t capacity = 1000;

Bytes unmap_list(const Ranges& ranges) {
    Bytes list(8 + 16 * ranges.size());
    wire::store_be<2>(&list[0], uint16_t(list.size() - 2));
    wire::store_be<2>(&list[2], uint16_t(list.size() - 8));
    for (size_t i = 0; i < ranges.size(); ++i) {
        wire::store_be<8>(&list[8 + 16 * i], ranges[i].lba);
        wire::store_be<4>(&list[16 + 16 * i], ranges[i].blocks);
    }
    return list;
}

Bytes unmap_cdb(size_t length) {
    Bytes cdb(10);
    cdb[0] = 0x42;
    wire::store_be<2>(&cdb[7], uint16_t(length));
    return cdb;
}

uint32_t code(const scsi::Sense& sense) {
    return uint32_t(sense.key) << 16 | uint32_t(sense.asc) << 8 | sense.ascq;
}

TEST(UnmapList, GivesItsRangesInOrder) {
    const Ranges ranges = {{5, 10}, {900, 100}, {0, 1}};
    auto parsed = parse_unmap_list(unmap_list(ranges), capacity);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, ranges);
}

TEST(UnmapList, MayBeEmptyAndHoldEmptyRanges) {
    EXPECT_EQ(parse_unmap_list({}, capacity).value(), Ranges());
    EXPECT_EQ(parse_unmap_list(unmap_list({}), capacity).value(), Ranges());
    EXPECT_EQ(parse_unmap_list(unmap_list({{3, 0}, {4, 1}}), capacity).value(), Ranges({{4, 1}}));
}

TEST(UnmapList, IgnoresAnIncompleteLastDescriptor) {
    Bytes list = unmap_list({{5, 10}, {6, 10}});
    wire::store_be<2>(&list[2], 31);
    EXPECT_EQ(parse_unmap_list(list, capacity).value(), Ranges({{5, 10}}));
}

TEST(UnmapList, ThatIsTruncatedIsAParameterListLengthError) {
    const Bytes list = unmap_list({{5, 10}, {6, 10}});
    for (size_t length : {1, 7, 8, 23, 39}) {
        auto parsed = parse_unmap_list(std::span(list).first(length), capacity);
        ASSERT_FALSE(parsed) << length;
        EXPECT_EQ(code(parsed.error()), parameter_list_length);
    }
}

TEST(UnmapList, BeyondTheCapacityIsRefusedWhole) {
    for (UnmapRange bad : {UnmapRange{999, 2}, UnmapRange{1000, 1}, UnmapRange{UINT64_MAX, 1},
                           UnmapRange{1001, 0}, UnmapRange{uint64_t(1) << 63, 0xffffffff}}) {
        auto parsed = parse_unmap_list(unmap_list({{0, 1}, bad}), capacity);
        ASSERT_FALSE(parsed) << bad.lba;
        EXPECT_EQ(code(parsed.error()), lba_out_of_range);
        EXPECT_EQ(parsed.error().information, bad.lba);
    }
}

TEST(UnmapList, KeepsToTheReportedLimits) {
    Ranges many(sbc::max_unmap_descriptors, UnmapRange{1, 1});
    EXPECT_TRUE(parse_unmap_list(unmap_list(many), capacity));
    many.push_back({1, 1});
    auto parsed = parse_unmap_list(unmap_list(many), capacity);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(code(parsed.error()), invalid_field_in_parameters);

    const uint64_t large = uint64_t(1) << 40;
    EXPECT_TRUE(parse_unmap_list(unmap_list({{0, sbc::max_unmap_blocks}}), large));
    parsed = parse_unmap_list(unmap_list({{0, 1}, {0, sbc::max_unmap_blocks}}), large);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(code(parsed.error()), invalid_field_in_parameters);
    EXPECT_EQ(parsed.error().specific_value, 8 + 16 + 8);
}

class Unmap : public testing::Test {
  protected:
    static Harness::Options thin(bool on) {
        Harness::Options options;
        options.adjust = [on](scsi::LunState& state) { state.thin = on; };
        return options;
    }
    static Answer run(Harness& harness, const Bytes& list) {
        return harness.run(unmap_cdb(list.size()), list);
    }
};

TEST_F(Unmap, MakesHolesThatReadAsZeroes) {
    Harness harness(sbc::disk, thin(true));
    harness.store().put(0, Bytes(64 << 10, 0xff));
    ASSERT_TRUE(run(harness, unmap_list({{8, 8}, {32, 16}})).good());
    EXPECT_TRUE(harness.store().is_hole(8 * 512));
    EXPECT_TRUE(harness.store().is_hole(40 * 512));
    EXPECT_EQ(harness.run(block_cdb(0x28, 8, 8)).data, Bytes(4096));
    EXPECT_EQ(harness.run(block_cdb(0x28, 7, 1)).data, Bytes(512, 0xff));
    EXPECT_EQ(harness.run(block_cdb(0x28, 16, 1)).data, Bytes(512, 0xff));
}

TEST_F(Unmap, OfAnythingBadUnmapsNothing) {
    Harness harness(sbc::disk, thin(true));
    harness.store().put(0, Bytes(4096, 0xff));
    EXPECT_EQ(run(harness, unmap_list({{0, 8}, {2048, 1}})).sense(), lba_out_of_range);
    EXPECT_FALSE(harness.store().is_hole(0));
}

TEST_F(Unmap, WithoutAParameterListIsGood) {
    Harness harness(sbc::disk, thin(true));
    EXPECT_TRUE(run(harness, {}).good());
    EXPECT_TRUE(harness.store().done().empty());
}

TEST_F(Unmap, OfAListShorterThanAnnouncedIsRefused) {
    Harness harness(sbc::disk, thin(true));
    EXPECT_EQ(harness.run(unmap_cdb(24), Bytes(8)).sense(), parameter_list_length);
}

TEST_F(Unmap, RefusesAnchor) {
    Harness harness(sbc::disk, thin(true));
    Bytes cdb = unmap_cdb(24);
    cdb[1] = 1;
    Answer answer = harness.run(cdb, unmap_list({{0, 1}}));
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
    EXPECT_EQ(answer.outcome.sense->specific_value, 1u);
}

TEST_F(Unmap, IsNoCommandOfAFullyProvisionedUnit) {
    Harness harness(sbc::disk, thin(false));
    EXPECT_EQ(run(harness, unmap_list({{0, 8}})).sense(), invalid_opcode);
}

TEST_F(Unmap, IsRefusedWhenWriteProtected) {
    Harness::Options options;
    options.adjust = [](scsi::LunState& state) { state.thin = state.read_only = true; };
    Harness harness(sbc::disk, options);
    EXPECT_EQ(run(harness, unmap_list({{0, 8}})).sense(), write_protected);
}

TEST_F(Unmap, DoesNothingOnAStoreThatCannotDiscard) {
    auto options = thin(true);
    options.prepare = [](MemoryStore& store) { store.info_.features.discard = false; };
    Harness harness(sbc::disk, options);
    EXPECT_TRUE(run(harness, unmap_list({{0, 8}})).good());
    EXPECT_TRUE(harness.store().done().empty());
}

TEST_F(Unmap, ReachesTheMediumWithoutAWriteCache) {
    Harness::Options options;
    options.adjust = [](scsi::LunState& state) {
        state.thin = true;
        state.mode_page(0x08)->current[0] = 0;
    };
    Harness harness(sbc::disk, options);
    ASSERT_TRUE(run(harness, unmap_list({{0, 8}})).good());
    EXPECT_EQ(harness.store().count(store::OpKind::flush), 1u);
}

}  // namespace
}  // namespace tgt::test
