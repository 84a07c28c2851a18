// SPDX-License-Identifier: GPL-2.0-or-later
// What a new changer starts from, and the mode pages of SMC-3 7.3.
#pragma once

#include <cstdint>
#include <vector>

#include "scsi/device_type.h"
#include "store/library.h"

namespace tgt::smc {

scsi::LunState initial_state(const scsi::LunSetup& setup);
std::vector<uint8_t> block_descriptor(const scsi::LunState& state, bool long_lba);
uint8_t device_specific(const scsi::LunState& state);
// The pages that tell of the elements: 1Dh and 1Eh.
void put_element_pages(scsi::LunState& state, const store::Inventory& inventory);

}  // namespace tgt::smc
