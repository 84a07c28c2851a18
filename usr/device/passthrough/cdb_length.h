// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tgt::passthrough {

// How many bytes of this a CDB has; iSCSI fills up to 16 with zeroes. `bytes` has 16 or more. 0: it
// says that it has more than came.
size_t cdb_length(std::span<const uint8_t> bytes);

}  // namespace tgt::passthrough
