// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/text.h"
#include "io/clock.h"

namespace tgt::mgmt {

// For texts.
inline uint64_t whole_seconds(io::Duration duration) {
    return uint64_t(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

}  // namespace tgt::mgmt
