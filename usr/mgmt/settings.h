// SPDX-License-Identifier: GPL-2.0-or-later
// What was set of an object, so that it can be set again: each setting once, in the order of the
// last change.
#pragma once

#include <string_view>

#include "mgmt/lun_parameters.h"
#include "mgmt/new_lun.h"
#include "scsi/lun_state.h"

namespace tgt::mgmt {

// Names of any case; the value takes the place of an older one.
void remember_setting(NamedValues& set, std::string_view name, std::string_view value);
void forget_setting(NamedValues& set, std::string_view name);
bool has_setting(const NamedValues& set, std::string_view name);

// Likewise, of a LUN: each mode page is a setting of its own; `flush_failed=0` and `path` are none.
void remember_lun_setting(NamedValues& set, std::string_view name, std::string_view value);
// What is left of them when another medium takes the place of the old one.
void remember_new_medium(NamedValues& set, const scsi::LunState& state);
// The identity as it is, even if nobody has set it: it must not change under the initiators.
void remember_identity(NamedValues& set, const scsi::LunIdentity& identity);

// Likewise, of the system: a level for all modules takes the place of those for one. The State is
// none: scripts set it for a moment, and a daemon starts ready.
void remember_system_setting(NamedValues& set, std::string_view name, std::string_view value);

}  // namespace tgt::mgmt
