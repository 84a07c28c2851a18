// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "device/ssc/drive.h"

namespace tgt::ssc {

// Why nothing may be written at the position of a WORM cartridge (SSC-4 4.2.19): there is data
// behind it. Filemarks that nothing but end of data follows may be overwritten, as software ends a
// volume that it goes on with later. Nothing: it may.
std::optional<scsi::Sense> overwriting_worm(Drive& drive);
// The same for commands that empty what is recorded.
std::optional<scsi::Sense> emptying_worm(Drive& drive);

}  // namespace tgt::ssc
