// SPDX-License-Identifier: GPL-2.0-or-later
// The messages that an iSNS client sends, as bytes (RFC 4171 5.6), and what it reads from answers.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/isns_message.h"
#include "mgmt/socket_address.h"

namespace tgt::mgmt::isns_requests {

using Bytes = std::vector<uint8_t>;

struct Portal {
    SocketAddress address;
    bool notices = false;  // the server's messages may be sent there
    bool operator==(const Portal&) const = default;
};

struct Registration {
    bool replace = false;  // what the entity had before goes
    std::string source;    // a node of the entity
    std::string entity;
    std::span<const Portal> portals;
    uint16_t notice_port = 0;   // 0: no messages of the server are listened for
    uint32_t esi_interval = 0;  // seconds; 0: the server is not asked for status inquiries
    std::span<const std::string> targets;
};
// 5.6.5.1
Bytes register_objects(uint16_t transaction, const Registration& what);

// 5.6.5.4
Bytes deregister_entity(uint16_t transaction, const std::string& source, const std::string& entity);
Bytes deregister_target(uint16_t transaction, const std::string& target);
Bytes deregister_portal(uint16_t transaction, const std::string& source,
                        const SocketAddress& portal);

// 5.6.5.5: to be told of initiators that come, go or change in the target's discovery domains.
Bytes register_for_changes(uint16_t transaction, const std::string& target);
// 5.6.5.2: whether the entity is there; says its registration period.
Bytes ask_for_entity(uint16_t transaction, const std::string& source, const std::string& entity);
// 5.6.5.2: the initiators that share a discovery domain with the target.
Bytes ask_for_initiators(uint16_t transaction, const std::string& target);

// --- answers

// The status of a response; nothing when it has none.
std::optional<uint32_t> status_of(const IsnsMessage& response);
// Of a DevAttrRegRsp or the answer to ask_for_entity, in seconds; nothing when the server does not
// say.
std::optional<uint32_t> registration_period(const IsnsMessage& response);
// The iSCSI names of a DevAttrQryRsp, in lower case.
std::set<std::string> initiators_of(const IsnsMessage& response);
// iSCSI names are compared without regard to case (RFC 7143 4.2.7.2).
std::string lower_case(std::string_view name);

// --- requests of the server

struct Answered {
    Bytes bytes;                         // empty: the message asks for no answer
    std::optional<std::string> changed;  // the target whose surroundings have changed; "": any
};
// SCN and ESI are confirmed; what else it may ask is not supported.
Answered answer(const IsnsMessage& request);

}  // namespace tgt::mgmt::isns_requests
