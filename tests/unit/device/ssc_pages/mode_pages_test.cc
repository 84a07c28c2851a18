// SPDX-License-Identifier: GPL-2.0-or-later
// MODE SENSE and MODE SELECT of a tape drive (SSC-4 8.3).
#include "device/ssc/mode_pages.h"

#include <gtest/gtest.h>

#include "wire/endian.h"

namespace tgt::ssc {
namespace {

using Bytes = std::vector<uint8_t>;
using scsi::LunState;

constexpr uint32_t invalid_parameter = 0x052600;

const scsi::DeviceType& type() {
    static const scsi::DeviceType tape = [] {
        scsi::DeviceType t;
        t.block_descriptor = block_descriptor;
        t.device_specific = device_specific;
        t.mode_rules = mode_rules;
        return t;
    }();
    return tape;
}

LunState drive(std::string_view name = "") {
    auto state = initial_state({});
    EXPECT_TRUE(set_personality(state, name));
    return state;
}

Bytes sense(const LunState& state, uint8_t page, uint8_t subpage = 0, uint8_t control = 0,
            const std::optional<MediumModes>& medium = {}) {
    scsi::ModeSenseRequest request;
    request.page = page;
    request.subpage = subpage;
    request.control = control;
    std::vector<scsi::ModePage> pages;
    return scsi::mode_sense_data(shown_modes(state, medium, pages), request).value_or(Bytes{});
}

Result<LunState, scsi::Sense> select(const LunState& state, Bytes list, bool long_header = false) {
    return scsi::mode_select(type(), state, long_header, list);
}

uint32_t code(const Result<LunState, scsi::Sense>& result) {
    if (result) return 0;
    const auto& s = result.error();
    return uint32_t(s.key) << 16 | uint32_t(s.asc) << 8 | s.ascq;
}

constexpr size_t first_page = 12;  // behind the header and a block descriptor

// A list of one page: header without a block descriptor, and the page as MODE SENSE shows it.
Bytes list_of(const LunState& state, uint8_t page, uint8_t subpage = 0) {
    Bytes data = sense(state, page, subpage);
    Bytes list = {0, 0, 0x10, 0};
    list.insert(list.end(), data.begin() + first_page, data.end());
    return list;
}

TEST(TapeModeHeader, Ssc4_8_3_1_ShowsTheMediumItsProtectionAndTheBlockLength) {
    auto state = drive("lto8");
    state.geometry.block_size = 65536;
    MediumModes medium;
    medium.density = 0x5e;
    medium.write_protected = true;
    const Bytes data = sense(state, 0x0f, 0, 0, medium);
    EXPECT_EQ(data[1], 0x88);
    EXPECT_EQ(data[2], 0x90);  // WP, buffered mode 1
    EXPECT_EQ(data[3], 8);
    EXPECT_EQ(Bytes(data.begin() + 4, data.begin() + 12), (Bytes{0x5e, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(TapeModeHeader, Ssc4_8_3_1_WithoutAMediumTheDefaults) {
    const Bytes data = sense(drive(), 0x0f);
    EXPECT_EQ(data[1], 0);
    EXPECT_EQ(data[2], 0x10);
    EXPECT_EQ(Bytes(data.begin() + 4, data.begin() + 12), Bytes(8));
}

TEST(TapeModeSelect, Ssc4_8_3_1_SetsTheBlockLengthAndBufferedMode) {
    const auto state = drive();
    const auto next = select(state, {0, 0, 0x00, 8, 0, 0, 0, 0, 0, 0, 2, 0});
    ASSERT_TRUE(next);
    EXPECT_EQ(fixed_block_bytes(*next), 512u);
    EXPECT_FALSE(buffered(*next));
    EXPECT_TRUE(buffered(state));
    const auto again = select(*next, {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0, 0});
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, state);
}

TEST(TapeModeSelect, Ssc4_8_3_1_TheLongHeaderDoesTheSame) {
    const auto next = select(drive(), {0, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0}, true);
    ASSERT_TRUE(next);
    EXPECT_EQ(fixed_block_bytes(*next), 65536u);
}

TEST(TapeModeSelect, Ssc4_8_3_1_KnowsTheDensitiesOfTheDrive) {
    auto with = [](uint8_t density) {
        return code(select(drive("lto5"), {0, 0, 0x10, 8, density, 0, 0, 0, 0, 0, 0, 0}));
    };
    EXPECT_EQ(with(0x00), 0u);
    EXPECT_EQ(with(0x7f), 0u);
    EXPECT_EQ(with(0x58), 0u);
    EXPECT_EQ(with(0x44), 0u);
    EXPECT_EQ(with(0x5a), invalid_parameter);
    EXPECT_EQ(code(select(drive(), {0, 0, 0x10, 8, 0x99, 0, 0, 0, 0, 0, 0, 0})), invalid_parameter);
}

TEST(TapeModeSelect, PointsToWhatIsWrongInHeaderAndDescriptor) {
    auto field = [](Bytes list) {
        const auto result = select(drive(), std::move(list));
        return result ? -1 : int(result.error().specific_value);
    };
    EXPECT_EQ(field({0, 0, 0x70, 0}), 2);                             // buffered mode 7
    EXPECT_EQ(field({0, 0, 0x11, 0}), 2);                             // a speed
    EXPECT_EQ(field({0, 0, 0x10, 16}), 3);                            // two descriptors
    EXPECT_EQ(field({0, 0, 0x10, 8, 0x99, 0, 0, 0, 0, 0, 0, 0}), 4);  // density
    EXPECT_EQ(field({0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0x80, 0, 1}), 9);  // block length
    EXPECT_EQ(field({0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0x80, 0, 0}), -1);
}

TEST(TapeModeSelect, Ssc4_8_3_1_IgnoresMediumTypeAndWriteProtection) {
    EXPECT_TRUE(select(drive("lto8"), {0, 0x88, 0x90, 0}));
}

TEST(TapeModeSelect, TakesBackWhatModeSenseShowsOfAnyMedium) {
    MediumModes medium;
    medium.density = 0x5e;
    medium.partitions = {1000000000000, 2000000000000};
    medium.max_partitions = 4;
    medium.active_partition = 1;
    for (const Personality& p : personalities()) {
        auto state = drive(p.name);
        Bytes data = sense(state, 0x3f, 0xff);
        ASSERT_FALSE(data.empty());
        const auto same = select(state, data);
        ASSERT_TRUE(same) << p.name << " byte " << same.error().specific_value;
        EXPECT_EQ(*same, state) << p.name;
    }
    const Bytes shown = sense(drive("lto8"), 0x10, 0, 0, medium);
    EXPECT_EQ(shown[first_page + 3], 1);
    const auto same = select(drive("lto8"), shown);
    ASSERT_TRUE(same);
    EXPECT_EQ(*same, drive("lto8"));
}

TEST(TapeModeSelect, AResetBringsVariableBlocksAndBuffersBack) {
    auto state = *select(drive(), {0, 0, 0x00, 8, 0, 0, 0, 0, 0, 0, 2, 0});
    reset_modes(state);
    EXPECT_EQ(state, drive());
}

TEST(TapeModePages, HaveTheLengthsOfTheStandard) {
    struct {
        uint8_t page, subpage;
        size_t length;
    } const expected[] = {{0x01, 0, 0x0a}, {0x02, 0, 0x0e},    {0x0a, 0, 0x0a}, {0x0f, 0, 0x0e},
                          {0x10, 0, 0x0e}, {0x11, 0, 0x0e},    {0x1a, 0, 0x26}, {0x1c, 0, 0x0a},
                          {0x1d, 0, 0x1e}, {0x0a, 0xf0, 0x1c}, {0x10, 1, 0x1c}};
    const auto state = drive("lto8");
    for (const auto& row : expected) {
        const Bytes data = sense(state, row.page, row.subpage);
        ASSERT_GT(data.size(), first_page + 4) << int(row.page);
        EXPECT_EQ(data[first_page] & 0x3f, row.page);
        const size_t length =
            row.subpage ? wire::load_be<2>(&data[first_page + 2]) : data[first_page + 1];
        EXPECT_EQ(length, row.length) << int(row.page);
        EXPECT_EQ(data.size(), first_page + (row.subpage ? 4 : 2) + length);
    }
    // Page 00h: vendor specific, empty.
    EXPECT_EQ(sense(state, 0x00, 0).size(), first_page + 2);
    EXPECT_EQ(state.mode_pages.size(), std::size(expected) + 1);
}

TEST(TapeModePages, StandInOrderOfTheirCodes) {
    for (const Personality& p : personalities()) {
        const auto pages = mode_pages(p);
        for (size_t i = 1; i < pages.size(); ++i)
            EXPECT_LT(std::pair(pages[i - 1].code, pages[i - 1].subcode),
                      std::pair(pages[i].code, pages[i].subcode));
    }
}

TEST(TapeModePages, Ssc4_8_3_2_CompressionIsOnAndCanBeSwitchedOff) {
    const auto state = drive();
    EXPECT_TRUE(compresses(state));
    Bytes list = list_of(state, 0x0f);
    EXPECT_EQ(list[6], 0xc0);
    EXPECT_EQ(list[7], 0x80);
    list[6] = 0x40;
    const auto off = select(state, list);
    ASSERT_TRUE(off);
    EXPECT_FALSE(compresses(*off));
    // Page 10h has a switch for the same.
    EXPECT_EQ(sense(*off, 0x10)[first_page + 14], 0);
    Bytes other = list_of(*off, 0x10);
    other[4 + 14] = 1;
    const auto on = select(*off, other);
    ASSERT_TRUE(on);
    EXPECT_EQ(*on, state);
}

TEST(TapeModePages, Ssc4_8_3_2_AnotherAlgorithmIsRefused) {
    Bytes list = list_of(drive(), 0x0f);
    list[4 + 7] = 0x10;
    EXPECT_EQ(code(select(drive(), list)), invalid_parameter);
}

TEST(TapeModePages, Ssc4_8_3_3_SoftwareWriteProtectionIsThatOfTheControlPage) {
    const auto state = drive();
    Bytes list = list_of(state, 0x10);
    list[4 + 10] |= 0x04;
    const auto locked = select(state, list);
    ASSERT_TRUE(locked);
    EXPECT_TRUE(locked->write_protected());
    EXPECT_EQ(sense(*locked, 0x0f)[2], 0x90);
    list = list_of(*locked, 0x0a);
    list[4 + 4] = 0;
    const auto open = select(*locked, list);
    ASSERT_TRUE(open);
    EXPECT_EQ(*open, state);
}

TEST(TapeModePages, Ssc4_8_3_8_ProgrammableEarlyWarningIsInMegabytes) {
    Bytes list = list_of(drive(), 0x10, 1);
    EXPECT_EQ(programmable_early_warning(drive()), 0u);
    list[4 + 6] = 0x01;
    list[4 + 7] = 0x02;
    const auto next = select(drive(), list);
    ASSERT_TRUE(next);
    EXPECT_EQ(programmable_early_warning(*next), 0x102u * 1000000);
}

TEST(TapeModePages, Ssc5_8_3_9_ProtectionMethodsAreThoseOfTheDrive) {
    auto choose = [](const LunState& state, uint8_t method, uint8_t length, uint8_t where) {
        Bytes list = list_of(state, 0x0a, 0xf0);
        list[4 + 4] = method;
        list[4 + 5] = length;
        list[4 + 6] = where;
        return select(state, list);
    };
    const auto on = choose(drive("lto8"), 2, 4, 0xc0);
    ASSERT_TRUE(on);
    EXPECT_EQ(protection_modes(*on).method, Protection::crc32c);
    EXPECT_TRUE(protection_modes(*on).writes && protection_modes(*on).reads);
    EXPECT_FALSE(protection_modes(*on).recovers);
    EXPECT_EQ(code(choose(drive("lto6"), 2, 4, 0xc0)), invalid_parameter);
    EXPECT_TRUE(choose(drive("lto6"), 1, 4, 0x80));
    EXPECT_EQ(code(choose(drive("lto8"), 3, 4, 0xc0)), invalid_parameter);
    EXPECT_EQ(code(choose(drive("lto8"), 1, 8, 0xc0)), invalid_parameter);
    const auto off = choose(*on, 0, 0, 0xc0);
    ASSERT_TRUE(off);
    EXPECT_FALSE(protection_modes(*off).writes);
    EXPECT_EQ(sense(drive("lto4"), 0x0a, 0xf0), Bytes());
}

TEST(TapeModePages, Ssc4_8_3_4_ShowsThePartitionsOfTheMediumInGigabytes) {
    MediumModes medium;
    medium.max_partitions = 4;
    medium.partitions = {38000000000, 11962000000000};
    const Bytes data = sense(drive("lto8"), 0x11, 0, 0, medium);
    const uint8_t* page = &data[first_page];
    EXPECT_EQ(page[2], 3);
    EXPECT_EQ(page[3], 1);
    EXPECT_EQ(page[4], 0x1c);
    EXPECT_EQ(page[6], 9);
    EXPECT_EQ(wire::load_be<2>(page + 8), 38u);
    EXPECT_EQ(wire::load_be<2>(page + 10), 11962u);
    EXPECT_EQ(wire::load_be<2>(page + 12), 0u);
}

TEST(TapeModePages, Ssc4_8_3_7_TheMediumConfigurationPageTellsWorm) {
    MediumModes medium;
    EXPECT_EQ(sense(drive(), 0x1d, 0, 0, medium)[first_page + 2], 0);
    medium.kind = store::TapeKind::worm;
    EXPECT_EQ(sense(drive(), 0x1d, 0, 0, medium)[first_page + 2], 1);
}

TEST(TapeModePages, WhatIsIgnoredIsNotShownAsChangeable) {
    EXPECT_EQ(sense(drive(), 0x10, 0, 1)[first_page + 3], 0);
    EXPECT_EQ(sense(drive(), 0x11, 0, 1)[first_page + 2], 0);
    EXPECT_EQ(sense(drive(), 0x0f, 0, 1)[first_page + 2], 0x80);
}

// ---- FORMAT MEDIUM's plan

LunState with_partition_page(const char* name, Bytes page_bytes) {
    Bytes list = {0, 0, 0x10, 0, 0x11, uint8_t(page_bytes.size())};
    list.insert(list.end(), page_bytes.begin(), page_bytes.end());
    auto next = select(drive(name), list);
    EXPECT_TRUE(next) << int(next ? 0 : next.error().specific_value);
    return next.value_or(drive(name));
}

using Sizes = std::vector<uint64_t>;

TEST(PartitionPlan, OnePartitionHasItAll) {
    EXPECT_EQ(*planned_partitions(drive("lto8"), 4, 1000), Sizes{1000});
}

TEST(PartitionPlan, Ssc4_8_3_4_IdpGivesTheSizesAsked) {
    // What LTFS asks for: partition 1 small, partition 0 the rest.
    const auto state =
        with_partition_page("lto8", {3, 1, 0x3c, 3, 9, 0, 0xff, 0xff, 0x00, 0x01, 0, 0, 0, 0});
    EXPECT_EQ(*planned_partitions(state, 4, 12000000000000), (Sizes{11999000000000, 1000000000}));
    EXPECT_FALSE(planned_partitions(state, 1, 12000000000000));
}

TEST(PartitionPlan, Ssc4_8_3_4_UnitsAreBytesKilobytesMegabytesOrAPowerOfTen) {
    auto first = [](uint8_t flags, uint8_t units) {
        const auto state = with_partition_page(
            "lto8", {3, 1, uint8_t(0x24 | flags), 3, units, 0, 0, 7, 0, 1, 0, 0, 0, 0});
        return (*planned_partitions(state, 4, 12000000000000))[0];
    };
    EXPECT_EQ(first(0x00, 0), 7u);
    EXPECT_EQ(first(0x08, 0), 7000u);
    EXPECT_EQ(first(0x10, 0), 7000000u);
    EXPECT_EQ(first(0x18, 10), 70000000000u);
}

TEST(PartitionPlan, Ssc4_8_3_4_SdpAndFdpShareTheMedium) {
    const auto state = with_partition_page("lto8", {3, 3, 0x5c, 3, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(*planned_partitions(state, 4, 10), (Sizes{4, 2, 2, 2}));
}

TEST(PartitionPlan, RefusesWhatDoesNotFit) {
    auto plan = [](Bytes page_bytes, uint64_t capacity) {
        return planned_partitions(with_partition_page("lto8", std::move(page_bytes)), 4, capacity);
    };
    EXPECT_FALSE(plan({3, 1, 0x3c, 3, 9, 0, 0, 2, 0, 1, 0, 0, 0, 0}, 2999999999));
    EXPECT_TRUE(plan({3, 1, 0x3c, 3, 9, 0, 0, 2, 0, 1, 0, 0, 0, 0}, 3000000000));
    EXPECT_FALSE(plan({3, 1, 0x3c, 3, 9, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 3000000000));
    EXPECT_FALSE(plan({3, 1, 0x3c, 3, 9, 0, 0xff, 0xff, 0, 3, 0, 0, 0, 0}, 3000000000));
    EXPECT_FALSE(plan({3, 1, 0x3c, 3, 15, 0, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0}, 3000000000));
}

TEST(PartitionPlan, AShorterPageMeansNoMorePartitions) {
    const auto state = with_partition_page("lto8", {3, 1, 0x34, 3, 0, 0, 0, 7, 0, 8});
    EXPECT_EQ(*planned_partitions(state, 4, 100000000), (Sizes{7000000, 8000000}));
    EXPECT_FALSE(select(drive("lto8"), {0, 0, 0x10, 0, 0x11, 5, 3, 0, 0, 3, 0}));
}

TEST(PartitionPlan, MorePartitionsThanTheDriveMakesAreRefused) {
    Bytes list = list_of(drive("lto5"), 0x11);
    list[4 + 3] = 2;
    EXPECT_EQ(code(select(drive("lto5"), list)), invalid_parameter);
    list[4 + 3] = 1;
    list[4 + 4] = 0x60;  // SDP and IDP
    EXPECT_EQ(code(select(drive("lto5"), list)), invalid_parameter);
}

}  // namespace
}  // namespace tgt::ssc
