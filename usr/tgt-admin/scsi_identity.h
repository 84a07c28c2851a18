// SPDX-License-Identifier: GPL-2.0-or-later
// Asks a SCSI disk for what a logical unit can take over from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tgt-admin/devices.h"

namespace tgt::tgt_admin {

// INQUIRY, VPD 80h and B0h and READ CAPACITY(16), by SG_IO. Fails when the first does not work;
// what else the device does not answer is left out.
Result<Identity> scsi_identity(const std::string& path);

// The pure part: what the answers say. Those that did not come are empty.
struct DiskAnswers {
    std::span<const uint8_t> inquiry;
    std::span<const uint8_t> serial;    // VPD 80h
    std::span<const uint8_t> limits;    // VPD B0h
    std::span<const uint8_t> capacity;  // READ CAPACITY(16)
};
Identity identity_from(const DiskAnswers& answers);

}  // namespace tgt::tgt_admin
