// SPDX-License-Identifier: GPL-2.0-or-later
// What Linux says of a command that a device did not answer.
#pragma once

#include "store/scsi_port.h"

namespace tgt::store::sgio {

// SG_IO has come back with these: the status of the device, the DID_ code of the host adapter and
// the DRIVER_ code of the kernel.
Delivery delivery_of(uint32_t device_status, uint32_t host_status, uint32_t driver_status);

// SG_IO has failed with this errno value. `most` is what the device takes in one command for sure.
Delivery delivery_of_errno(int error, const ScsiRequest& request, uint64_t most);

}  // namespace tgt::store::sgio
