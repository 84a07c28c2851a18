// SPDX-License-Identifier: GPL-2.0-or-later
// The part of tgtadm that touches the world: password files, /sys and the daemon.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "tgtadm/parse.h"

namespace tgt::tgtadm {

// Carries the request out and says what to print and return.
Exit run(Parsed& parsed, const Environment& env);

// The number of the SCSI host that "bus,id" has below /sys/bus.
Result<uint32_t> find_scsi_host(std::string_view bus_and_id);

}  // namespace tgt::tgtadm
