// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "device/ssc/drive.h"

namespace tgt::ssc {

// Filemarks that nothing but end of data follows may be overwritten, as software ends a volume that
// it goes on with later. False also when the medium cannot tell.
bool nothing_but_filemarks_follows(store::Tape& tape);
bool at_end_of_data(store::Tape& tape);

// Why nothing may be written at the position of a WORM cartridge (SSC-4 4.2.19): there is data
// behind it. Nothing: it may.
std::optional<scsi::Sense> overwriting_worm(Drive& drive);
// The same for commands that empty what is recorded.
std::optional<scsi::Sense> emptying_worm(Drive& drive);

}  // namespace tgt::ssc
