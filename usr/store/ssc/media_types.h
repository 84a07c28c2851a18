// SPDX-License-Identifier: GPL-2.0-or-later
// Kinds of cartridges by name. Constant.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tgt::store::ssc {

struct MediaType {
    std::string_view name;    // "LTO-8"
    uint8_t density;          // SSC density code
    uint64_t capacity;        // native, bytes
    unsigned max_partitions;  // that a drive can make
};

std::span<const MediaType> media_types();
// The case of letters does not matter. Null: there is none.
const MediaType* find_media_type(std::string_view name);
const MediaType* media_type_of_density(uint8_t density);

}  // namespace tgt::store::ssc
