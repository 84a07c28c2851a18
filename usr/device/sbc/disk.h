// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "scsi/device_type.h"

namespace tgt::sbc {

// Direct access block device (SBC): a disk.
extern const scsi::DeviceType disk;

}  // namespace tgt::sbc
