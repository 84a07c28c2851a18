// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/mode_pages.h"

#include <gtest/gtest.h>

#include "tests/unit/scsi/harness.h"
#include "tests/unit/scsi/test_device.h"

namespace tgt::scsi {
namespace {

using Bytes = std::vector<uint8_t>;
using test::Harness;

const DeviceType& type() {
    return test::spc_device();
}
LunState initial() {
    return type().initial_state({});
}

// The caching page as MODE SENSE returns it, with byte 2.
Bytes caching_page(uint8_t byte2) {
    Bytes page(20, 0);
    page[0] = 0x08;
    page[1] = 18;
    page[2] = byte2;
    return page;
}
Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

ModeSenseRequest request(uint8_t page, uint8_t control = 0) {
    ModeSenseRequest out;
    out.page = page;
    out.control = control;
    out.no_descriptors = true;
    return out;
}

const Bytes descriptor = {0, 0, 8, 0, 0, 0, 2, 0};
const Bytes long_descriptor = {0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 0};

TEST(ModeSense, ShortHeaderDescriptorAndPage_Spc5_7_5_6) {
    auto wanted = request(0x08);
    wanted.no_descriptors = false;
    EXPECT_EQ(*mode_sense_data(type(), initial(), wanted),
              Bytes({31, 0, 0x10, 8}) + descriptor + caching_page(0x04));
}

TEST(ModeSense, LongHeaderWithShortAndLongDescriptor_Spc5_7_5_7) {
    auto wanted = request(0x08);
    wanted.no_descriptors = false;
    wanted.long_header = true;
    EXPECT_EQ(*mode_sense_data(type(), initial(), wanted),
              Bytes({0, 34, 0, 0x10, 0, 0, 0, 8}) + descriptor + caching_page(0x04));
    wanted.long_lba = true;
    EXPECT_EQ(*mode_sense_data(type(), initial(), wanted),
              Bytes({0, 42, 0, 0x10, 1, 0, 0, 16}) + long_descriptor + caching_page(0x04));
}

TEST(ModeSense, DbdLeavesTheDescriptorOut) {
    EXPECT_EQ(*mode_sense_data(type(), initial(), request(0x08)),
              Bytes({23, 0, 0x10, 0}) + caching_page(0x04));
}

TEST(ModeSense, PageControlSelectsTheValues_Spc5_6_15) {
    LunState state = initial();
    state.mode_page(0x08)->current[0] = 0;
    const uint8_t expected[] = {0x00, 0x04, 0x04};  // current, changeable, default
    for (uint8_t control = 0; control < 3; ++control)
        EXPECT_EQ((*mode_sense_data(type(), state, request(0x08, control)))[6], expected[control]);
    EXPECT_EQ(mode_sense_data(type(), state, request(0x08, 3)).error(),
              sense::saving_parameters_not_supported());
}

TEST(ModeSense, AMissingChangeableMaskIsAllZero) {
    LunState state = initial();
    state.mode_page(0x08)->changeable.clear();
    EXPECT_EQ(*mode_sense_data(type(), state, request(0x08, 1)),
              Bytes({23, 0, 0x10, 0}) + caching_page(0));
}

TEST(ModeSense, WriteProtectionShowsInTheHeader) {
    LunState state = initial();
    state.read_only = true;
    EXPECT_EQ((*mode_sense_data(type(), state, request(0x08)))[2], 0x90);
}

// The (code, subcode) pairs of the pages in MODE SENSE(6) data without descriptors.
std::vector<std::pair<int, int>> pages_of(const Bytes& data) {
    std::vector<std::pair<int, int>> pages;
    for (size_t at = 4; at < data.size();) {
        const bool sub = data[at] & 0x40;
        pages.emplace_back(data[at] & 0x3f, sub ? data[at + 1] : 0);
        at += sub ? 4u + (data[at + 2] << 8 | data[at + 3]) : 2u + data[at + 1];
    }
    return pages;
}

TEST(ModeSense, AllPagesWithAndWithoutSubpages_Spc5_Table429) {
    using Pages = std::vector<std::pair<int, int>>;
    auto wanted = request(0x3f);
    EXPECT_EQ(pages_of(*mode_sense_data(type(), initial(), wanted)),
              Pages({{0x08, 0}, {0x0a, 0}, {0x00, 0}}));
    wanted.subpage = 0xff;
    EXPECT_EQ(pages_of(*mode_sense_data(type(), initial(), wanted)),
              Pages({{0x08, 0}, {0x0a, 0}, {0x0a, 1}, {0x00, 0}}));
    wanted = request(0x0a);
    wanted.subpage = 0xff;
    EXPECT_EQ(pages_of(*mode_sense_data(type(), initial(), wanted)), Pages({{0x0a, 0}, {0x0a, 1}}));
    wanted.subpage = 1;
    EXPECT_EQ(pages_of(*mode_sense_data(type(), initial(), wanted)), Pages({{0x0a, 1}}));
}

TEST(ModeSense, UnknownPagesPointAtPageOrSubpage) {
    EXPECT_EQ(mode_sense_data(type(), initial(), request(0x1c)).error(),
              sense::invalid_field_in_cdb(2, 5));
    auto wanted = request(0x0a);
    wanted.subpage = 2;
    EXPECT_EQ(mode_sense_data(type(), initial(), wanted).error(), sense::invalid_field_in_cdb(3));
    wanted = request(0x3f);
    wanted.subpage = 1;
    EXPECT_EQ(mode_sense_data(type(), initial(), wanted).error(), sense::invalid_field_in_cdb(3));
}

TEST(ModeSelect, AnEmptyListChangesNothing_Spc5_6_13) {
    EXPECT_EQ(*mode_select(type(), initial(), false, {}), initial());
}

TEST(ModeSelect, ChangesChangeableBitsAndLeavesDefaults) {
    const auto next = mode_select(type(), initial(), false, Bytes(4, 0) + caching_page(0));
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->write_cache_enabled());
    EXPECT_EQ(next->mode_page(0x08)->defaults[0], 0x04);
}

TEST(ModeSelect, TakesBackWhatModeSenseGave) {
    auto wanted = request(0x3f);
    wanted.subpage = 0xff;
    wanted.no_descriptors = false;
    for (bool long_header : {false, true}) {
        for (bool long_lba : {false, true}) {
            wanted.long_header = long_header;
            wanted.long_lba = long_header && long_lba;
            const auto data = mode_sense_data(type(), initial(), wanted);
            const auto next = mode_select(type(), initial(), long_header, *data);
            ASSERT_TRUE(next) << int(next.error().specific_value);
            EXPECT_EQ(*next, initial());
        }
    }
}

TEST(ModeSelect, SeveralPagesInOneList) {
    Bytes control(12, 0);
    control[0] = 0x0a;
    control[1] = 10;
    control[2] = 0x20;
    control[4] = 0x08;
    const auto next =
        mode_select(type(), initial(), false, Bytes(4, 0) + caching_page(0) + control);
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->write_cache_enabled());
    EXPECT_TRUE(next->software_write_protected());
}

