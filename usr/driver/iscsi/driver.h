// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "driver/iscsi/driver_settings.h"
#include "driver/iscsi/passed_sockets.h"
#include "io/runtime.h"
#include "mgmt/driver.h"

namespace tgt::iscsi {

// The iSCSI driver over TCP. See mgmt::Driver for threads and life. A portal whose address one of
// the passed sockets has uses that one.
std::unique_ptr<mgmt::Driver> make_driver(io::Runtime& runtime, const DriverSettings& settings = {},
                                          PassedSockets passed = {});

}  // namespace tgt::iscsi
