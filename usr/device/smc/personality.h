// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "scsi/lun_state.h"
#include "store/library.h"

namespace tgt::smc {

// A library that software knows, by its INQUIRY data and by where its elements begin.
struct Personality {
    std::string_view name;  // tgtadm --params personality=
    std::string_view vendor, product, revision;
    uint16_t transports, slots, ports, drives;  // first element addresses
    uint16_t first(store::ElementKind kind) const;
};

std::span<const Personality> personalities();
// Of the state; the generic one when it names none.
const Personality& personality_of(const scsi::LunState& state);
// For DeviceType::set_personality. An empty name is the type's own, the generic one.
Result<void> set_personality(scsi::LunState& state, std::string_view name);

}  // namespace tgt::smc
