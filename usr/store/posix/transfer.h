// SPDX-License-Identifier: GPL-2.0-or-later
// Loops around preadv2 and pwritev2 that move everything or say why not. Blocking, but for
// read_cached().
#pragma once

#include "store/store.h"

namespace tgt::store::posix {

// Each starts at op.done; the result is 0 or an errno value.
int read_fully(int fd, Op& op);
// `rwf_flags` as for pwritev2(2); op.done counts what was written, also when the result is an
// error.
int write_fully(int fd, Op& op, int rwf_flags);

// Reads what the page cache has without waiting for the device, and advances op.done. True when
// that was everything. Clears `supported` when the file system cannot tell cached from not.
bool read_cached(int fd, Op& op, bool& supported);

}  // namespace tgt::store::posix
