// SPDX-License-Identifier: GPL-2.0-or-later
// What `target.show` adds with `details`: everything that can be set, each with its value and with
// the one that a new target or logical unit starts with. tgt-admin compares a configuration file
// with it, and writes it into one.
#pragma once

#include "mgmt/handlers.h"

namespace tgt::mgmt {

// [{"name", "value", "default"}, ...] as `target.update` takes them.
Json show_target_settings(const Registry& registry, const TargetEntry& entry);

// Adds "options" (what `logicalunit.new` takes) and "parameters" (what `logicalunit.update` takes,
// one mode_page for each page) to `shown`. The default is null where a new one has none.
void add_lun_settings(Json& shown, const Registry& registry, const TargetEntry& entry, uint64_t lun,
                      const scsi::LogicalUnit& unit);

}  // namespace tgt::mgmt
