// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tgt::kring {

// NexusId::initiator_port of an initiator port with this TransportID; without one (byte 0 is ffh)
// a SAS address or another of 64 bits is made from its name, the same each time.
std::string port_name(std::span<const uint8_t, 24> transport_id, uint8_t protocol,
                      std::string_view name);

// One for all hosts of a target, as tgtadm shows it.
constexpr uint64_t nexus_number(uint32_t host, uint32_t nexus) {
    return uint64_t(host - 1) << 32 | nexus;
}

}  // namespace tgt::kring
