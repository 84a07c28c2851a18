// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace tgt::iscsi {

// Bounds of the whole driver: tgtd --iscsi name=value. Plain values, constant once the driver runs.
struct DriverSettings {
    uint32_t login_timeout = 15;       // seconds from accept to the full feature phase
    uint32_t login_limit = 256;        // connections that are not logged in, at once
    uint32_t connection_limit = 8192;  // connections at once

    // A number in C notation. Error codes: ENOENT no such name, EINVAL bad value.
    Result<void> update(std::string_view name, std::string_view value);
};

}  // namespace tgt::iscsi
