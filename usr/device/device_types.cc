// SPDX-License-Identifier: GPL-2.0-or-later
// The device types of this build. A new one is a folder and a line here.
#include "device/controller/controller.h"
#include "device/passthrough/passthrough.h"
#include "device/sbc/disk.h"
#include "device/smc/changer.h"
#include "device/ssc/tape.h"
#include "scsi/device_type.h"

namespace tgt::scsi {

std::span<const DeviceType* const> device_types() {
    static constexpr const DeviceType* types[] = {
        &sbc::disk, &controller::controller, &smc::changer, &ssc::tape, &passthrough::passthrough,
    };
    return types;
}

const DeviceType* find_device_type(std::string_view name) {
    for (const DeviceType* type : device_types())
        if (type->name == name) return type;
    return nullptr;
}

}  // namespace tgt::scsi
