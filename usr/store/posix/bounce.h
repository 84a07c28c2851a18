// SPDX-License-Identifier: GPL-2.0-or-later
// Direct I/O with memory that it does not accept. Blocking.
#pragma once

#include "store/store.h"

namespace tgt::store::posix {

// Whether a piece of the memory begins or ends off the alignment.
bool needs_bounce(const Op& op, uint32_t alignment);

// As read_fully() and write_fully(), through aligned memory; ENOMEM when there is none.
int read_bounced(int fd, Op& op);
int write_bounced(int fd, Op& op, int rwf_flags);

}  // namespace tgt::store::posix
