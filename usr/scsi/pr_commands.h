// SPDX-License-Identifier: GPL-2.0-or-later
// PERSISTENT RESERVE IN and OUT (SPC-4 6.15, 6.16) and RESERVE, RELEASE (SPC-2 7.21, 7.16): the
// bytes around the state machine of reservations.h, and the handlers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scsi/command.h"
#include "scsi/logical_unit.h"

namespace tgt::scsi {

enum class PrIn : uint8_t { read_keys, read_reservation, report_capabilities, read_full_status };
std::vector<uint8_t> persistent_reserve_in_data(const LunState& state, PrIn action);

// The CDB and the parameter list of PERSISTENT RESERVE OUT, checked for form.
Result<PrOut, Sense> decode_persistent_reserve_out(std::span<const uint8_t> cdb,
                                                   std::span<const uint8_t> list);
// apply() as a change of the logical unit; `surroundings` but for what the state tells.
LunChange persistent_reserve_change(const LunState& now, const NexusId& nexus, const PrOut& request,
                                    PrSurroundings surroundings);

// RESERVE and RELEASE of a whole logical unit.
LunChange reserve_change(const LunState& now, const NexusId& nexus);
LunChange release_change(const LunState& now, const NexusId& nexus);

Outcome run_read_keys(Command& command);
Outcome run_read_reservation(Command& command);
Outcome run_report_capabilities(Command& command);
Outcome run_read_full_status(Command& command);
Step start_persistent_reserve_out(Command& command);
Step start_reserve(Command& command);
Step start_release(Command& command);

}  // namespace tgt::scsi
