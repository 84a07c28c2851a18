// SPDX-License-Identifier: GPL-2.0-or-later
// What one command of a disk may ask for: reported in VPD page B0h and enforced by the handlers.
#pragma once

#include <cstdint>

#include "io/buffer.h"

namespace tgt::sbc {

constexpr uint64_t max_transfer_bytes = io::Buffer::max_bytes;  // the engine refuses more
constexpr uint32_t max_unmap_descriptors = 256;
constexpr uint32_t max_unmap_blocks = 1u << 20;  // of one UNMAP command
constexpr uint32_t max_write_same_blocks = 65535;
constexpr uint8_t max_compare_blocks = 255;

}  // namespace tgt::sbc
