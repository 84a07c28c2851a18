// SPDX-License-Identifier: GPL-2.0-or-later
// The handlers of the tape drive's op table (rows.h), by file. All but those that say so run on the
// strand.
#pragma once

#include "scsi/command.h"

namespace tgt::ssc {

using scsi::Command;
using scsi::Outcome;
using scsi::Status;

// read.cc
Outcome read_6(Command& command);
std::optional<Outcome> read_6_now(Command& command);  // OpRow::run_now
Outcome verify_6(Command& command);
// write.cc
Outcome write_6(Command& command);
Outcome write_filemarks_6(Command& command);
// movement.cc
Outcome space_6(Command& command);
Outcome space_16(Command& command);
Outcome locate_10(Command& command);
Outcome locate_16(Command& command);
Outcome rewind(Command& command);
// position.cc
Outcome read_position_short(Command& command);
Outcome read_position_long(Command& command);
Outcome read_position_extended(Command& command);
Outcome read_block_limits(Command& command);  // inline
// append_only.cc
Outcome allow_overwrite(Command& command);
// medium.cc
Outcome load_unload(Command& command);
Outcome erase_6(Command& command);
Outcome format_medium(Command& command);
Outcome set_capacity(Command& command);

}  // namespace tgt::ssc
