// SPDX-License-Identifier: GPL-2.0-or-later
// Drives as data: who they say they are, and which cartridges they take.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "scsi/device_type.h"
#include "store/tape.h"

namespace tgt::ssc {

// Block lengths (READ BLOCK LIMITS): those of LTO.
constexpr uint32_t max_block_bytes = 0x800000;
constexpr uint32_t min_block_bytes = 1;

// Methods of logical block protection (SSC-5 8.3.9).
enum class Protection : uint8_t { none = 0, reed_solomon = 1, crc32c = 2 };

struct Personality {
    std::string_view name;  // `personality=`
    std::string_view vendor, product, revision;
    uint8_t density = 0;                    // its own format; of a new cartridge that has none
    std::span<const uint8_t> writes;        // density codes
    std::span<const uint8_t> reads_only{};  // the same
    bool every_medium = false;              // whatever the densities say
    unsigned max_partitions = 1;
    bool worm = false;
    bool encryption = false;
    bool reed_solomon = false;
    bool crc32c = false;
    uint32_t max_block = max_block_bytes;

    bool protects(Protection method) const {
        if (method == Protection::none) return true;
        return method == Protection::reed_solomon ? reed_solomon : crc32c;
    }
};

// All, the generic one first.
std::span<const Personality> personalities();
const Personality* find_personality(std::string_view name);
// Of a unit; the generic drive when it has none.
const Personality& personality_of(const scsi::LunState& state);

// What a drive can do with a cartridge. Cleaning cartridges are taken by every drive.
enum class Use : uint8_t { none, read, write };
Use use_of(const Personality& drive, const store::TapeInfo& cartridge);
Use use_of(const Personality& drive, uint8_t density);

// For the DeviceType.
Result<void> set_personality(scsi::LunState& state, std::string_view name);
scsi::LunState initial_state(const scsi::LunSetup& setup);

}  // namespace tgt::ssc
