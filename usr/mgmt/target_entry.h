// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mgmt/access.h"
#include "mgmt/driver.h"
#include "mgmt/failure.h"
#include "mgmt/redirect.h"
#include "scsi/target.h"

namespace tgt::mgmt {

// What management knows of one target. Owned by the Registry; control thread.
struct TargetEntry {
    int tid = 0;
    std::string name;
    Driver* driver = nullptr;
    bool ready = true;      // state ready, else offline
    bool deleting = false;  // no login and no change any more
    std::shared_ptr<scsi::Target> target;
    std::shared_ptr<const DriverParameters> parameters;  // replaced whole
    AccessList access;
    Redirect redirect;
    // LUNs being made, changed or removed, and what ends that early (null: it ends by itself).
    std::map<uint64_t, std::function<void(const Failure&)>> busy_luns;

    // A driver parameter by name (any case), or empty.
    std::string parameter(std::string_view wanted) const;
};

}  // namespace tgt::mgmt
