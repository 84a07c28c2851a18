// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "store/store.h"

namespace tgt::mgmt {

// What names a medium for good, also after a restart: its own lasting name, else the real path it
// was found at. Empty when neither says which medium it is. Blocking: it follows links.
std::string medium_key(const store::Info& info, const std::string& path);

}  // namespace tgt::mgmt
