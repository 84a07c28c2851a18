// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's state as a configuration file. Loading it into an empty daemon gives the same state,
// but for the passwords when they are not asked for, and for what tgt's own daemon does not tell.
#pragma once

#include <string>

#include "tgt-admin/state.h"

namespace tgt::tgt_admin {

// As short as tgt's where that says everything.
std::string dump(const State& state, bool secrets);

}  // namespace tgt::tgt_admin
