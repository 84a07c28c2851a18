// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/store.h"

namespace tgt::store {

// A regular file or a block device around the page cache, by the kernel's asynchronous I/O: reads
// and writes need no thread and no hop.
extern const Engine aio_engine;

}  // namespace tgt::store
