// SPDX-License-Identifier: GPL-2.0-or-later
// What drivers ask: who may log in, and what may be discovered.
#include "base/log.h"
#include "mgmt/isns_client.h"
#include "mgmt/registry.h"

namespace tgt::mgmt {

namespace {

LoginAnswer refused(Admission admission, std::string reason) {
    LoginAnswer answer;
    answer.admission = admission;
    answer.reason = std::move(reason);
    return answer;
}

}  // namespace

LoginAnswer Registry::answer_discovery(const LoginQuestion& question) {
    auto driver = find_driver(question.driver);
    if (!driver) return refused(Admission::not_found, driver.error().reason);
    if (discovery_closed_)
        return refused(Admission::failed,
                       "the accounts of discovery in the saved state could not be used");
    LoginAnswer answer;
    answer.admission = Admission::granted;
    answer.parameters = (*driver)->driver->default_parameters();
    answer.incoming = accounts_.incoming(Accounts::global);
    answer.outgoing = accounts_.outgoing(Accounts::global);
    return answer;
}

LoginAnswer Registry::admit(const TargetEntry& entry, const LoginQuestion& question) {
    if (!entry.access.permits(question.initiator_address, question.initiator_name))
        return refused(
            Admission::not_found,
            fmt::format("no access rule of target {} ({}) permits initiator {} at {}{}", entry.tid,
                        entry.name, question.initiator_name, question.initiator_address.host(),
                        entry.access.empty() ? "; it has no rules at all" : ""));
    if (!isns_->permits(entry.name, question.initiator_name))
        return refused(Admission::not_found,
                       fmt::format("the iSNS server has named no discovery domain with target {} "
                                   "({}) and initiator {}, and iSNSAccessControl is On",
                                   entry.tid, entry.name, question.initiator_name));
    LoginAnswer answer;
    answer.admission = Admission::granted;
    answer.tid = entry.tid;
    answer.target = entry.target;
    answer.parameters = entry.parameters;
    answer.incoming = accounts_.incoming(entry.tid);
    answer.outgoing = accounts_.outgoing(entry.tid);
    return answer;
}

void Registry::login(LoginQuestion question, std::function<void(LoginAnswer)> answer) {
    if (!ready_ || stopping_)
        return answer(refused(Admission::offline, stopping_ ? "the daemon is being stopped"
                                                            : "the system state is offline"));
    if (question.discovery) return answer(answer_discovery(question));
    const TargetEntry* entry = find_by_name(question.target_name);
    if (!entry || entry->deleting || entry->driver->name() != question.driver)
        return answer(refused(Admission::not_found,
                              fmt::format("there is no target '{}' here", question.target_name)));
    if (!entry->ready)
        return answer(refused(Admission::offline,
                              fmt::format("target {} ({}) is offline", entry->tid, entry->name)));
    if (!entry->redirect.callback.empty())
        return ask_redirect_callback(*entry, std::move(question), std::move(answer));
    if (auto moved = entry->redirect.answer_for(question.initiator_address))
        return answer(std::move(*moved));
    answer(admit(*entry, question));
}

void Registry::ask_redirect_callback(const TargetEntry& entry, LoginQuestion question,
                                     std::function<void(LoginAnswer)> answer) {
    const std::string initiator = question.initiator_address.host();
    const int tid = entry.tid;
    run_redirect_callback(
        runtime_, entry.redirect.callback, entry.name, initiator,
        [this, tid, question = std::move(question),
         answer = std::move(answer)](Result<Redirect> redirect) {
            if (!redirect) return answer(refused(Admission::failed, redirect.error().text));
            if (auto moved = redirect->answer_for(question.initiator_address))
                return answer(std::move(*moved));
            auto target = find_target(tid);  // it may have gone meanwhile
            if (!target) return answer(refused(Admission::not_found, target.error().reason));
            answer(admit(**target, question));
        });
}

std::vector<DiscoveredTarget> Registry::discover(const LoginQuestion& who, std::string_view name) {
    std::vector<DiscoveredTarget> out;
    for (const auto& [tid, entry] : targets_) {
        if (entry.deleting || (!name.empty() && entry.name != name)) continue;
        if (entry.driver->name() != who.driver) continue;
        if (!entry.access.permits(who.initiator_address, who.initiator_name)) continue;
        if (!isns_->permits(entry.name, who.initiator_name)) continue;
        DiscoveredTarget target;
        target.name = entry.name;
        for (const DriverEntry& driver : drivers_)
            if (driver.driver.get() == entry.driver)
                target.addresses = driver.portals->announced(who.local_address);
        out.push_back(std::move(target));
    }
    return out;
}

// What an iSNS server is to know: the targets of the iSCSI driver, and where it listens.
IsnsInventory Registry::isns_inventory() const {
    IsnsInventory out;
    for (const DriverEntry& driver : drivers_)
        if (driver.driver->name() == "iscsi") out.portals = driver.portals->listening();
    for (const auto& [tid, entry] : targets_)
        if (!entry.deleting && entry.driver->name() == "iscsi") out.targets.push_back(entry.name);
    return out;
}

}  // namespace tgt::mgmt
