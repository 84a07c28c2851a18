// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "scsi/device_type.h"

namespace tgt::passthrough {

// A SCSI device of this machine: every CDB goes to it, and what it answers goes to the initiator.
// Its store has a ScsiPort.
extern const scsi::DeviceType passthrough;

}  // namespace tgt::passthrough
