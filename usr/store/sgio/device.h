// SPDX-License-Identifier: GPL-2.0-or-later
// A SCSI device by its character device, and what sysfs knows of it. Everything here can wait for
// the device: threads of the pool only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "store/store.h"

namespace tgt::store::sgio {

// The kernel's driver behind a path.
struct Driver {
    std::string_view subsystem;  // its class in sysfs
    std::string_view node;       // how its devices are called
    std::string_view engine;     // --bstype
};

struct Device {
    UniqueFd fd;
    dev_t number = 0;
    std::string folder;  // the SCSI device's in sysfs, as long as it is there
    uint8_t type = 0;    // peripheral device type
    std::string lasting_id;
};

// Errors name the path, the reason and what to do.
Result<Device> open_device(const std::string& path, const Driver& driver,
                           const std::string& sysfs = "/sys");

// Whether it is still in the system.
bool is_there(const Device& device);
// LOGICAL UNIT RESET, through the device's sg node, as bsg has no way. 0 or an errno value.
int reset_device(const Device& device);

}  // namespace tgt::store::sgio
