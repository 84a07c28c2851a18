// SPDX-License-Identifier: GPL-2.0-or-later
// Asks a daemon for its state.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "ipc/admin/client.h"
#include "tgt-admin/state.h"

namespace tgt::tgt_admin {

// How much is asked for.
enum class Need : uint8_t {
    targets,  // what acts on targets as they are
    all,      // what compares them with a configuration file
};

// `only`: the target whose parameters are asked for (tid=N or a name); empty: those of all, which
// takes a while with thousands.
tl::expected<State, ipc::CallError> gather(ipc::Client& client, Need need,
                                           const std::string& only = "");

// Of the JSON of the daemon's answers; members that are missing are empty.
std::vector<TargetState> targets_from(const nlohmann::json& target_show);
void add_accounts(const nlohmann::json& account_show, State& state);
void add_system(const nlohmann::json& system_show, State& state);
void add_portals(const nlohmann::json& portal_show, State& state);

}  // namespace tgt::tgt_admin
