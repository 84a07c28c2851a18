// SPDX-License-Identifier: GPL-2.0-or-later
// Cartridges into drives and out of them: the changer's side of scsi::MediumPort.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "scsi/device_model.h"
#include "scsi/logical_unit.h"
#include "store/library.h"

namespace tgt::smc {

// The logical unit that a drive element stands for. Used on the changer's strand.
struct BoundDrive {
    std::weak_ptr<scsi::LogicalUnit> unit;
    scsi::LunIdentity identity;  // for DVCID
    store::DrivePlace place;     // where it was found
};

// Opens the cartridge's file in the store that the drive uses, and loads it; the sense when that
// cannot be. Blocking; waits for the drive.
std::optional<scsi::Sense> load_drive(scsi::LogicalUnit& drive, const std::string& path);
// Takes the cartridge out, also one that is loaded: implicit unload. A drive that has none is
// unloaded.
std::optional<scsi::Sense> unload_drive(scsi::LogicalUnit& drive);
// Whether the drive has a medium, from wherever. Any thread.
bool has_medium(const scsi::LogicalUnit& drive);
// The file of the cartridge in it; empty without one. Any thread.
std::string medium_path(const scsi::LogicalUnit& drive);

}  // namespace tgt::smc
