// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <netinet/in.h>

#include <vector>

#include "base/unique_fd.h"
#include "mgmt/socket_address.h"

namespace tgt::iscsi {

// A TCP socket that listens already when the daemon starts: a service manager's, which keeps it,
// and the connections that wait in it, while the daemon is restarted. Does not block.
struct PassedSocket {
    mgmt::SocketAddress address;
    bool both_families = false;  // [::] without IPV6_V6ONLY: it is 0.0.0.0, too
    UniqueFd fd;

    bool serves(const mgmt::SocketAddress& wanted) const {
        if (wanted == address) return true;
        return both_families && wanted.family() == AF_INET && wanted.wildcard() &&
               wanted.port() == address.port();
    }
};

using PassedSockets = std::vector<PassedSocket>;

// Null: none of them serves this address.
inline const PassedSocket* find_passed(const PassedSockets& sockets,
                                       const mgmt::SocketAddress& address) {
    for (const PassedSocket& one : sockets)
        if (one.serves(address)) return &one;
    return nullptr;
}

}  // namespace tgt::iscsi