TEST(ModeSelect, NumberOfBlocksMayBeZeroOrAllOnes_Sbc4_6_5_2) {
    for (uint8_t fill : {0x00, 0xff}) {
        Bytes list = Bytes({0, 0, 0, 8}) + descriptor;
        std::fill_n(list.begin() + 4, 4, fill);
        EXPECT_TRUE(mode_select(type(), initial(), false, list));
    }
}

struct WrongList {
    bool long_header;
    Bytes list;
    Sense sense;
};

TEST(ModeSelect, RefusesWrongListsWithExactPointers) {
    const Bytes header(4, 0), long_header(8, 0);
    Bytes cut = header + caching_page(0);
    cut.pop_back();
    Bytes wrong_length = header + caching_page(0);
    wrong_length[5] = 17;
    Bytes saved = header + caching_page(0);
    saved[4] |= 0x80;
    Bytes other_blocks = Bytes({0, 0, 0, 8}) + descriptor, other_size = other_blocks;
    other_blocks[7] = 1;
    other_size[10] = 4;
    const WrongList cases[] = {
        {false, {0}, sense::parameter_list_length_error()},
        {true, header, sense::parameter_list_length_error()},
        {false, {0, 1, 0, 0}, sense::invalid_field_in_parameters(1)},
        {true, {0, 0, 1, 0, 0, 0, 0, 0}, sense::invalid_field_in_parameters(2)},
        {false, Bytes({0, 0, 0, 4}) + descriptor, sense::invalid_field_in_parameters(3)},
        {true, Bytes({0, 0, 0, 0, 1, 0, 0, 8}) + descriptor, sense::invalid_field_in_parameters(6)},
        {false, {0, 0, 0, 8, 0, 0, 8}, sense::parameter_list_length_error()},
        {false, other_blocks, sense::invalid_field_in_parameters(4)},
        {false, other_size, sense::invalid_field_in_parameters(10)},
        {false, header + Bytes({0x08}), sense::parameter_list_length_error()},
        {false, cut, sense::parameter_list_length_error()},
        {false, wrong_length, sense::invalid_field_in_parameters(5)},
        {false, saved, sense::invalid_field_in_parameters(4, 7)},
        {false, header + Bytes({0x1c, 10}) + Bytes(10, 0),
         sense::invalid_field_in_parameters(4, 5)},
        {false, header + Bytes({0x4a, 2, 0, 0}), sense::invalid_field_in_parameters(5)},
        {false, header + Bytes({0x4a, 1, 0, 27}), sense::invalid_field_in_parameters(6)},
        {false, header + Bytes({0x4a, 1, 0}), sense::parameter_list_length_error()},
        {false, header + Bytes({0x48, 0, 0, 18}) + Bytes(18, 0),
         sense::invalid_field_in_parameters(5)},
        {false, header + caching_page(0x14), sense::invalid_field_in_parameters(6, 4)},
        {true, long_header + caching_page(0x05), sense::invalid_field_in_parameters(10, 0)},
        {false, header + caching_page(0) + caching_page(0x80),
         sense::invalid_field_in_parameters(26, 7)},
    };
    for (const WrongList& c : cases) {
        const auto next = mode_select(type(), initial(), c.long_header, c.list);
        ASSERT_FALSE(next) << &c - cases;
        EXPECT_EQ(next.error(), c.sense) << &c - cases;
    }
}

