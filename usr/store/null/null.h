// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/store.h"

namespace tgt::store {

// A medium of 1 TiB without memory: reads give zeroes, writes are dropped. For measuring everything
// else.
extern const Engine null_engine;

}  // namespace tgt::store
