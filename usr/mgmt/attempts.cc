// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/attempts.h"

#include <utility>

namespace tgt::mgmt {

namespace {

void call_all(const std::vector<std::function<void()>>& all) {
    for (const auto& call : all) call();
}

}  // namespace

Attempts::Entry Attempts::enter(const std::string& what, std::function<void()> again) {
    const auto [it, fresh] = running_.try_emplace(what);
    if (fresh) return Entry::entered;
    if (it->second.late) return Entry::late;
    it->second.waiting.push_back(std::move(again));
    return Entry::waiting;
}

void Attempts::give_up(const std::string& what) {
    const auto it = running_.find(what);
    if (it == running_.end()) return;
    it->second.late = true;
    call_all(std::exchange(it->second.waiting, {}));
}

void Attempts::leave(const std::string& what) {
    const auto it = running_.find(what);
    if (it == running_.end()) return;
    const auto waiting = std::move(it->second.waiting);
    running_.erase(it);
    call_all(waiting);
}

}  // namespace tgt::mgmt
