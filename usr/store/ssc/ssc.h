// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/store.h"

namespace tgt::store {

// Tape cartridges in files: tgt's own format, and version 2 of the one of tgt's C versions.
extern const Engine ssc_engine;

}  // namespace tgt::store
