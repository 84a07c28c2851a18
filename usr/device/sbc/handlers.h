// SPDX-License-Identifier: GPL-2.0-or-later
// The handlers of the disk's op table (disk.cc), by file.
#pragma once

#include "scsi/command.h"

namespace tgt::sbc {

using scsi::Command;
using scsi::Outcome;
using scsi::Status;
using scsi::Step;

// transfer.cc
Step start_read(Command& command);
Step start_write(Command& command);
// verify.cc
Outcome write_and_verify(Command& command);
Outcome verify(Command& command);
// read_modify_write.cc
Outcome or_write(Command& command);
Outcome compare_and_write(Command& command);
// write_same.cc
Outcome write_same(Command& command);
// unmap.cc
Outcome unmap(Command& command);
scsi::BlockRange unmap_reach(const Command& command);  // from the first block to the last
// cache.cc
Step start_prefetch(Command& command);
Step start_synchronize_cache(Command& command);
// capacity.cc
Outcome read_capacity_10(Command& command);
Outcome read_capacity_16(Command& command);
Outcome get_lba_status(Command& command);
// medium_control.cc
Outcome format_unit(Command& command);
scsi::BlockRange whole_medium(const Command& command);
Step start_stop_unit(Command& command);

}  // namespace tgt::sbc
