// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel says of hosts, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "ipc/netlink/record.h"

namespace tgt::tgtadm {

// A host with its queues and its I_T nexuses.
struct ShownHost {
    ipc::NetlinkRecord host;
    std::vector<ipc::NetlinkRecord> queues, nexuses;
};

std::string host_text(const ShownHost& shown);
nlohmann::json host_json(const ShownHost& shown);

// An event as a line, without its time and its end; empty: an unknown one.
std::string event_text(const ipc::NetlinkRecord& event);
nlohmann::json event_json(const ipc::NetlinkRecord& event);

}  // namespace tgt::tgtadm
