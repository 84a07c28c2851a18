// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "scsi/device_type.h"

namespace tgt::test {

// A device type with the SPC rows only: a disk of 2048 blocks with two mode pages (08h, and 0Ah
// with subpage 01h), a VPD page B1h and a log page 0Dh.
const scsi::DeviceType& spc_device();

}  // namespace tgt::test
