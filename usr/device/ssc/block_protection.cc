// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/block_protection.h"

#include <algorithm>

#include "base/crc32c.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

// GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1.
constexpr uint8_t times(uint8_t a, uint8_t b) {
    unsigned product = 0;
    for (unsigned bit = 0; bit < 8; ++bit)
        if (b >> bit & 1) product ^= unsigned(a) << bit;
    for (unsigned bit = 15; bit >= 8; --bit)
        if (product >> bit & 1) product ^= 0x11du << (bit - 8);
    return uint8_t(product);
}

// The generator x^4 + 38h x^3 + CFh x^2 + 38h x + 1 times each byte.
constexpr std::array<uint32_t, 256> make_table() {
    std::array<uint32_t, 256> table{};
    for (unsigned i = 0; i < 256; ++i)
        table[i] = uint32_t(times(uint8_t(i), 0x38)) << 24 |
                   uint32_t(times(uint8_t(i), 0xcf)) << 16 |
                   uint32_t(times(uint8_t(i), 0x38)) << 8 | i;
    return table;
}
constexpr auto table = make_table();
static_assert(table[1] == 0x38cf3801 && table[255] == 0x763f76ff);

}  // namespace

uint32_t reed_solomon_crc(uint32_t crc, std::span<const uint8_t> data) {
    for (uint8_t byte : data) crc = crc << 8 ^ table[byte ^ crc >> 24];
    return crc;
}

// The CRC of ECMA-319 goes most significant byte first, CRC32C least significant first.
ProtectionInfo protection_of(Protection method, std::span<const iovec> pieces, size_t length) {
    uint32_t rs = 0, crc = crc32c_start;
    for (const iovec& piece : pieces) {
        const size_t bytes = std::min(length, piece.iov_len);
        const std::span data(static_cast<const uint8_t*>(piece.iov_base), bytes);
        if (method == Protection::crc32c)
            crc = crc32c_update(crc, data.data(), bytes);
        else
            rs = reed_solomon_crc(rs, data);
        length -= bytes;
    }
    ProtectionInfo info;
    if (method == Protection::crc32c)
        wire::store_be<4>(info.data(), __builtin_bswap32(crc32c_finish(crc)));
    else
        wire::store_be<4>(info.data(), rs);
    return info;
}

ProtectionInfo protection_of(Protection method, std::span<const uint8_t> block) {
    const iovec piece{const_cast<uint8_t*>(block.data()), block.size()};
    return protection_of(method, {&piece, 1}, block.size());
}

}  // namespace tgt::ssc
