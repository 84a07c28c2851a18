// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "scsi/sense.h"

namespace tgt::sbc {

struct UnmapRange {
    uint64_t lba = 0;
    uint32_t blocks = 0;
    bool operator==(const UnmapRange&) const = default;
};

// The UNMAP parameter list (SBC-4 5.35.2), checked against the limits of VPD page B0h and the
// capacity. Nothing may be unmapped unless all of it is right. An empty list is right.
Result<std::vector<UnmapRange>, scsi::Sense> parse_unmap_list(std::span<const uint8_t> list,
                                                              uint64_t capacity);

}  // namespace tgt::sbc
