// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "scsi/device_type.h"

namespace tgt::smc {

// Media changer (SMC-3): a library of slots, drives, import/export elements and arms. Its drives
// are other logical units; its cartridges are files.
extern const scsi::DeviceType changer;

}  // namespace tgt::smc
