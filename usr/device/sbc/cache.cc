// SPDX-License-Identifier: GPL-2.0-or-later
// PRE-FETCH and SYNCHRONIZE CACHE (SBC-4 5.13, 5.14, 5.32, 5.33). A block count of zero means to
// the end.
#include "device/sbc/handlers.h"
#include "device/sbc/medium.h"

namespace tgt::sbc {

namespace {

void fill_range_op(Command& command, store::OpKind kind) {
    command.op.kind = kind;
    command.op.dsync = false;
    command.op.offset = first_byte(command);
    command.op.length = command.extents.blocks * block_size(command);
    command.op.iov = nullptr;
    command.op.iov_count = 0;
}

}  // namespace

// GOOD: we do not know that all of it found room in the cache (CONDITION MET would say so).
Step start_prefetch(Command& command) {
    fill_range_op(command, store::OpKind::prefetch);
    return command.submit_io([](Command&) { return Outcome(); });
}

// IMMED is a leave to answer early that is not taken: an error found later could only be told as a
// deferred one, which initiators lose.
Step start_synchronize_cache(Command& command) {
    if (auto failed = flush_failure(command)) {
        command.outcome = *failed;
        return Step::done;
    }
    fill_range_op(command, store::OpKind::flush);
    return command.submit_io([](Command& ended) {
        return scsi::outcome_of_errno(ended.op.error, scsi::Access::flush, ended.extents.lba);
    });
}

}  // namespace tgt::sbc
