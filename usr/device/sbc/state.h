// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "scsi/device_type.h"

namespace tgt::sbc {

scsi::LunState initial_state(const scsi::LunSetup& setup);
std::vector<scsi::ModePage> mode_pages();
std::vector<uint8_t> block_descriptor(const scsi::LunState& state, bool long_lba);
uint8_t device_specific(const scsi::LunState& state);

}  // namespace tgt::sbc
