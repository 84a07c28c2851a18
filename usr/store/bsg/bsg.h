// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/bsg.h>

#include "store/scsi_port.h"
#include "store/store.h"

namespace tgt::store {

// /dev/bsg/H:C:T:L: any SCSI device, by the kernel's bsg driver.
extern const Engine bsg_engine;

namespace bsg {

// One command on its way through the driver, version 4 of sg's interface. The header points into
// the rest.
struct Call {
    sg_io_v4 header;
    std::vector<uint8_t> sense;
    // The driver takes one piece only: several are copied here.
    std::vector<uint8_t> flat;
};
void prepare(Call& call, const ScsiRequest& request, uint32_t timeout_ms);
// What came back; data that was read flat goes to where the request wants it.
ScsiReply reply_of(const Call& call, const ScsiRequest& request);

}  // namespace bsg

}  // namespace tgt::store
