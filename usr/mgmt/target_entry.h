// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "mgmt/access.h"
#include "mgmt/driver.h"
#include "mgmt/failure.h"
#include "mgmt/new_lun.h"
#include "mgmt/redirect.h"
#include "scsi/target.h"

namespace tgt::mgmt {

// How a LUN came to be what it is: what makes it again. LUN 0, which is made with its target, has
// one only when something was set.
struct LunEntry {
    NewLun made;  // with the path it has now
    // What was set since; of the logical unit, so shared by all LUNs that lead to it.
    std::shared_ptr<NamedValues> set = std::make_shared<NamedValues>();
    // The backing store could not be opened yet when the saved state was restored: why.
    std::optional<std::string> waiting_for;
};

// What management knows of one target. Owned by the Registry; control thread.
struct TargetEntry {
    int tid = 0;
    std::string name;
    uint64_t serial = 0;  // which target of the daemon it is: 1, 2, ...
    std::string origin;
    Driver* driver = nullptr;
    bool ready = true;      // state ready, else offline
    bool deleting = false;  // no login and no change any more
    std::shared_ptr<scsi::Target> target;
    std::shared_ptr<const DriverParameters> parameters;  // replaced whole
    AccessList access;
    Redirect redirect;
    std::set<uint32_t> hosts;  // it is bound to; also those that are not there now
    NamedValues set;           // what was updated since it was made
    std::map<uint64_t, LunEntry> lun_entries;
    // LUNs being made, changed or removed, and what ends that early (null: it ends by itself).
    std::map<uint64_t, std::function<void(const Failure&)>> busy_luns;

    // Who made a LUN; LUN 0 comes with the target.
    const std::string& origin_of(uint64_t lun) const {
        const auto found = lun_entries.find(lun);
        return lun == 0 || found == lun_entries.end() ? origin : found->second.made.origin;
    }
    // A driver parameter by name (any case), or empty.
    std::string parameter(std::string_view wanted) const;
};

}  // namespace tgt::mgmt
