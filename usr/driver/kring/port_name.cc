// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/kring/port_name.h"

#include <algorithm>
#include <array>

#include "scsi/transport_id.h"
#include "wire/endian.h"

namespace tgt::kring {

namespace {

constexpr uint8_t no_transport_id = 0xff;

// SPC-5 7.6.4: where the name of the port stands, for protocols whose TransportID is one of 24
// bytes with a binary name; SAS and all others have it at 4.
constexpr size_t name_at(uint8_t protocol) {
    constexpr uint8_t fibre_channel = 0, srp = 4;
    return protocol == fibre_channel || protocol == srp ? 8 : 4;
}

// FNV-1a: the same in every daemon.
uint64_t hash(std::string_view text) {
    uint64_t value = 0xcbf29ce484222325;
    for (const char c : text) value = (value ^ uint8_t(c)) * 0x100000001b3;
    return value;
}

}  // namespace

std::string port_name(std::span<const uint8_t, 24> transport_id, uint8_t protocol,
                      std::string_view name) {
    if (transport_id[0] != no_transport_id) return scsi::port_of(transport_id);
    std::array<uint8_t, 24> made{};
    made[0] = protocol;
    constexpr uint64_t locally_assigned = 0x3;  // NAA
    wire::store_be<8>(&made[name_at(protocol)], locally_assigned << 60 | hash(name) >> 4);
    return scsi::port_of(made);
}

}  // namespace tgt::kring
