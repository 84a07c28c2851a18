// SPDX-License-Identifier: GPL-2.0-or-later
// The changer's own commands (SMC-3 clause 6), each on the strand but PREVENT.
#pragma once

#include "scsi/command.h"
#include "scsi/outcome.h"

namespace tgt::smc {

scsi::Outcome initialize_element_status(scsi::Command& command);
scsi::Outcome initialize_range(scsi::Command& command);
scsi::Outcome open_close_element(scsi::Command& command);
scsi::Outcome position_to_element(scsi::Command& command);
scsi::Outcome move_medium(scsi::Command& command);
scsi::Outcome exchange_medium(scsi::Command& command);
scsi::Outcome read_element_status(scsi::Command& command);
scsi::Outcome report_element_information(scsi::Command& command);
scsi::Outcome send_volume_tag(scsi::Command& command);
scsi::Outcome request_volume_element_address(scsi::Command& command);
scsi::Outcome prevent_allow(scsi::Command& command);

}  // namespace tgt::smc
