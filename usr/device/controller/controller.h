// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "scsi/device_type.h"

namespace tgt::controller {

// Storage array controller device: LUN 0 of every target, without a medium.
extern const scsi::DeviceType controller;

}  // namespace tgt::controller
