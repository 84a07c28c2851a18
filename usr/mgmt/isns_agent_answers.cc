// SPDX-License-Identifier: GPL-2.0-or-later
// What the server's answers mean.
#include <fmt/core.h>

#include <algorithm>

#include "mgmt/isns_agent.h"

namespace tgt::mgmt {

using wire::isns::Status;

namespace {

bool is(uint32_t status, Status wanted) {
    return status == uint32_t(wanted);
}

}  // namespace

void IsnsAgent::received(const IsnsMessage& response, io::TimePoint now) {
    const auto found = pending_.find(response.transaction);
    if (found == pending_.end()) return;
    const Pending pending = std::move(found->second);
    pending_.erase(found);
    unanswered_bytes_ -= pending.size;
    const uint32_t status =
        isns_requests::status_of(response).value_or(uint32_t(Status::message_format_error));
    switch (pending.kind) {
        case Kind::check:
            answered_check(status, response, now);
            break;
        case Kind::register_objects:
            answered_registration(pending, status, response, now);
            break;
        case Kind::deregister:
            if (!is(status, Status::successful)) complain("deregistration", pending, status);
            answered_deregistration(pending);
            break;
        case Kind::watch:
            answered_watch(pending, status, now);
            break;
        case Kind::ask:
            answered_question(pending, status, response);
            break;
    }
    pump(now);
}

void IsnsAgent::complain(std::string_view request, const Pending& pending, uint32_t status) {
    last_error_ = fmt::format("the server refuses the {}{}{}: {} (status {})", request,
                              pending.targets.empty() ? "" : " of ",
                              pending.targets.empty() ? "" : pending.targets.front(),
                              wire::isns::status_name(status), status);
}

// The server may have lost the entity: then it names no attributes of it.
void IsnsAgent::answered_check(uint32_t status, const IsnsMessage& message, io::TimePoint now) {
    const auto period = isns_requests::registration_period(message);
    if (!is(status, Status::successful) || !period) return begin_round(true, now);
    entity_ = Entity::registered;
    period_ = period;
    last_error_.clear();
    plan_refresh(now);
}

// Refused: perhaps the server has lost this target.
void IsnsAgent::answered_watch(const Pending& pending, uint32_t status, io::TimePoint now) {
    if (!is(status, Status::successful)) {
        complain("request for notices", pending, status);
        if (!all_) return begin_round(true, now);
    }
    if (wanted_.count(pending.targets.front())) to_ask_.insert(pending.targets.front());
}

void IsnsAgent::answered_registration(const Pending& pending, uint32_t status,
                                      const IsnsMessage& message, io::TimePoint now) {
    if (!is(status, Status::successful)) return refused_registration(pending, status, now);
    if (pending.whole_entity) {
        entity_ = Entity::registered;
        ever_registered_ = true;
        period_ = isns_requests::registration_period(message);
        plan_refresh(now);
    }
    for (const std::string& name : pending.targets)
        if (wanted_.count(name)) to_watch_.insert(name);
    if (!to_add_.empty() || !refused_.empty()) return;
    cautious_ = false;
    retry_after_ = {};
    last_error_.clear();
}

void IsnsAgent::refused_registration(const Pending& pending, uint32_t status, io::TimePoint now) {
    for (const std::string& name : pending.targets) may_be_there_.erase(name);
    if (pending.whole_entity) entity_ = Entity::unknown;
    if (options_.esi_interval != 0 && !without_esi_ &&
        (is(status, Status::esi_not_available) || is(status, Status::attribute_not_implemented))) {
        without_esi_ = true;
        for (const std::string& name : pending.targets)
            if (wanted_.count(name)) to_add_.insert(name);
        return;
    }
    complain("registration", pending, status);
    // One of several is wrong: they are tried one by one.
    Names& where = pending.targets.size() > 1 ? to_add_ : refused_;
    cautious_ = true;
    for (const std::string& name : pending.targets)
        if (wanted_.count(name)) where.insert(name);
    if (refused_.empty() || retry_at_) return;
    retry_after_ = std::clamp(retry_after_ * 2, options_.first_retry, options_.last_retry);
    retry_at_ = now + retry_after_;
}

// Not registered any more, or never: the server does not tell these apart (5.7.5.4).
void IsnsAgent::answered_deregistration(const Pending& pending) {
    for (const std::string& name : pending.targets)
        if (!wanted_.count(name) || pending.whole_entity) may_be_there_.erase(name);
    if (!pending.whole_entity) return;
    ever_registered_ = false;
    portals_.clear();
    to_remove_.clear();
    refresh_at_.reset();
    to_add_ = wanted_;  // targets may have come meanwhile
    to_watch_.clear();
    to_ask_.clear();
}

void IsnsAgent::answered_question(const Pending& pending, uint32_t status,
                                  const IsnsMessage& message) {
    const std::string& target = pending.targets.front();
    if (!wanted_.count(target)) return;
    if (is(status, Status::successful))
        initiators_[target] = isns_requests::initiators_of(message);
    else if (is(status, Status::no_such_entry))
        initiators_[target].clear();
    else
        complain("question about initiators", pending, status);
}

void IsnsAgent::plan_refresh(io::TimePoint now) {
    const auto period = Seconds(period_.value_or(0));
    // No period: the server does not forget, but a lost notice must not last for ever.
    auto in = period.count() == 0 ? max_refresh : std::max(period - refresh_margin, period / 2);
    refresh_at_ = now + std::clamp(in, min_refresh, max_refresh);
}

}  // namespace tgt::mgmt
