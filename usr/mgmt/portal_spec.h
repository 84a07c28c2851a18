// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mgmt/socket_address.h"

namespace tgt::mgmt {

constexpr uint16_t default_portal_port = 3260;

// "addr", "addr:port", "[v6]:port", "v6", ":port" or "" (all addresses), where addr may be a name.
struct PortalSpec {
    std::string host;  // without brackets; empty: all IPv4 and IPv6 addresses
    uint16_t port = default_portal_port;

    static Result<PortalSpec> parse(std::string_view text);
    std::string text() const;
    // The addresses that need no name look-up; empty when one is needed.
    std::vector<SocketAddress> numeric() const;
    // All addresses. May ask a name server: only on the blocking pool.
    Result<std::vector<SocketAddress>> resolve() const;
    bool operator==(const PortalSpec&) const = default;
};

}  // namespace tgt::mgmt
