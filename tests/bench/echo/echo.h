// SPDX-License-Identifier: GPL-2.0-or-later
// The floor: a server that moves the bytes of an iSCSI target and does nothing else. A request is
// a header of 48 bytes with the fields of a SCSI Command, followed by the data of a write; the
// answer a header of 48 bytes, followed by the data of a read. The CDB of the request begins with
// the place of the data in bytes (64 bits).
#pragma once

#include "base/result.h"
#include "tests/bench/measure.h"
#include "tests/bench/options.h"

namespace tgt::bench {

// Answers until it is killed. All answers of one turn go in one send; reads get the bytes of one
// buffer, which the caches hold, or of a file (answers.h).
Result<int> serve_echo(const Options& options);
// The load of `lean` against it.
Result<int> load_echo(const Options& options);

}  // namespace tgt::bench