// ---- tgtadm's mode_page ----

TEST(ReplaceModePage, TakesDecimalHexAndOctalAndFillsWithZeroes) {
    const auto pages = replace_mode_page(initial().mode_pages, "8:0:18:0x14:10:010");
    ASSERT_TRUE(pages) << pages.error().text;
    ASSERT_EQ(pages->size(), initial().mode_pages.size());
    const ModePage& page = (*pages)[1];
    EXPECT_EQ(page.code, 8);
    EXPECT_EQ(Bytes(page.current.begin(), page.current.begin() + 4), Bytes({0x14, 10, 8, 0}));
    EXPECT_EQ(page.current.size(), 18u);
    EXPECT_EQ(page.defaults, page.current);
    EXPECT_EQ(page.changeable[0], 0x04);
}

TEST(ReplaceModePage, AddsAPageInItsPlace) {
    const auto pages = replace_mode_page(initial().mode_pages, "9:3:2");
    ASSERT_TRUE(pages);
    ASSERT_EQ(pages->size(), 5u);
    EXPECT_EQ((*pages)[2].code, 9);
    EXPECT_EQ((*pages)[2].subcode, 3);
    EXPECT_EQ((*pages)[2].current, Bytes({0, 0}));
    EXPECT_EQ((*pages)[2].changeable.size(), 2u);
}

TEST(ReplaceModePage, RefusesWhatIsNoPage) {
    for (const char* text : {"", "8", "8:0", "8:0:1:1:2", "8:0:256", "63:0:2", "8:255:2", "x:0:1",
                             "8:0:2:256", "8:0:2::1", "300:0:1", "8:0:2:-1"}) {
        const auto pages = replace_mode_page({}, text);
        ASSERT_FALSE(pages) << text;
        EXPECT_NE(pages.error().text.find("mode_page"), std::string::npos);
    }
}

// ---- through the command engine ----

TEST(ModeCommands, SelectIsInForceAndToldToTheOtherNexuses_Spc5_6_13) {
    Harness harness(type());
    harness.add_nexus("iqn.b,i,0x00000000000b");
    Harness::Send other;
    other.nexus = 1;
    const Bytes list = Bytes(4, 0) + caching_page(0);
    EXPECT_TRUE(harness.run({0x15, 0x10, 0, 0, uint8_t(list.size()), 0}, list).good());
    EXPECT_EQ(harness.run(Bytes(6, 0), other).sense(), 0x062a01u);
    EXPECT_TRUE(harness.run(Bytes(6, 0)).good());
    EXPECT_EQ(harness.run({0x1a, 8, 8, 0, 255, 0}).data[6], 0);
    EXPECT_TRUE(harness.run({0x15, 0x10, 0, 0, uint8_t(list.size()), 0}, list).good());
    EXPECT_TRUE(harness.run(Bytes(6, 0), other).good()) << "nothing has changed this time";
}

TEST(ModeCommands, Select10ReadsTheLongHeader) {
    Harness harness(type());
    const Bytes list = Bytes(8, 0) + caching_page(0);
    EXPECT_TRUE(harness.run({0x55, 0x10, 0, 0, 0, 0, 0, 0, uint8_t(list.size()), 0}, list).good());
    const auto sense = harness.run({0x5a, 8, 8, 0, 0, 0, 0, 0, 255, 0});
    ASSERT_TRUE(sense.good());
    EXPECT_EQ(sense.data, Bytes({0, 26, 0, 0x10, 0, 0, 0, 0}) + caching_page(0));
}

TEST(ModeCommands, SelectNeedsPfAndNoSp) {
    Harness harness(type());
    EXPECT_EQ(*harness.run({0x15, 0x00, 0, 0, 4, 0}, Bytes(4, 0)).outcome.sense,
              sense::invalid_field_in_cdb(1, 4));
    EXPECT_EQ(*harness.run({0x15, 0x11, 0, 0, 4, 0}, Bytes(4, 0)).outcome.sense,
              sense::invalid_field_in_cdb(1, 0));
}

TEST(ModeCommands, ATruncatedListIsALengthErrorAndChangesNothing) {
    Harness harness(type());
    Harness::Send send;
    send.data = Bytes(4, 0) + caching_page(0);
    send.expected_out = 4;
    EXPECT_EQ(harness.run({0x15, 0x10, 0, 0, 24, 0}, send).sense(), 0x051a00u);
    EXPECT_EQ(harness.run({0x1a, 8, 8, 0, 255, 0}).data[6], 0x04);
}

TEST(ModeCommands, AllocationLengthCutsMode6) {
    Harness harness(type());
    const auto answer = harness.run({0x1a, 0, 0x3f, 0, 4, 0});
    EXPECT_EQ(answer.data.size(), 4u);
    EXPECT_EQ(answer.in_total, 4u);
}

}  // namespace
}  // namespace tgt::scsi
