// SPDX-License-Identifier: GPL-2.0-or-later
// The tape drive's own VPD pages (SSC-5 8.5, SPC-4 7.8) as pure functions: the bytes after the page
// header.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "device/ssc/personality.h"
#include "scsi/device_type.h"

namespace tgt::ssc {

using VpdBody = std::vector<uint8_t>;
void append_extended_inquiry(const scsi::LunState& state, VpdBody& body);   // 86h
void append_capabilities(const scsi::LunState& state, VpdBody& body);       // B0h
void append_serial_number(const scsi::LunState& state, VpdBody& body);      // B1h
void append_supported_alerts(const scsi::LunState& state, VpdBody& body);   // B2h
void append_automation_serial(const scsi::LunState& state, VpdBody& body);  // B3h
void append_block_protection(const scsi::LunState& state, VpdBody& body);   // B5h

extern const std::array<scsi::VpdPage, 6> vpd_pages;

}  // namespace tgt::ssc
