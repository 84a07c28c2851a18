// SPDX-License-Identifier: GPL-2.0-or-later
// The 8-byte LUN of SAM-5 section 4.7, single level only: what we hand out in REPORT LUNS and what
// comes back in every PDU.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace tgt::wire {

constexpr uint64_t max_peripheral_lun = 0xff;
constexpr uint64_t max_flat_lun = 0x3fff;
constexpr uint64_t max_extended_flat_lun = 0xffffff;

using LunBytes = std::array<uint8_t, 8>;

// Peripheral device addressing with bus 0 (4.7.7.2), flat space addressing (4.7.7.3) or extended
// flat space addressing with three bytes (4.7.7.5.3). Anything else - another bus, several levels,
// a well known logical unit - names nothing here.
constexpr std::optional<uint64_t> decode_lun(std::span<const uint8_t, 8> lun) {
    const unsigned method = lun[0] >> 6;
    size_t used = 2;
    std::optional<uint64_t> value;
    if (method == 0 && lun[0] == 0) value = lun[1];
    if (method == 1) value = static_cast<uint64_t>(lun[0] & 0x3f) << 8 | lun[1];
    if (lun[0] == 0xd2) {
        value = static_cast<uint64_t>(lun[1]) << 16 | static_cast<uint64_t>(lun[2]) << 8 | lun[3];
        used = 4;
    }
    for (size_t i = used; i < 8; ++i)
        if (lun[i] != 0) return std::nullopt;
    return value;
}

// Up to 255 peripheral, up to 16383 flat, above extended flat. `lun` must not exceed
// max_extended_flat_lun.
constexpr LunBytes encode_lun(uint64_t lun) {
    if (lun <= max_peripheral_lun) return {0, static_cast<uint8_t>(lun)};
    if (lun <= max_flat_lun)
        return {static_cast<uint8_t>(0x40 | lun >> 8), static_cast<uint8_t>(lun)};
    return {0xd2, static_cast<uint8_t>(lun >> 16), static_cast<uint8_t>(lun >> 8),
            static_cast<uint8_t>(lun)};
}

}  // namespace tgt::wire
