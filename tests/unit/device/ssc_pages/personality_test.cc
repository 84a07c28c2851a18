// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/personality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "device/ssc/density.h"

namespace tgt::ssc {
namespace {

const Personality& drive(std::string_view name) {
    const Personality* found = find_personality(name);
    EXPECT_TRUE(found) << name;
    return *found;
}

TEST(TapePersonality, HasAFormFactorOfInquiryDataAndANameOfItsOwn) {
    std::set<std::string_view> names;
    for (const Personality& p : personalities()) {
        EXPECT_TRUE(names.insert(p.name).second) << p.name;
        EXPECT_LE(p.vendor.size(), 8u);
        EXPECT_LE(p.product.size(), 16u);
        EXPECT_EQ(p.revision.size(), 4u);
        EXPECT_EQ(use_of(p, p.density), Use::write) << p.name;
        for (uint8_t code : p.writes) EXPECT_TRUE(find_density(code)) << p.name;
        for (uint8_t code : p.reads_only) EXPECT_TRUE(find_density(code)) << p.name;
    }
    EXPECT_TRUE(personalities()[0].name.empty());
}

TEST(TapePersonality, GenerationsWriteThePreviousAndReadTheOneBeforeUpToLto7) {
    struct {
        const char* name;
        std::vector<uint8_t> writes, reads;
    } const expected[] = {
        {"lto1", {0x40}, {}},           {"lto2", {0x42, 0x40}, {}},
        {"lto3", {0x44, 0x42}, {0x40}}, {"lto4", {0x46, 0x44}, {0x42}},
        {"lto5", {0x58, 0x46}, {0x44}}, {"lto6", {0x5a, 0x58}, {0x46}},
        {"lto7", {0x5c, 0x5a}, {0x58}}, {"lto8", {0x5e, 0x5d, 0x5c}, {}},
        {"lto9", {0x60, 0x5e}, {}},
    };
    for (const auto& row : expected)
        for (const Density& density : densities()) {
            auto has = [&](const std::vector<uint8_t>& codes) {
                return std::count(codes.begin(), codes.end(), density.code) > 0;
            };
            const Use use = has(row.writes) ? Use::write : has(row.reads) ? Use::read : Use::none;
            EXPECT_EQ(use_of(drive(row.name), density.code), use)
                << row.name << " " << int(density.code);
        }
}

TEST(TapePersonality, TheGenericDriveTakesEveryCartridge) {
    store::TapeInfo cartridge;
    for (int density = 0; density < 256; ++density) {
        cartridge.density = uint8_t(density);
        EXPECT_EQ(use_of(drive(""), cartridge), Use::write);
    }
}

TEST(TapePersonality, ACartridgeWithoutADensityIsTakenAsOneOfTheDrive) {
    EXPECT_EQ(use_of(drive("lto3"), store::TapeInfo()), Use::write);
}

TEST(TapePersonality, WormBeginsWithLto3AndCleaningCartridgesGoEverywhere) {
    store::TapeInfo cartridge;
    cartridge.kind = store::TapeKind::worm;
    EXPECT_EQ(use_of(drive("lto2"), cartridge), Use::none);
    EXPECT_EQ(use_of(drive("lto3"), cartridge), Use::write);
    cartridge.kind = store::TapeKind::cleaning;
    cartridge.density = 0x60;
    EXPECT_EQ(use_of(drive("lto1"), cartridge), Use::read);
}

TEST(TapePersonality, FeaturesFollowTheGeneration) {
    EXPECT_FALSE(drive("lto3").encryption);
    EXPECT_TRUE(drive("lto4").encryption);
    EXPECT_EQ(drive("lto4").max_partitions, 1u);
    EXPECT_EQ(drive("lto5").max_partitions, 2u);
    EXPECT_EQ(drive("ibm-hh6").max_partitions, 4u);
    EXPECT_FALSE(drive("lto4").protects(Protection::reed_solomon));
    EXPECT_TRUE(drive("lto5").protects(Protection::reed_solomon));
    EXPECT_FALSE(drive("lto6").protects(Protection::crc32c));
    EXPECT_TRUE(drive("hpe-lto7").protects(Protection::crc32c));
}

TEST(TapePersonality, ANewUnitIsTheGenericDrive) {
    const auto state = initial_state({});
    EXPECT_EQ(state.identity.vendor, "IET");
    EXPECT_EQ(state.identity.product, "VIRTUAL-TAPE");
    EXPECT_EQ(state.identity.revision, "0001");
    EXPECT_TRUE(state.removable && state.online && state.medium_present);
    EXPECT_EQ(state.geometry.block_size, 0u);
    EXPECT_TRUE(state.personality.empty());
}

TEST(TapePersonality, ChangesWhatTheDriveSaysItIs) {
    auto state = initial_state({});
    ASSERT_TRUE(set_personality(state, "ibm-td8"));
    EXPECT_EQ(state.personality, "ibm-td8");
    EXPECT_EQ(state.identity.vendor, "IBM");
    EXPECT_EQ(state.identity.product, "ULT3580-TD8");
    ASSERT_TRUE(set_personality(state, ""));
    EXPECT_EQ(state, initial_state({}));
}

TEST(TapePersonality, LeavesWhatTheAdministratorHasNamed) {
    auto state = initial_state({});
    state.identity.vendor = "ACME";
    ASSERT_TRUE(set_personality(state, "hp-lto5"));
    EXPECT_EQ(state.identity.vendor, "ACME");
    EXPECT_EQ(state.identity.product, "Ultrium 5-SCSI");
}

TEST(TapePersonality, AnUnknownNameChangesNothingAndNamesTheKnownOnes) {
    auto state = initial_state({});
    const auto set = set_personality(state, "lto99");
    ASSERT_FALSE(set);
    EXPECT_NE(set.error().text.find("lto9, ibm-td1"), std::string::npos) << set.error().text;
    EXPECT_EQ(state, initial_state({}));
}

}  // namespace
}  // namespace tgt::ssc
