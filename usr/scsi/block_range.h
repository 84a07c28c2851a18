// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace tgt::scsi {

// Logical blocks [lba, lba + blocks), within the capacity of a unit.
struct BlockRange {
    uint64_t lba = 0;
    uint64_t blocks = 0;

    bool empty() const { return blocks == 0; }
    bool overlaps(const BlockRange& other) const {
        return lba < other.lba + other.blocks && other.lba < lba + blocks;
    }
    bool operator==(const BlockRange&) const = default;
};

}  // namespace tgt::scsi
