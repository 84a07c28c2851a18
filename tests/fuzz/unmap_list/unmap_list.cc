// SPDX-License-Identifier: GPL-2.0-or-later
// The UNMAP parameter list: whatever is accepted lies inside the capacity and the limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "device/sbc/limits.h"
#include "device/sbc/unmap.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    constexpr uint64_t capacity = uint64_t(1) << 40;
    auto ranges = tgt::sbc::parse_unmap_list({data, size}, capacity);
    if (!ranges) return 0;
    if (ranges->size() > tgt::sbc::max_unmap_descriptors) std::abort();
    uint64_t total = 0;
    for (const auto& range : *ranges) {
        if (range.blocks == 0 || range.lba >= capacity || range.blocks > capacity - range.lba)
            std::abort();
        total += range.blocks;
    }
    if (total > tgt::sbc::max_unmap_blocks) std::abort();
    return 0;
}
