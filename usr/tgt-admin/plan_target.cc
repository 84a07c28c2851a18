// SPDX-License-Identifier: GPL-2.0-or-later
// One target: made, or changed where it differs from what the file wants.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "tgt-admin/planner.h"

namespace tgt::tgt_admin {
namespace {

using config::Setting;
using config::Use;

constexpr std::string_view everybody = "ALL";

bool has(const std::vector<std::string>& list, const std::string& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

// The name for the command: those that begin with "state" are the user's own.
std::string parameter_name(const Setting& setting) {
    return std::string(setting.directive->to.empty() ? setting.name : setting.directive->to);
}

// The same rule, with or without brackets, in any case.
std::string plain_address(const std::string& rule) {
    std::string out;
    for (const char c : rule)
        if (c != '[' && c != ']') out += char(tolower(static_cast<unsigned char>(c)));
    return out;
}

std::vector<std::string> values_of(const config::Target& wanted, Use use) {
    std::vector<std::string> out;
    for (const Setting& setting : wanted.settings)
        if (setting.directive->use == use) out.push_back(setting.value);
    return out;
}

std::vector<std::string> wanted_addresses(const config::Target& wanted) {
    auto out = values_of(wanted, Use::acl_address);
    if (wanted.allow_all) out.emplace_back(everybody);
    return out;
}

const Value* find_any_case(const std::vector<Value>& values, std::string_view name) {
    const auto it = std::find_if(values.begin(), values.end(), [&](const Value& value) {
        return equal_any_case(value.name, name);
    });
    return it == values.end() ? nullptr : &*it;
}

}  // namespace

// --- a new one
// ------------------------------------------------------------------------------------

int Planner::tid_for(const config::Target& wanted, std::optional<int> tid) const {
    if (wanted.controller_tid) return *wanted.controller_tid;
    if (tid) return *tid;
    int largest = 0;
    for (const TargetState& target : now_.targets) largest = std::max(largest, target.tid);
    return largest + 1;
}

void Planner::create_target(const config::Target& wanted, std::optional<int> old) {
    comment("# Adding target: " + wanted.name);
    const int tid = tid_for(wanted, old);
    run(target_new({wanted.driver, tid}, wanted.name));
    const size_t made = plan_.steps.size();
    TargetState target;
    target.tid = tid;
    target.name = wanted.name;
    target.driver = wanted.driver;
    target.from_config = true;
    now_.targets.push_back(std::move(target));
    for (const Setting& setting : wanted.settings) apply(wanted, tid, setting);
    if (wanted.allow_all)
        run(acl_bind({wanted.driver, tid}, Subject::address, std::string(everybody)));
    for (size_t i = made; i < plan_.steps.size(); ++i) plan_.steps[i].needs = made;
}

// What tgt says of a directive that counts only once.
void Planner::comment_on(const config::Target& wanted, const Setting& setting) {
    const std::string about = "only one " + setting.name + " is allowed";
    for (const config::Problem& problem : config_.problems) {
        if (problem.error || problem.target != wanted.name) continue;
        if (problem.contract.find(about) == std::string::npos) continue;
        comment(problem.contract.substr(0, problem.contract.find('\n')));
        return;
    }
}

void Planner::apply(const config::Target& wanted, int tid, const Setting& setting) {
    comment_on(wanted, setting);
    const TargetId target{wanted.driver, tid};
    switch (setting.directive->use) {
        case Use::target_update:
            return run(target_update(target, parameter_name(setting), setting.value));
        case Use::backing_store:
            return create_units(wanted, tid, false);
        case Use::direct_store:
            return create_units(wanted, tid, true);
        case Use::account_incoming:
            return bind_account(wanted, tid, setting, false);
        case Use::account_outgoing:
            return bind_account(wanted, tid, setting, true);
        case Use::acl_address:
            return run(acl_bind(target, Subject::address, setting.value));
        case Use::acl_name:
            return run(acl_bind(target, Subject::name, setting.value));
        case Use::host:
            return bind_host(tid, setting);
        default:
            return;
    }
}

// A host has one target: where the files have moved it, it leaves the old one first.
void Planner::bind_host(int tid, const Setting& setting) {
    const auto host = uint32_t(parse_number(setting.value).value_or(0));
    for (TargetState& other : now_.targets) {
        if (!other.hosts || other.tid == tid || !take_back(other.from_config)) continue;
        if (std::erase(*other.hosts, host) > 0) run(host_unbind(other.tid, host));
    }
    TargetState& target = *now_.find_target(tid);
    run(host_bind({target.driver, tid}, host));
    if (!target.hosts) target.hosts.emplace();
    target.hosts->push_back(host);
}

void Planner::change_hosts(const config::Target& wanted, TargetState& target, bool take_back) {
    std::vector<uint32_t> numbers;
    for (const Setting& setting : wanted.settings) {
        if (setting.directive->use != Use::host) continue;
        numbers.push_back(uint32_t(parse_number(setting.value).value_or(0)));
        const auto& bound = target.hosts;
        if (!bound || std::find(bound->begin(), bound->end(), numbers.back()) == bound->end())
            bind_host(target.tid, setting);
    }
    if (!take_back || !target.hosts) return;
    std::erase_if(*target.hosts, [&](uint32_t host) {
        if (std::find(numbers.begin(), numbers.end(), host) != numbers.end()) return false;
        run(host_unbind(target.tid, host));
        return true;
    });
}

void Planner::bind_account(const config::Target& wanted, int tid, const Setting& setting,
                           bool outgoing) {
    const config::Account account = config::account_of(setting);
    ensure_account(wanted.driver, account);
    run(account_bind({wanted.driver, tid}, account.user, outgoing));
    TargetState& target = *now_.find_target(tid);
    (outgoing ? target.outgoing : target.incoming).push_back(account.user);
}

// --- one that is there --------------------------------------------------------------------------

// False: something was left as it is, because initiators use the target.
bool Planner::change_target(const config::Target& wanted) {
    TargetState& target = *now_.find_target(wanted.name);
    const bool free = !target.in_use() || options_.force || wanted.allow_in_use;
    const bool back = take_back(target.from_config);
    const size_t begin = plan_.steps.size();
    comment("# Updating target: " + wanted.name);
    const std::optional<Command> opened = change_parameters(wanted, target, back);
    const bool complete = change_units(wanted, target.tid, free);
    change_accounts(wanted, target, back);
    change_rules(wanted, target, back);
    change_hosts(wanted, target, back);
    if (opened) run(*opened);
    const bool changed = std::any_of(plan_.steps.begin() + long(begin), plan_.steps.end(),
                                     [](const Step& step) { return step.kind == Step::Kind::run; });
    if (!changed && complete)
        plan_.steps[begin].text = "# Target " + wanted.name + " is up to date.";
    else if (!changed)
        plan_.steps.erase(plan_.steps.begin() + long(begin));
    return complete;
}

// The command that lets initiators in again belongs at the end, when all else is as it should be.
std::optional<Command> Planner::change_parameters(const config::Target& wanted, TargetState& target,
                                                  bool take_back) {
    std::optional<Command> opened;
    const auto set = [&](const std::string& name, const std::string& value) {
        Command command = target_update({target.driver, target.tid}, name, value);
        if (equal_any_case(name, "state")) target.ready = equal_any_case(value, "ready");
        if (equal_any_case(name, "state") && target.ready)
            opened = std::move(command);
        else
            run(std::move(command));
    };
    std::vector<Value> shown = target.parameters.value_or(std::vector<Value>());
    if (!find_any_case(shown, "state"))
        shown.push_back({"state", target.ready ? "ready" : "offline", "ready"});
    std::vector<std::string> mentioned;
    for (const Setting& setting : wanted.settings) {
        if (setting.directive->use != Use::target_update) continue;
        const std::string name = parameter_name(setting);
        mentioned.push_back(name);
        const Value* value = find_any_case(shown, name);
        if (!value || !same_parameter(name, setting.value, value->value)) set(name, setting.value);
    }
    if (!take_back) return opened;
    for (const Value& value : shown) {
        const bool wished =
            std::any_of(mentioned.begin(), mentioned.end(),
                        [&](const std::string& name) { return equal_any_case(name, value.name); });
        if (!wished && value.fallback && *value.fallback != value.value)
            set(value.name, *value.fallback);
    }
    return opened;
}

// New ones first: a target without accounts would let everybody in.
void Planner::change_accounts(const config::Target& wanted, TargetState& target, bool take_back) {
    const Place place{target.driver, target.tid};
    for (const bool outgoing : {false, true}) {
        const Use use = outgoing ? Use::account_outgoing : Use::account_incoming;
        std::vector<std::string> users;
        for (const Setting& setting : wanted.settings) {
            if (setting.directive->use != use) continue;
            const config::Account account = config::account_of(setting);
            users.push_back(account.user);
            ensure_account(target.driver, account);
            std::vector<std::string>& bound = outgoing ? target.outgoing : target.incoming;
            if (has(bound, account.user)) continue;
            // There can be only one.
            if (outgoing)
                for (const std::string& old : std::exchange(bound, {}))
                    run(account_unbind(place, old, true));
            run(account_bind(place, account.user, outgoing));
            bound.push_back(account.user);
        }
        if (!take_back) continue;
        std::vector<std::string>& bound = outgoing ? target.outgoing : target.incoming;
        std::erase_if(bound, [&](const std::string& user) {
            if (has(users, user)) return false;
            run(account_unbind(place, user, outgoing));
            return true;
        });
    }
}

void Planner::change_rules(const config::Target& wanted, TargetState& target, bool take_back) {
    const TargetId id{target.driver, target.tid};
    struct Rules {
        Subject subject;
        std::vector<std::string> wanted;
        std::vector<std::string>& shown;
    };
    std::array<Rules, 2> both{
        {{Subject::address, wanted_addresses(wanted), target.addresses},
         {Subject::name, values_of(wanted, Use::acl_name), target.initiators}}};
    const auto find = [](const std::vector<std::string>& list, const std::string& rule) {
        return std::any_of(list.begin(), list.end(), [&](const std::string& one) {
            return plain_address(one) == plain_address(rule);
        });
    };
    for (Rules& rules : both)
        for (const std::string& rule : rules.wanted)
            if (!find(rules.shown, rule)) run(acl_bind(id, rules.subject, rule));
    if (!take_back) return;
    for (Rules& rules : both)
        for (const std::string& rule : rules.shown)
            if (!find(rules.wanted, rule)) run(acl_unbind(target.tid, rules.subject, rule));
}

}  // namespace tgt::tgt_admin
