// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace tgt {

// CRC32C (RFC 7143 section 13.1) over pieces: start with crc32c_start, feed pieces, end with
// crc32c_finish. The finished value goes on the wire least significant byte first.
constexpr uint32_t crc32c_start = 0xffffffffu;
uint32_t crc32c_update(uint32_t crc, const void* data, size_t length);
constexpr uint32_t crc32c_finish(uint32_t crc) {
    return ~crc;
}

inline uint32_t crc32c(const void* data, size_t length) {
    return crc32c_finish(crc32c_update(crc32c_start, data, length));
}

}  // namespace tgt
