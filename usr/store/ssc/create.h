// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/tape.h"

namespace tgt::store::ssc {

constexpr unsigned most_partitions = 4;
constexpr size_t longest_text = 32;  // of a barcode or a serial number
constexpr uint64_t least_capacity = uint64_t(1) << 20;

// A cartridge to be made.
struct CartridgeSpec {
    TapeKind kind = TapeKind::data;
    std::string barcode = {};     // 1 to 32 printable characters
    uint64_t capacity = 0;        // nominal, bytes; at least `least_capacity`
    uint8_t density = 0;          // SSC density code; 0: of no particular kind
    std::string serial = {};      // of the medium, at most 32; empty: one is made up
    unsigned max_partitions = 0;  // 1 to 4, format 2: 1; 0: what the density has, or all
};

// The reason against it, or nothing. Pure.
Result<void> check(const CartridgeSpec& spec);

// A new blank cartridge in tgt's own format ("tgt tape 3"), or in version 2 of tgt's older one
// (`version` 2), which other programs read: a file that takes next to no room, whatever its
// capacity. It is on the disk, with its name, when this returns. A file that exists is left alone
// (EEXIST); one that cannot be made whole is removed. Errors name the path. Blocking.
Result<void> create_cartridge(const std::string& path, const CartridgeSpec& spec, int version = 3);

}  // namespace tgt::store::ssc
