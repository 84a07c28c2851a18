// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "driver/iscsi/driver_settings.h"
#include "io/runtime.h"
#include "mgmt/driver.h"

namespace tgt::iscsi {

// The iSCSI driver over TCP. See mgmt::Driver for threads and life.
std::unique_ptr<mgmt::Driver> make_driver(io::Runtime& runtime,
                                          const DriverSettings& settings = {});

}  // namespace tgt::iscsi
