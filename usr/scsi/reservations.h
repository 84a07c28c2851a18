// SPDX-License-Identifier: GPL-2.0-or-later
// RESERVE/RELEASE and PERSISTENT RESERVE (SPC-4 5.13, SPC-2 5.5) as a value and pure functions on
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "scsi/sense.h"
#include "scsi/unit_attention.h"

namespace tgt::scsi {

// Which I_T nexus, for reservations: it survives logout and login (SPC-4 5.13.5).
struct NexusId {
    std::string initiator_port;  // iSCSI: "iqn...,i,0x<12 hex digits of the ISID>"
    uint16_t relative_target_port = 1;
    bool operator==(const NexusId&) const = default;
};

// How a command meets a reservation held by another (SPC-4 tables 65 and 66, SPC-2 table 8).
enum class ReservationClass : uint8_t {
    always,  // INQUIRY, REPORT LUNS, REQUEST SENSE, RELEASE(6): never conflicts
    status,  // TEST UNIT READY, READ CAPACITY...: conflicts with RESERVE(6) only
    read,    // conflicts with exclusive access, too
    write,   // conflicts with write exclusive, too
};
// A set of classes; bit number = the class.
using ClassMask = uint8_t;
constexpr ClassMask class_bit(ReservationClass c) {
    return ClassMask(1u << unsigned(c));
}

enum class ReservationType : uint8_t {
    none = 0,
    write_exclusive = 1,
    exclusive_access = 3,
    write_exclusive_registrants_only = 5,
    exclusive_access_registrants_only = 6,
    write_exclusive_all_registrants = 7,
    exclusive_access_all_registrants = 8,
};

struct Registration {
    NexusId nexus;
    uint64_t key = 0;
    bool operator==(const Registration&) const = default;
};

// The state of one logical unit. Plain data: copied, saved, restored.
struct Reservations {
    std::optional<NexusId> reserve6_holder;
    uint32_t generation = 0;  // PRGENERATION
    std::vector<Registration> registrations;
    ReservationType type = ReservationType::none;
    std::optional<NexusId> holder;  // empty for the all-registrants types
    bool aptpl = false;
    bool operator==(const Reservations&) const = default;

    const Registration* find(const NexusId& nexus) const;
    bool reserved() const { return type != ReservationType::none; }
    bool all_registrants() const;
    bool is_holder(const NexusId& nexus) const;
};

// Whether commands can have led to this state: what was kept outside of the daemon is not believed
// unseen.
bool consistent(const Reservations& reservations);

// The classes that `nexus` may not use now: what an ItlNexus caches, one AND per command.
ClassMask forbidden_classes(const Reservations& reservations, const NexusId& nexus);

// A PERSISTENT RESERVE OUT request, decoded and checked for form.
struct PrOut {
    uint8_t service_action = 0;
    uint8_t scope = 0;
    uint8_t type = 0;
    uint64_t key = 0;
    uint64_t service_action_key = 0;
    bool aptpl = false;
    bool all_target_ports = false;
    bool specify_initiators = false;
    bool unregister = false;  // REGISTER AND MOVE
    NexusId move_to;          // REGISTER AND MOVE
    struct Initiator {
        std::string name;     // a port, or a device: every port of it that is known
        uint16_t offset = 0;  // of its TransportID in the parameter list
    };
    std::vector<Initiator> initiators;  // SPEC_I_PT
};

// What of the logical unit a request may refer to, beside its reservations.
struct PrSurroundings {
    std::vector<uint16_t> target_ports;        // relative identifiers of those that lead to it
    std::vector<std::string> initiator_ports;  // logged in; wanted when a request names a device
    bool keeps_reservations = false;           // APTPL can be honoured
};

// What a change does beside the new state.
struct PrEffects {
    struct Attention {
        NexusId nexus;
        UnitAttention attention;
    };
    std::vector<Attention> attentions;
    std::vector<NexusId> abort_commands_of;  // PREEMPT AND ABORT
};

enum class PrStatus : uint8_t { good, conflict, check };
struct PrResult {
    PrStatus status = PrStatus::good;
    Sense sense;        // for check
    Reservations next;  // for good
    PrEffects effects;  // for good
};
// SPC-4 5.13: REGISTER(0) RESERVE(1) RELEASE(2) CLEAR(3) PREEMPT(4) PREEMPT AND ABORT(5)
// REGISTER AND IGNORE EXISTING KEY(6) REGISTER AND MOVE(7).
PrResult apply(const Reservations& now, const NexusId& nexus, const PrOut& request,
               const PrSurroundings& surroundings);

}  // namespace tgt::scsi
