// SPDX-License-Identifier: GPL-2.0-or-later
// Three registered initiators and short ways to ask for a PERSISTENT RESERVE OUT.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "scsi/reservations.h"

namespace tgt::scsi {

using Type = ReservationType;

inline const NexusId A{"iqn.a,i,0x000000000001", 1};
inline const NexusId B{"iqn.b,i,0x000000000002", 1};
inline const NexusId C{"iqn.c,i,0x000000000003", 1};
// The same initiators through the other target port.
inline const NexusId A2{A.initiator_port, 2};
inline const NexusId B2{B.initiator_port, 2};
inline constexpr uint64_t key_a = 0xa, key_b = 0xb, key_c = 0xc;

enum Action : uint8_t {
    REGISTER,
    RESERVE,
    RELEASE,
    CLEAR,
    PREEMPT,
    PREEMPT_AND_ABORT,
    REGISTER_AND_IGNORE,
    REGISTER_AND_MOVE,
};

inline constexpr Type all_types[] = {Type::write_exclusive,
                                     Type::exclusive_access,
                                     Type::write_exclusive_registrants_only,
                                     Type::exclusive_access_registrants_only,
                                     Type::write_exclusive_all_registrants,
                                     Type::exclusive_access_all_registrants};

inline bool registrants_only(Type type) {
    return type == Type::write_exclusive_registrants_only ||
           type == Type::exclusive_access_registrants_only;
}
inline bool all_registrants(Type type) {
    return type == Type::write_exclusive_all_registrants ||
           type == Type::exclusive_access_all_registrants;
}
inline bool write_exclusive(Type type) {
    return uint8_t(type) == 1 || uint8_t(type) == 5 || uint8_t(type) == 7;
}

// A logical unit behind target ports 1 and 2, without a place to keep reservations.
inline PrResult apply(const Reservations& now, const NexusId& nexus, const PrOut& out) {
    return apply(now, nexus, out, {{1, 2}, {}, false});
}

inline PrOut request(Action action, uint64_t key, uint64_t action_key = 0, Type type = Type::none) {
    PrOut out;
    out.service_action = action;
    out.key = key;
    out.service_action_key = action_key;
    out.type = uint8_t(type);
    return out;
}

// The state with A, B and C registered, and A holding a reservation (none: no reservation).
inline Reservations three(Type type = Type::none) {
    Reservations state;
    state.generation = 7;
    state.registrations = {{A, key_a}, {B, key_b}, {C, key_c}};
    state.type = type;
    if (type != Type::none && !all_registrants(type)) state.holder = A;
    return state;
}

inline uint32_t code(const Sense& sense) {
    return uint32_t(sense.key) << 16 | uint32_t(sense.asc) << 8 | sense.ascq;
}

// Who got this unit attention, in the order A, B, C; "-" when somebody got another one, too.
inline std::string told(const PrResult& result, UnitAttention attention) {
    std::string names;
    for (const auto& [nexus, name] : {std::pair(A, 'A'), std::pair(B, 'B'), std::pair(C, 'C')})
        for (const auto& effect : result.effects.attentions)
            if (effect.nexus == nexus) names += effect.attention == attention ? name : '-';
    return names;
}

#define ASSERT_GOOD(result) ASSERT_EQ((result).status, PrStatus::good)
#define EXPECT_CONFLICT(result) EXPECT_EQ((result).status, PrStatus::conflict)

}  // namespace tgt::scsi
