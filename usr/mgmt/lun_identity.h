// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "scsi/lun_state.h"

namespace tgt::mgmt {

// tgt's defaults: the same on every host, so two daemons' disks can be taken for one.
scsi::LunIdentity default_identity(int tid, uint64_t lun);

// `tgtd --unique-ids`: derived by a hash from the host's machine-id and from what the LUN is (the
// path as the administrator gave it, or target name and LUN where there is none), so it is another
// on every host and the same after every restart.
scsi::LunIdentity unique_identity(std::string_view machine_id, std::string_view what);

}  // namespace tgt::mgmt
