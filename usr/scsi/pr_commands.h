// SPDX-License-Identifier: GPL-2.0-or-later
// PERSISTENT RESERVE IN and OUT (SPC-4 6.15, 6.16) and RESERVE, RELEASE (SPC-2 7.21, 7.16): the
// bytes around the state machine of reservations.h, and the handlers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "scsi/command.h"
#include "scsi/logical_unit.h"

namespace tgt::scsi {

enum class PrIn : uint8_t { read_keys, read_reservation, report_capabilities, read_full_status };
std::vector<uint8_t> persistent_reserve_in_data(const Reservations& reservations, PrIn action);

// The CDB and the parameter list of PERSISTENT RESERVE OUT; `relative_port` is the target port that
// the command came through.
Result<PrOut, Sense> decode_persistent_reserve_out(std::span<const uint8_t> cdb,
                                                   std::span<const uint8_t> list,
                                                   uint16_t relative_port);
// apply() as a change of the logical unit.
LunChange persistent_reserve_change(const LunState& now, const NexusId& nexus,
                                    const PrOut& request);

// RESERVE and RELEASE of a whole logical unit.
LunChange reserve_change(const LunState& now, const NexusId& nexus);
LunChange release_change(const LunState& now, const NexusId& nexus);

// A TransportID (SPC-4 7.6.4) for iSCSI. Ports without ",i,0x<ISID>" become the device name form.
void append_transport_id(std::vector<uint8_t>& out, std::string_view initiator_port);
// The initiator port of an iSCSI TransportID that fills `bytes`; an error is the offset of the bad
// field in it.
Result<std::string, size_t> parse_transport_id(std::span<const uint8_t> bytes);

Outcome run_read_keys(Command& command);
Outcome run_read_reservation(Command& command);
Outcome run_report_capabilities(Command& command);
Outcome run_read_full_status(Command& command);
Step start_persistent_reserve_out(Command& command);
Step start_reserve(Command& command);
Step start_release(Command& command);

}  // namespace tgt::scsi
