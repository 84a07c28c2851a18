// SPDX-License-Identifier: GPL-2.0-or-later
// Private to the verbs: one handler per row, and what they share.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "mgmt/registry.h"
#include "mgmt/verbs.h"

namespace tgt::mgmt {

using Json = nlohmann::json;

// --- what a request carries; the types were checked by the protocol
bool has(const Call& call, Key key);
std::string text_of(const Call& call, Key key);  // empty when not given
std::optional<std::string> optional_text(const Call& call, Key key);
// Absent, or above `max`: nothing.
std::optional<uint64_t> number_of(const Call& call, Key key, uint64_t max = UINT64_MAX);
bool flag_of(const Call& call, Key key);
NamedValues pairs_of(const Call& call);
// -1 (no target has it) when it is absent or too large.
int tid_of(const Call& call);

// --- answers
void answer(const Call& call, Json result);
void answer(const Call& call, const Status& status);
void answer(const Call& call, const Outcome<Warnings>& outcome);
void answer_failure(const Call& call, Failure failure);
// For asynchronous steps: keeps the call alive.
StatusCallback status_callback(CallPtr call);
LunCallback lun_callback(CallPtr call);

// --- handlers
void system_show(CallPtr call);
void system_update(CallPtr call);
void system_delete(CallPtr call);
void system_stat(CallPtr call);
void target_new(CallPtr call);
void target_delete(CallPtr call);
void target_show(CallPtr call);
void target_bind(CallPtr call);
void target_unbind(CallPtr call);
void target_update(CallPtr call);
void target_stat(CallPtr call);
void lun_new(CallPtr call);
void lun_delete(CallPtr call);
void lun_update(CallPtr call);
void lun_stat(CallPtr call);
void portal_new(CallPtr call);
void portal_delete(CallPtr call);
void portal_show(CallPtr call);
void account_new(CallPtr call);
void account_delete(CallPtr call);
void account_bind(CallPtr call);
void account_unbind(CallPtr call);
void account_show(CallPtr call);
void connection_show(CallPtr call);
void connection_delete(CallPtr call);
void connection_stat(CallPtr call);
void session_stat(CallPtr call);
void lld_start(CallPtr call);
void lld_stop(CallPtr call);
void lld_show(CallPtr call);

}  // namespace tgt::mgmt
