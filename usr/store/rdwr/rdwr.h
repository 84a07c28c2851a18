// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/store.h"

namespace tgt::store {

// A regular file or a block device through the page cache, or around it with the flag `direct`.
extern const Engine rdwr_engine;

}  // namespace tgt::store
