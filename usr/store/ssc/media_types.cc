// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/media_types.h"

#include <array>

#include "base/text.h"

namespace tgt::store::ssc {

namespace {

constexpr uint64_t gigabyte = 1'000'000'000;  // as the makers of tapes count

constexpr std::array<MediaType, 9> types = {{
    {"LTO-1", 0x40, 100 * gigabyte, 1},
    {"LTO-2", 0x42, 200 * gigabyte, 1},
    {"LTO-3", 0x44, 400 * gigabyte, 1},
    {"LTO-4", 0x46, 800 * gigabyte, 1},
    {"LTO-5", 0x58, 1500 * gigabyte, 2},
    {"LTO-6", 0x5a, 2500 * gigabyte, 4},
    {"LTO-7", 0x5c, 6000 * gigabyte, 4},
    {"LTO-8", 0x5e, 12000 * gigabyte, 4},
    {"LTO-9", 0x60, 18000 * gigabyte, 4},
}};

}  // namespace

std::span<const MediaType> media_types() {
    return types;
}

const MediaType* find_media_type(std::string_view name) {
    for (const MediaType& type : types)
        if (equal_any_case(type.name, name)) return &type;
    return nullptr;
}

const MediaType* media_type_of_density(uint8_t density) {
    for (const MediaType& type : types)
        if (type.density == density) return &type;
    return nullptr;
}

}  // namespace tgt::store::ssc
