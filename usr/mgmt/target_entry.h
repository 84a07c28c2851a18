// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mgmt/access.h"
#include "mgmt/driver.h"
#include "mgmt/failure.h"
#include "mgmt/new_lun.h"
#include "mgmt/redirect.h"
#include "scsi/target.h"

namespace tgt::mgmt {

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
    std::map<uint64_t, NewLun> made;  // how its LUNs were made; LUN 0 is made with the target
    // LUNs being made, changed or removed, and what ends that early (null: it ends by itself).
    std::map<uint64_t, std::function<void(const Failure&)>> busy_luns;

    // Who made a LUN; LUN 0 comes with the target.
    const std::string& origin_of(uint64_t lun) const {
        const auto found = made.find(lun);
        return found == made.end() ? origin : found->second.origin;
    }
    // A driver parameter by name (any case), or empty.
    std::string parameter(std::string_view wanted) const;
};

}  // namespace tgt::mgmt
