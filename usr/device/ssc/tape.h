// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "scsi/device_type.h"

namespace tgt::ssc {

// Sequential access device (SSC): a tape drive.
extern const scsi::DeviceType tape;

}  // namespace tgt::ssc
