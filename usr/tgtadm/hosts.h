// SPDX-License-Identifier: GPL-2.0-or-later
// Mode host: what the kernel's own family says and does. Needs no daemon.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "ipc/netlink/link.h"
#include "tgtadm/parse.h"

namespace tgt::tgtadm {

// What run_host() has of the world.
struct KernelAccess {
    std::unique_ptr<ipc::NetlinkLink> link;
    // Prints at once, for what has no end; false: nobody reads any more.
    std::function<bool(std::string_view)> print;
    std::function<std::string()> time;  // now, for events
};
KernelAccess real_kernel();

bool is_host_request(const Parsed& parsed);
Exit run_host(const Parsed& parsed, KernelAccess kernel);

}  // namespace tgt::tgtadm
