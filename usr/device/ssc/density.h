// SPDX-License-Identifier: GPL-2.0-or-later
// Recording formats: what their density codes stand for, and REPORT DENSITY SUPPORT (SSC-4 7.7).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "device/ssc/personality.h"

namespace tgt::ssc {

struct Density {
    uint8_t code;
    unsigned generation;  // of LTO
    uint32_t bits_per_mm;
    uint16_t tracks;
    uint32_t capacity_mb;  // of one cartridge, in 10^6 bytes
    unsigned max_partitions;
    uint8_t medium_type;  // of the mode parameter header; WORM cartridges: with bit 2 set
    bool worm;
    bool encryption;
    std::string_view name;         // at most 8
    std::string_view description;  // at most 20
};
constexpr uint16_t tape_width = 127;  // tenths of a millimetre
constexpr std::string_view assigning_organisation = "LTO-CVE";

std::span<const Density> densities();
// Null: there is no such density code.
const Density* find_density(uint8_t code);
// MEDIUM TYPE of the mode parameter header; 0 when nothing is known.
uint8_t medium_type_code(uint8_t density, store::TapeKind kind);

// REPORT DENSITY SUPPORT for the drive, or (SSC-4 table 68: MEDIA) for a cartridge of that
// density in it: parameter data, header included.
std::vector<uint8_t> density_support(const Personality& drive);
std::vector<uint8_t> density_support_of_medium(const Personality& drive, uint8_t density);
// The same for medium types (MEDIUM TYPE bit).
std::vector<uint8_t> medium_type_support(const Personality& drive);
std::vector<uint8_t> medium_type_support_of_medium(uint8_t density, store::TapeKind kind);

}  // namespace tgt::ssc
