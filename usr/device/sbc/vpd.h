// SPDX-License-Identifier: GPL-2.0-or-later
// The disk's own VPD pages (SBC-4 6.6) as pure functions: the bytes after the page header.
#pragma once

#include <cstdint>
#include <vector>

#include "scsi/command.h"
#include "scsi/lun_state.h"
#include "store/store.h"

namespace tgt::sbc {

void append_block_limits(const scsi::LunState& state, std::vector<uint8_t>& body);
void append_characteristics(const scsi::LunState& state, std::vector<uint8_t>& body);
void append_provisioning(const scsi::LunState& state, const store::Features& features,
                         std::vector<uint8_t>& body);

// The builders of the device type's page list.
void vpd_block_limits(const scsi::Command& command, std::vector<uint8_t>& body);
void vpd_characteristics(const scsi::Command& command, std::vector<uint8_t>& body);
void vpd_provisioning(const scsi::Command& command, std::vector<uint8_t>& body);

}  // namespace tgt::sbc
