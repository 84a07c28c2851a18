// SPDX-License-Identifier: GPL-2.0-or-later
// INQUIRY and the vital product data that every device type has (SPC-4 6.6, 7.8).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "scsi/command.h"
#include "scsi/device_type.h"

namespace tgt::scsi {

// Standard INQUIRY data; `exists` is false for a LUN without a logical unit (peripheral qualifier
// 011b, type 1Fh).
std::vector<uint8_t> standard_inquiry(const DeviceType& type, const LunState& state, bool exists);

// The bytes after the page header.
std::vector<uint8_t> unit_serial_number(const LunIdentity& identity);  // VPD 80h
// VPD 83h: first the designators that tgt has always given for this SCSI ID (volumes keep their
// identity), then those of the target port.
std::vector<uint8_t> device_identification(const LunIdentity& identity,
                                           std::string_view target_name, uint16_t relative_port);

// NAA designators (SPC-4 7.8.6.6): locally assigned, and IEEE registered extended in form, with
// tgt's nibbles.
std::array<uint8_t, 8> naa_locally_assigned(std::string_view scsi_id);
std::array<uint8_t, 16> naa_extended(std::string_view scsi_id);

Outcome run_inquiry(Command& command);

}  // namespace tgt::scsi
