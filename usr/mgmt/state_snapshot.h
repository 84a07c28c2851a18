// SPDX-License-Identifier: GPL-2.0-or-later
// From the registry to the saved state. Control thread.
#pragma once

#include "mgmt/registry.h"
#include "mgmt/state_rows.h"
#include "mgmt/verbs.h"

namespace tgt::mgmt {

// The objects as they are now, in the form in which they are saved.
SavedSystem saved_system(const Registry& registry);
SavedBindings saved_discovery(const Registry& registry);
SavedPortals saved_portals(const Registry::DriverEntry& driver);
SavedTarget saved_target(const Registry& registry, const TargetEntry& entry);
SavedLun saved_lun(const Registry& registry, const TargetEntry& entry, uint64_t lun);

// Lets the answer of `call` wait until what the verb of `row` has changed is on the disk. If it
// cannot be written, the answer is given all the same, with a warning: the change is in force.
void save_when_done(const VerbRow& row, Call& call);

}  // namespace tgt::mgmt
