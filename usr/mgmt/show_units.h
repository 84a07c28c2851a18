// SPDX-License-Identifier: GPL-2.0-or-later
// Logical units as `tgtadm --json` shows them, those included that no LUN leads to any more.
#pragma once

#include <functional>
#include <map>

#include "mgmt/handlers.h"

namespace tgt::mgmt {

// Commands that were aborted and that the store has not given back, by unit.
using StuckCounts = std::map<const scsi::LogicalUnit*, size_t>;

// Asks every worker; `done` on the control thread. It waits for no device.
void count_stuck(Registry& registry, std::function<void(const StuckCounts&)> done);

Json show_lun(const Registry& registry, uint64_t lun, const scsi::LogicalUnit& unit,
              const StuckCounts& stuck);
// What tgtadm prints of a unit, at one moment; belongs to no thread.
struct ShownLun {
    uint64_t lun = 0;
    std::string_view type;
    scsi::LunStatePtr state;
    uint64_t size = 0;
    uint32_t block_size = 0;
    bool prevented = false;
    bool online = false;
    std::string store, path, flags;
};
ShownLun look_at_lun(const Registry& registry, uint64_t lun, const scsi::LogicalUnit& unit);

struct ShownTarget {
    Json alone;  // without its units
    std::vector<ShownLun> luns;
};
std::string targets_text(const std::vector<ShownTarget>& targets);

// The media that are still held although no LUN leads to them.
Json show_graveyard(const Registry& registry, const StuckCounts& stuck);

}  // namespace tgt::mgmt
