// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/lun_state.h"

#include <gtest/gtest.h>

#include <random>

namespace tgt::scsi {
namespace {

// Draws random values of everything that a LunState holds.
class Random {
  public:
    explicit Random(unsigned seed) : engine_(seed) {}
    uint64_t number() { return engine_(); }
    bool flag() { return engine_() & 1; }
    std::vector<uint8_t> bytes() {
        std::vector<uint8_t> out(engine_() % 40);
        for (uint8_t& byte : out) byte = uint8_t(engine_());
        return out;
    }
    std::string text() {
        const auto raw = bytes();
        return {raw.begin(), raw.end()};
    }
    NexusId nexus() { return {text(), uint16_t(number())}; }
    std::optional<NexusId> maybe_nexus() {
        if (flag()) return std::nullopt;
        return nexus();
    }
    LunState state();

  private:
    Reservations reservations();
    std::mt19937_64 engine_;
};

Reservations Random::reservations() {
    constexpr ReservationType types[] = {ReservationType::none, ReservationType::write_exclusive,
                                         ReservationType::exclusive_access_all_registrants};
    Reservations out;
    out.reserve6_holder = maybe_nexus();
    out.generation = uint32_t(number());
    for (size_t i = number() % 5; i > 0; --i) out.registrations.push_back({nexus(), number()});
    out.type = types[number() % 3];
    out.holder = maybe_nexus();
    out.aptpl = flag();
    return out;
}

LunState Random::state() {
    LunState out;
    out.identity = {text(), text(), text(), text(), text()};
    out.geometry = {number(),           uint32_t(number()), uint8_t(number()), uint16_t(number()),
                    uint16_t(number()), uint32_t(number()), uint16_t(number())};
    out.online = flag();
    out.removable = flag();
    out.medium_present = flag();
    out.read_only = flag();
    out.thin = flag();
    out.descriptor_sense = flag();
    out.unmap_granularity = uint32_t(number());
    for (size_t i = number() % 6; i > 0; --i)
        out.mode_pages.push_back({uint8_t(number()), uint8_t(number()), bytes(), bytes(), bytes()});
    out.reservations = reservations();
    return out;
}

TEST(LunState, RestoreOfSnapshotIsTheSameForRandomStates) {
    Random random(1);
    for (int i = 0; i < 500; ++i) {
        const LunState state = random.state();
        const auto restored = restore_lun_state(snapshot(state));
        ASSERT_TRUE(restored) << restored.error().text;
        ASSERT_EQ(*restored, state);
    }
}

TEST(LunState, DamagedSnapshotsAreRefusedWithAReason) {
    const std::string good = snapshot(LunState());
    for (const std::string& text :
         {std::string(), std::string("{"), std::string("[]"), std::string("{\"version\":1}"),
          good.substr(0, good.size() / 2), std::string("{\"version\":2}")}) {
        const auto restored = restore_lun_state(text);
        ASSERT_FALSE(restored) << text;
        EXPECT_NE(restored.error().text.find("saved state"), std::string::npos);
    }
}

TEST(LunState, WrongTypesInASnapshotAreRefused) {
    std::string text = snapshot(LunState());
    const size_t at = text.find("\"thin\":false");
    ASSERT_NE(at, std::string::npos);
    text.replace(at, 12, "\"thin\":\"no\"");
    EXPECT_FALSE(restore_lun_state(text));
}

TEST(LunState, FindsModePagesByCodeAndSubcode) {
    LunState state;
    state.mode_pages = {{0x0a, 0, {1}, {}, {}}, {0x0a, 1, {2}, {}, {}}};
    EXPECT_EQ(state.mode_page(0x0a)->current[0], 1);
    EXPECT_EQ(state.mode_page(0x0a, 1)->current[0], 2);
    EXPECT_EQ(state.mode_page(0x08), nullptr);
    EXPECT_EQ(state.mode_page(0x0a, 2), nullptr);
}

TEST(LunState, ReadsTheBitsOfTheCachingAndControlPages) {
    LunState state;
    state.mode_pages = {{0x08, 0, {0x04}, {}, {}}, {0x0a, 0, {0x04, 0, 0x08, 0x40}, {}, {}}};
    EXPECT_TRUE(state.write_cache_enabled());
    EXPECT_TRUE(state.sense_descriptor_format());
    EXPECT_TRUE(state.software_write_protected());
    EXPECT_TRUE(state.write_protected());
    EXPECT_TRUE(state.task_aborted_status());
    state.mode_pages = {{0x08, 0, {0xfb}, {}, {}}, {0x0a, 0, {0xfb, 0xff, 0xf7, 0xbf}, {}, {}}};
    EXPECT_FALSE(state.write_cache_enabled());
    EXPECT_FALSE(state.sense_descriptor_format());
    EXPECT_FALSE(state.software_write_protected());
    EXPECT_FALSE(state.write_protected());
    EXPECT_FALSE(state.task_aborted_status());
}

TEST(LunState, PagesThatAreAbsentOrTooShortAnswerFalse) {
    LunState state;
    EXPECT_FALSE(state.write_cache_enabled());
    state.mode_pages = {{0x08, 0, {}, {}, {}}, {0x0a, 0, {0, 0}, {}, {}}};
    EXPECT_FALSE(state.write_cache_enabled());
    EXPECT_FALSE(state.software_write_protected());
}

TEST(LunState, DescriptorSenseCountsWithoutAControlPage) {
    LunState state;
    state.descriptor_sense = true;
    EXPECT_TRUE(state.sense_descriptor_format());
}

TEST(LunState, ReadOnlyIsWriteProtected) {
    LunState state;
    state.read_only = true;
    EXPECT_TRUE(state.write_protected());
}

}  // namespace
}  // namespace tgt::scsi
