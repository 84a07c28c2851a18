// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/store.h"

namespace tgt::store {

// The file in which a changer keeps what its library holds (store/library.h). It must be there; one
// that is empty, or all zeros (as tgt's users make it), is a library without elements. Anything
// else that is not its own it refuses, so nothing else is ever overwritten.
extern const Engine smc_engine;

}  // namespace tgt::store
