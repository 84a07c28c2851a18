// SPDX-License-Identifier: GPL-2.0-or-later
// Logical block protection (SSC-5 4.2.29): four bytes behind a block.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>

#include "device/ssc/personality.h"

namespace tgt::ssc {

constexpr size_t protection_bytes = 4;
using ProtectionInfo = std::array<uint8_t, protection_bytes>;

// The Reed-Solomon CRC of ECMA-319, over pieces; begins with 0.
uint32_t reed_solomon_crc(uint32_t crc, std::span<const uint8_t> data);

// As it goes over the wire, of the first `length` bytes in `pieces`.
ProtectionInfo protection_of(Protection method, std::span<const iovec> pieces, size_t length);
ProtectionInfo protection_of(Protection method, std::span<const uint8_t> block);

}  // namespace tgt::ssc
