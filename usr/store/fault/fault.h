// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/store.h"

namespace tgt::store {

// A store over another engine's that fails, delays, hangs, reorders and forgets on command, live:
// for testing what uses it. See doc/fault-store.md.
extern const Engine fault_engine;

}  // namespace tgt::store
