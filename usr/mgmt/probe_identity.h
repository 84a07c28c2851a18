// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "store/store.h"

namespace tgt::mgmt {

// Which medium a path leads to, the same answer that an engine gives once it is open: opening a
// file a second time would fail on our own lock. Not known when there is none. Blocking.
store::Identity probe_identity(const std::string& path);

// Whether a path is on another file system now than its file, which has been unmounted: what is
// still open is left to itself. Blocking.
bool is_unmounted(const std::string& path, const store::Identity& file);

// A device; the others are files.
bool is_device(const store::Identity& identity);

}  // namespace tgt::mgmt
