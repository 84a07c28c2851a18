// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/state.h"

#include <algorithm>

namespace tgt::tgt_admin {
namespace {

template <class List, class Match>
auto* find_in(List& list, Match match) {
    const auto it = std::find_if(list.begin(), list.end(), match);
    return it == list.end() ? nullptr : &*it;
}

}  // namespace

const Value* find_value(const std::vector<Value>& values, std::string_view name) {
    return find_in(values, [&](const Value& value) { return value.name == name; });
}

UnitState* TargetState::find_unit(uint64_t lun) {
    return find_in(units, [&](const UnitState& unit) { return unit.lun == lun; });
}

TargetState* State::find_target(std::string_view name) {
    return find_in(targets, [&](const TargetState& target) { return target.name == name; });
}

TargetState* State::find_target(int tid) {
    return find_in(targets, [&](const TargetState& target) { return target.tid == tid; });
}

bool State::has_account(std::string_view user) const {
    return std::find(accounts.begin(), accounts.end(), user) != accounts.end();
}

}  // namespace tgt::tgt_admin
