// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/passthrough/cdb_length.h"

namespace tgt::passthrough {

namespace {

constexpr uint8_t variable_length = 0x7f;
constexpr size_t variable_header = 8;
// By the operation code's group (SPC-5 4.2.5.1); 0: the standard leaves it open.
constexpr size_t length_of_group[] = {6, 10, 10, 0, 16, 12, 0, 0};

// Vendor specific CDBs have the length that the vendor likes. 10 is what most hosts take, more is
// there if it is not zero.
size_t guessed_length(std::span<const uint8_t> bytes) {
    size_t used = bytes.size();
    while (used > 0 && bytes[used - 1] == 0) --used;
    for (const size_t length : {10, 12, 16})
        if (used <= length) return length;
    return used;
}

}  // namespace

size_t cdb_length(std::span<const uint8_t> bytes) {
    if (bytes[0] == variable_length) {  // SPC-5 4.2.3
        const size_t length = variable_header + bytes[7];
        return length <= bytes.size() ? length : 0;
    }
    const size_t length = length_of_group[bytes[0] >> 5];
    return length != 0 ? length : guessed_length(bytes);
}

}  // namespace tgt::passthrough
