// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mgmt/failure.h"
#include "wire/isns.h"

namespace tgt::mgmt {

// What an administrator sets: `tgtadm --mode system --op update --name iSNS...`. Plain value.
struct IsnsSettings {
    bool enabled = false;
    std::string server;  // a name or an address, without brackets; empty: none was given
    uint16_t port = wire::isns::default_port;
    bool access_control = false;
    uint32_t esi_interval = 0;  // seconds; 0: the server is not asked for status inquiries

    // Whether there is a setting of this name.
    static bool has(std::string_view name);
    Status update(std::string_view name, std::string_view value);
    bool operator==(const IsnsSettings&) const = default;
};

}  // namespace tgt::mgmt
