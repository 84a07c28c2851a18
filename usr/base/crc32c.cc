// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/crc32c.h"

#include <isa-l/crc.h>

namespace tgt {

uint32_t crc32c_update(uint32_t crc, const void* data, size_t length) {
    // The library reads only, but its prototype lacks the const.
    auto* bytes = static_cast<unsigned char*>(const_cast<void*>(data));
    while (length > 0) {
        constexpr size_t piece_limit = 1u << 30;
        size_t piece = length < piece_limit ? length : piece_limit;
        crc = crc32_iscsi(bytes, static_cast<int>(piece), crc);
        bytes += piece;
        length -= piece;
    }
    return crc;
}

}  // namespace tgt
