// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges without data: discarding, zeroing, finding holes. Blocking.
#pragma once

#include "store/store.h"

namespace tgt::store::posix {

// 0 or an errno value; EOPNOTSUPP when the file system or device cannot.
int discard(int fd, bool block_device, uint64_t offset, uint64_t length);
// As above, but falls back to writing zeroes.
int write_zeroes(int fd, bool block_device, uint64_t offset, uint64_t length);

// The run at `offset` of a file of `size` bytes; all data where the file system does not tell.
Result<Extent> file_extent(int fd, uint64_t offset, uint64_t size);

}  // namespace tgt::store::posix
