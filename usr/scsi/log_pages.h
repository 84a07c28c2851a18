// SPDX-License-Identifier: GPL-2.0-or-later
// LOG SENSE (SPC-4 6.8, 7.3): the pages that list pages, and those of the device type.
#pragma once

#include <cstdint>
#include <vector>

#include "scsi/command.h"
#include "scsi/device_type.h"

namespace tgt::scsi {

// Page 00h: the codes; page 00h, subpage FFh: code and subcode of each.
std::vector<uint8_t> supported_log_pages(std::span<const LogPage> pages);
std::vector<uint8_t> supported_log_subpages(std::span<const LogPage> pages);

// The log parameters whose code is not below `pointer` (SPC-4 6.8: PARAMETER POINTER).
std::vector<uint8_t> parameters_from(std::span<const uint8_t> parameters, uint16_t pointer);

Outcome run_log_sense(Command& command);

}  // namespace tgt::scsi
