// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <scsi/sg.h>

#include "store/scsi_port.h"
#include "store/store.h"

namespace tgt::store {

// /dev/sgN: any SCSI device, by the kernel's sg driver.
extern const Engine sg_engine;

namespace sg {

// One command on its way through the driver, version 3 of its interface. The header points into the
// rest.
struct Call {
    sg_io_hdr header;
    std::vector<uint8_t> sense;
    std::vector<uint8_t> cdb;
    std::vector<iovec> pieces;
};
void prepare(Call& call, const ScsiRequest& request, uint32_t timeout_ms);
// What came back.
ScsiReply reply_of(const Call& call);

}  // namespace sg

}  // namespace tgt::store
