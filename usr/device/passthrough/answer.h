// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "scsi/command.h"
#include "store/scsi_port.h"

namespace tgt::passthrough {

// What the initiator gets: the device's answer as it is, or, when there is none, a status that says
// what became of the command; never GOOD then. On a thread of the pool.
scsi::Outcome accept(scsi::Command& command, store::ScsiReply reply);

// The latter.
scsi::Outcome undelivered(store::Delivery delivery);

}  // namespace tgt::passthrough
