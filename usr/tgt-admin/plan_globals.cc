// SPDX-License-Identifier: GPL-2.0-or-later
// What concerns the daemon as a whole: its settings, portals, accounts.
#include <algorithm>

#include "tgt-admin/planner.h"

namespace tgt::tgt_admin {
namespace {

using config::Setting;
using config::Use;

constexpr std::string_view isns = "iSNS";
constexpr std::string_view default_port = ":3260";

bool has(const std::vector<std::string>& list, const std::string& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

bool about_isns(const Setting& setting) {
    return setting.directive->to.substr(0, isns.size()) == isns;
}

// As the daemon shows it, when it is an address.
std::string with_port(const std::string& portal) {
    const size_t bracket = portal.rfind(']');
    const size_t colon = portal.rfind(':');
    const bool has_port =
        colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
    return has_port ? portal : portal + std::string(default_port);
}

}  // namespace

void Planner::driver_comment() {
    if (config_.default_driver_given) return;
    comment("# default-driver not defined, defaulting to iscsi.");
    blank();
}

// `match`: discovery accounts that the file does not have go.
void Planner::globals(bool match) {
    const Setting* last = nullptr;
    for (const Setting& setting : config_.settings) {
        switch (setting.directive->use) {
            case Use::system_update:
                // The server's address has to be there before it is used.
                if (setting.directive->to == isns)
                    last = &setting;
                else
                    system_setting(setting);
                break;
            case Use::portal:
                portal(setting);
                break;
            case Use::account:
                ensure_account("", config::account_of(setting));
                break;
            case Use::account_incoming:
                discovery_account(setting, false);
                break;
            case Use::account_outgoing:
                discovery_account(setting, true);
                break;
            default:
                break;
        }
    }
    if (last) system_setting(*last);
    if (match && !options_.keep_runtime) forget_discovery_accounts();
}

void Planner::system_setting(const Setting& setting) {
    if (about_isns(setting) && now_.isns_on) return;
    const std::string name(setting.directive->to);
    const Value* shown = find_value(now_.settings, name);
    if (shown && same_value(shown->value, setting.value)) return;
    run(system_update(name, setting.value));
    if (name != "abort-bound") return;
    // It is set on every target that there is.
    for (TargetState& target : now_.targets)
        if (target.parameters)
            for (Value& value : *target.parameters)
                if (value.name == name) value = {name, setting.value, setting.value};
}

void Planner::portal(const Setting& setting) {
    const std::string wanted = with_port(setting.value);
    const bool there = std::any_of(now_.portals.begin(), now_.portals.end(),
                                   [&](const PortalState& one) { return one.address == wanted; });
    if (there) return;
    run(portal_new(config_.default_driver, setting.value));
    now_.portals.push_back({wanted, false});
}

// --- accounts -----------------------------------------------------------------------------------

void Planner::ensure_account(const std::string& lld, const config::Account& account) {
    if (!now_.has_account(account.user)) {
        run(account_new(lld, account.user, account.password));
        now_.accounts.push_back(account.user);
        now_.secrets[account.user] = account.password;
        checked_accounts_.insert(account.user);
        return;
    }
    const auto secret = now_.secrets.find(account.user);
    const bool first = checked_accounts_.insert(account.user).second;
    if (first && secret != now_.secrets.end() && secret->second != account.password)
        replace_account(account);
}

// A password cannot be changed, and an account that is deleted is bound to nothing any more. Until
// it is back a target would let initiators in without a password, so it is offline meanwhile.
void Planner::replace_account(const config::Account& account) {
    struct Bound {
        Place place;
        bool outgoing;
    };
    std::vector<Bound> bound;
    std::vector<int> closed;
    const auto look = [&](const Place& place, const std::vector<std::string>& incoming,
                          const std::vector<std::string>& outgoing) {
        if (has(incoming, account.user)) bound.push_back({place, false});
        if (has(outgoing, account.user)) bound.push_back({place, true});
    };
    look({}, now_.incoming, now_.outgoing);
    for (const TargetState& target : now_.targets) {
        look({target.driver, target.tid}, target.incoming, target.outgoing);
        if (target.ready && target.incoming == std::vector<std::string>{account.user})
            closed.push_back(target.tid);
    }
    for (const int tid : closed) run(target_state(tid, "", false));
    run(account_delete(account.user));
    run(account_new("", account.user, account.password));
    now_.secrets[account.user] = account.password;
    for (const Bound& one : bound) run(account_bind(one.place, account.user, one.outgoing));
    for (const int tid : closed) run(target_state(tid, "", true));
}

void Planner::discovery_account(const Setting& setting, bool outgoing) {
    const config::Account account = config::account_of(setting);
    ensure_account("", account);
    std::vector<std::string>& bound = outgoing ? now_.outgoing : now_.incoming;
    if (has(bound, account.user)) return;
    if (outgoing)
        for (const std::string& old : std::exchange(bound, {})) run(account_unbind({}, old, true));
    run(account_bind({}, account.user, outgoing));
    bound.push_back(account.user);
}

void Planner::forget_discovery_accounts() {
    for (const bool outgoing : {false, true}) {
        const Use use = outgoing ? Use::account_outgoing : Use::account_incoming;
        std::vector<std::string>& bound = outgoing ? now_.outgoing : now_.incoming;
        std::erase_if(bound, [&](const std::string& user) {
            const bool wanted = std::any_of(config_.settings.begin(), config_.settings.end(),
                                            [&](const Setting& setting) {
                                                return setting.directive->use == use &&
                                                       config::account_of(setting).user == user;
                                            });
            if (!wanted) run(account_unbind({}, user, outgoing));
            return !wanted;
        });
    }
}

}  // namespace tgt::tgt_admin
