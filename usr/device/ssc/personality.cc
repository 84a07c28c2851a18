// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/personality.h"

#include <algorithm>
#include <array>

#include "device/ssc/mode_pages.h"

namespace tgt::ssc {

namespace {

// Density codes by generation; 5Dh is an LTO-7 cartridge that an LTO-8 drive has formatted (M8).
constexpr uint8_t lto1[] = {0x40};
constexpr uint8_t lto2[] = {0x42, 0x40};
constexpr uint8_t lto3[] = {0x44, 0x42};
constexpr uint8_t lto4[] = {0x46, 0x44};
constexpr uint8_t lto5[] = {0x58, 0x46};
constexpr uint8_t lto6[] = {0x5a, 0x58};
constexpr uint8_t lto7[] = {0x5c, 0x5a};
constexpr uint8_t lto8[] = {0x5e, 0x5d, 0x5c};
constexpr uint8_t lto9[] = {0x60, 0x5e};
constexpr uint8_t every[] = {0x60, 0x5e, 0x5d, 0x5c, 0x5a, 0x58, 0x46, 0x44, 0x42, 0x40};
// Two generations back, up to LTO-7.
constexpr uint8_t old3[] = {0x40};
constexpr uint8_t old4[] = {0x42};
constexpr uint8_t old5[] = {0x44};
constexpr uint8_t old6[] = {0x46};
constexpr uint8_t old7[] = {0x58};

constexpr Personality lto(unsigned generation, std::string_view name, std::string_view vendor,
                          std::string_view product, std::string_view revision) {
    constexpr std::span<const uint8_t> writes[] = {lto1, lto2, lto3, lto4, lto5,
                                                   lto6, lto7, lto8, lto9};
    constexpr std::span<const uint8_t> reads[] = {{}, {}, old3, old4, old5, old6, old7, {}, {}};
    Personality drive;
    drive.name = name;
    drive.vendor = vendor;
    drive.product = product;
    drive.revision = revision;
    drive.writes = writes[generation - 1];
    drive.reads_only = reads[generation - 1];
    drive.density = drive.writes[0];
    drive.max_partitions = generation >= 6 ? 4 : generation == 5 ? 2 : 1;
    drive.worm = generation >= 3;
    drive.encryption = generation >= 4;
    drive.reed_solomon = generation >= 5;
    drive.crc32c = generation >= 7;
    return drive;
}

constexpr Personality generic() {
    Personality drive = lto(9, "", "IET", "VIRTUAL-TAPE", "0001");
    drive.writes = every;
    drive.every_medium = true;
    return drive;
}

constexpr auto drives = std::to_array<Personality>({
    generic(),
    lto(1, "lto1", "IET", "VIRTUAL-LTO1", "0001"),
    lto(2, "lto2", "IET", "VIRTUAL-LTO2", "0001"),
    lto(3, "lto3", "IET", "VIRTUAL-LTO3", "0001"),
    lto(4, "lto4", "IET", "VIRTUAL-LTO4", "0001"),
    lto(5, "lto5", "IET", "VIRTUAL-LTO5", "0001"),
    lto(6, "lto6", "IET", "VIRTUAL-LTO6", "0001"),
    lto(7, "lto7", "IET", "VIRTUAL-LTO7", "0001"),
    lto(8, "lto8", "IET", "VIRTUAL-LTO8", "0001"),
    lto(9, "lto9", "IET", "VIRTUAL-LTO9", "0001"),
    lto(1, "ibm-td1", "IBM", "ULT3580-TD1", "0001"),
    lto(2, "ibm-td2", "IBM", "ULT3580-TD2", "0001"),
    lto(3, "ibm-td3", "IBM", "ULT3580-TD3", "0001"),
    lto(4, "ibm-td4", "IBM", "ULT3580-TD4", "0001"),
    lto(5, "ibm-td5", "IBM", "ULT3580-TD5", "0001"),
    lto(6, "ibm-td6", "IBM", "ULT3580-TD6", "0001"),
    lto(7, "ibm-td7", "IBM", "ULT3580-TD7", "0001"),
    lto(8, "ibm-td8", "IBM", "ULT3580-TD8", "0001"),
    lto(9, "ibm-td9", "IBM", "ULT3580-TD9", "0001"),
    lto(4, "ibm-hh4", "IBM", "ULT3580-HH4", "0001"),
    lto(5, "ibm-hh5", "IBM", "ULT3580-HH5", "0001"),
    lto(6, "ibm-hh6", "IBM", "ULT3580-HH6", "0001"),
    lto(7, "ibm-hh7", "IBM", "ULT3580-HH7", "0001"),
    lto(8, "ibm-hh8", "IBM", "ULT3580-HH8", "0001"),
    lto(9, "ibm-hh9", "IBM", "ULT3580-HH9", "0001"),
    lto(1, "hp-lto1", "HP", "Ultrium 1-SCSI", "0001"),
    lto(2, "hp-lto2", "HP", "Ultrium 2-SCSI", "0001"),
    lto(3, "hp-lto3", "HP", "Ultrium 3-SCSI", "0001"),
    lto(4, "hp-lto4", "HP", "Ultrium 4-SCSI", "0001"),
    lto(5, "hp-lto5", "HP", "Ultrium 5-SCSI", "0001"),
    lto(6, "hp-lto6", "HP", "Ultrium 6-SCSI", "0001"),
    lto(7, "hpe-lto7", "HPE", "Ultrium 7-SCSI", "0001"),
    lto(8, "hpe-lto8", "HPE", "Ultrium 8-SCSI", "0001"),
    lto(9, "hpe-lto9", "HPE", "Ultrium 9-SCSI", "0001"),
    lto(3, "quantum-lto3", "QUANTUM", "ULTRIUM 3", "0001"),
    lto(4, "quantum-lto4", "QUANTUM", "ULTRIUM 4", "0001"),
    lto(5, "quantum-lto5", "QUANTUM", "ULTRIUM 5", "0001"),
});

bool contains(std::span<const uint8_t> codes, uint8_t code) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string known_names() {
    std::string names;
    for (const Personality& drive : personalities())
        if (!drive.name.empty()) names += (names.empty() ? "" : ", ") + std::string(drive.name);
    return names;
}

// An identity that the administrator has set stays; that of the personality before is replaced.
void rename(std::string& text, std::string_view before, std::string_view now) {
    if (text.empty() || text == before) text = now;
}

}  // namespace

std::span<const Personality> personalities() {
    return drives;
}

const Personality* find_personality(std::string_view name) {
    for (const Personality& drive : drives)
        if (drive.name == name) return &drive;
    return nullptr;
}

const Personality& personality_of(const scsi::LunState& state) {
    const Personality* drive = find_personality(state.personality);
    return drive ? *drive : drives[0];
}

Use use_of(const Personality& drive, uint8_t density) {
    if (drive.every_medium || contains(drive.writes, density)) return Use::write;
    return contains(drive.reads_only, density) ? Use::read : Use::none;
}

Use use_of(const Personality& drive, const store::TapeInfo& cartridge) {
    if (cartridge.kind == store::TapeKind::cleaning) return Use::read;
    // A cartridge without a density becomes what the drive makes of it.
    const uint8_t density = cartridge.density ? cartridge.density : drive.density;
    if (cartridge.kind == store::TapeKind::worm && !drive.worm) return Use::none;
    return use_of(drive, density);
}

Result<void> set_personality(scsi::LunState& state, std::string_view name) {
    const Personality* next = find_personality(name);
    if (!next)
        return fail(EINVAL, "there is no drive '" + std::string(name) + "', but " + known_names());
    const Personality& before = personality_of(state);
    rename(state.identity.vendor, before.vendor, next->vendor);
    rename(state.identity.product, before.product, next->product);
    rename(state.identity.revision, before.revision, next->revision);
    state.personality = name;
    state.mode_pages = mode_pages(*next);
    reset_modes(state);
    return {};
}

scsi::LunState initial_state(const scsi::LunSetup& setup) {
    const Personality& drive = drives[0];
    scsi::LunState state;
    state.identity = setup.identity;
    rename(state.identity.vendor, {}, drive.vendor);
    rename(state.identity.product, {}, drive.product);
    rename(state.identity.revision, {}, drive.revision);
    state.removable = true;
    state.mode_pages = mode_pages(drive);
    state.geometry = {};
    reset_modes(state);
    return state;
}

}  // namespace tgt::ssc
