// SPDX-License-Identifier: GPL-2.0-or-later
// Handlers of what a tape drive says of itself and its cartridge (page_rows.h). On the strand.
#pragma once

#include <array>

#include "scsi/command.h"
#include "scsi/device_type.h"

namespace tgt::ssc {

scsi::Outcome mode_sense(scsi::Command& command);
scsi::Outcome log_sense(scsi::Command& command);
// With PCR what counts since the cartridge was loaded begins anew (SPC-4 6.7).
scsi::Outcome log_select(scsi::Command& command);
scsi::Outcome report_density_support(scsi::Command& command);
scsi::Outcome read_attribute(scsi::Command& command);
scsi::Outcome write_attribute(scsi::Command& command);
// security_protocol.cc
scsi::Outcome security_protocol_in(scsi::Command& command);
scsi::Outcome security_protocol_out(scsi::Command& command);

// Page 2Eh clears the flags that it tells.
extern const std::array<scsi::LogPage, 13> log_pages;

}  // namespace tgt::ssc
