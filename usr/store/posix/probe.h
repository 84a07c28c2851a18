// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/posix/open.h"

namespace tgt::store::posix {

// What the medium below an open file or device can do. Refuses what cannot be served: an empty
// file, a block size below the alignment that direct I/O needs. Blocking.
Result<Info> probe(const Opened& opened, const OpenRequest& request,
                   const DirectWish& wish = wish_by_flag);

// The size now. Blocking.
Result<uint64_t> size_of(int fd, bool block_device);

}  // namespace tgt::store::posix
