// SPDX-License-Identifier: GPL-2.0-or-later
// What `tgtadm --mode logicalunit --op update --params` may change, as one table.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mgmt/failure.h"
#include "scsi/device_type.h"
#include "scsi/lun_state.h"
#include "scsi/unit_attention.h"
#include "store/store.h"

namespace tgt::mgmt {

// What a change of one parameter is checked against.
struct LunParameterContext {
    const store::Info* store = nullptr;  // null: no medium
    const scsi::DeviceType* type = nullptr;
};

struct LunParameter {
    enum class Kind : uint8_t {
        state,     // apply() changes the LunState
        online,    // likewise, but refused while an initiator prevents removal
        path,      // replaces the medium
        capacity,  // how much of the medium is shown
    };
    std::string_view name;
    Kind kind = Kind::state;
    // Changes `next` or says why not. Appends to `warnings` what the administrator should know.
    Status (*apply)(scsi::LunState& next, std::string_view value,
                    const LunParameterContext& context, std::vector<std::string>& warnings);
    // For every nexus when the state has changed; none: nobody needs to know.
    std::optional<scsi::UnitAttention> attention;
    // The value as text; null where an administrator cannot ask for any.
    std::string (*show)(const scsi::LunState& state) = nullptr;
    bool may_be_empty = false;
};

std::span<const LunParameter> lun_parameters();
// Null when there is no such parameter.
const LunParameter* find_lun_parameter(std::string_view name);

}  // namespace tgt::mgmt
