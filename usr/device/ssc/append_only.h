// SPDX-License-Identifier: GPL-2.0-or-later
// What a drive refuses to overwrite: the data of WORM media always, and any data in append-only
// mode (device configuration extension page, WRITE MODE), but for what ALLOW OVERWRITE gave leave
// for.
#pragma once

#include <optional>

#include "device/ssc/drive.h"

namespace tgt::ssc {

// Why WRITE and WRITE FILEMARKS may not write at the position; nothing: they may.
std::optional<scsi::Sense> overwriting(const scsi::Command& command, Drive& drive);
// The same for ERASE, which empties what stands behind the position.
std::optional<scsi::Sense> erasing(const scsi::Command& command, Drive& drive);
// The same for what makes the whole medium anew.
std::optional<scsi::Sense> formatting(const scsi::Command& command, Drive& drive);

}  // namespace tgt::ssc
