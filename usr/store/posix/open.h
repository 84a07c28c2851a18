// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/unique_fd.h"
#include "store/store.h"

namespace tgt::store::posix {

// A backing file or device as the system gave it to us.
struct Opened {
    UniqueFd fd;
    bool block_device = false;
    bool read_only = false;
};

// Opens for reading and writing, or for reading only where that is refused or wished, and locks it.
// Blocking.
Result<Opened> open_backing(const OpenRequest& request);

}  // namespace tgt::store::posix
