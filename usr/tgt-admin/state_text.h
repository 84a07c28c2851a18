// SPDX-License-Identifier: GPL-2.0-or-later
// The layouts that tgt's own daemon prints, read back. Pure; lines that are not understood are
// skipped, as a later tgt may have added them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tgt-admin/state.h"

namespace tgt::tgt_admin {

// --mode target --op show
std::vector<TargetState> parse_targets(std::string_view text);
// --mode target --op show --tid N; nothing when a redirection hides the parameters.
std::optional<std::vector<Value>> parse_parameters(std::string_view text);
// --mode account --op show; oldest first.
std::vector<std::string> parse_accounts(std::string_view text);
// --mode portal --op show; oldest first.
std::vector<PortalState> parse_portals(std::string_view text);
// --mode system --op show: discovery accounts and iSNS.
void parse_system(std::string_view text, State& state);

// Whether a rule of the list of rules is one for addresses: ALL, or an address with or without a
// network's length. The layout does not tell them from names of initiators.
bool is_address_rule(std::string_view rule);

}  // namespace tgt::tgt_admin
