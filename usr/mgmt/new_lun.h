// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/failure.h"

namespace tgt::mgmt {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

// Who made a target or a LUN: "config" is a configuration file, which may remove again what it
// made; nothing is an administrator's own command.
inline Status check_origin(std::string_view origin) {
    if (origin.empty() || origin == "config") return {};
    return refuse(ErrorCode::invalid_request,
                  "origin is 'config' (made by a configuration file) or not given, not '{}'",
                  origin);
}

// What an administrator asks for with `--mode logicalunit --op new`.
struct NewLun {
    int tid = 0;
    uint64_t lun = 0;
    std::string device_type = "disk";
    std::string path;
    std::string engine;  // empty: the device type's default
    std::string engine_options;
    std::string flags;
    uint32_t block_size = 0;  // 0: the device type's default
    bool force = false;       // also when another process uses the file
    std::string origin;
    bool operator==(const NewLun&) const = default;
};

}  // namespace tgt::mgmt
