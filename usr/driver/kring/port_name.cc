// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/kring/port_name.h"

#include <algorithm>
#include <array>

#include "scsi/transport_id.h"
#include "wire/endian.h"

namespace tgt::kring {

namespace {

constexpr uint8_t no_transport_id = 0xff;

// Where the name of the port stands. Where that is not known, as in SAS.
size_t name_at(uint8_t protocol) {
    const scsi::TransportIdForm* form = scsi::transport_id_form(protocol);
    return form ? form->name_at : 4;
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
