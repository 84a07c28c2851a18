// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/aftermath.h"

#include <nlohmann/json.hpp>

namespace tgt::tgt_admin {
namespace {

using ipc::CallError;
using ipc::ErrorCode;

// 0: it is about no target.
int tid_of(const Command& command) {
    return command.params ? command.params->value("tid", 0) : 0;
}

bool is_there_already(const CallError& error) {
    return error.kind == CallError::Kind::daemon && error.code == int(ErrorCode::account_exists);
}

bool lets_in(const Command& command) {
    if (command.method == "target.update")
        return command.params->value("name", "") == "state" &&
               command.params->value("value", "") == "ready";
    return command.method == "target.bind" || command.method == "account.unbind";
}

}  // namespace

void Aftermath::failed(const Step& step, const CallError& error) {
    failed_.insert(&step);
    const Command& command = step.command;
    if (command.method == "account.bind" && !command.params->value("outgoing", false) &&
        !is_there_already(error))
        unguarded_.insert(tid_of(command));
}

bool Aftermath::forbids(const Step& step) const {
    const int tid = tid_of(step.command);
    if (step.kind != Step::Kind::run || tid == 0) return false;
    if (step.needs != 0) {
        const Step& needed = plan_.steps[step.needs - 1];
        if (failed_.count(&needed) && tid_of(needed.command) == tid) return true;
    }
    return unguarded_.count(tid) && lets_in(step.command);
}

}  // namespace tgt::tgt_admin
