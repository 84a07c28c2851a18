// SPDX-License-Identifier: GPL-2.0-or-later
// What happens, and what is to be sent next. What answers mean: isns_agent_answers.cc.
#include "mgmt/isns_agent.h"

#include <algorithm>
#include <utility>

namespace tgt::mgmt {

namespace {

// Open-iSNS ends a connection when 8192 bytes wait to be read, be they one message or several:
// names and portals have half of that each, and few requests are under way.
constexpr size_t max_names = 3600, name_overhead = 32;
constexpr size_t max_portals = 32;

// An address that means something on other machines only together with an interface.
bool link_local(const SocketAddress& address) {
    return address.family() == AF_INET6 && address.host().starts_with("fe80");
}

}  // namespace

// --- what happens --------------------------------------------------------------------------------

void IsnsAgent::set_inventory(IsnsInventory inventory, io::TimePoint now) {
    inventory_ = std::move(inventory);
    choose_portals();
    Names wanted(inventory_.targets.begin(), inventory_.targets.end());
    for (const std::string& name : wanted) {
        if (wanted_.count(name)) continue;
        to_add_.insert(name);
        by_lower_case_.emplace(isns_requests::lower_case(name), name);
    }
    for (const std::string& name : wanted_) {
        if (wanted.count(name)) continue;
        for (Names* names : {&to_add_, &to_watch_, &to_ask_, &refused_, &noticed_})
            names->erase(name);
        to_remove_.insert(name);
        by_lower_case_.erase(isns_requests::lower_case(name));
        initiators_.erase(name);
    }
    for (const std::string& name : wanted) to_remove_.erase(name);
    wanted_ = std::move(wanted);
    pump(now);
}

void IsnsAgent::connected(const SocketAddress& local, uint16_t notice_port, io::TimePoint now) {
    disconnected();
    local_ = local;
    notice_port_ = notice_port;
    // It stays when the address changes: names belong to the entity that registered them.
    if (entity_id_.empty()) entity_id_ = local.host();
    choose_portals();
    begin_round(false, now);
}

void IsnsAgent::disconnected() {
    notice_port_.reset();
    pending_.clear();
    unanswered_bytes_ = 0;
    output_.clear();
    broken_.clear();
    entity_ = Entity::unknown;
    refresh_at_.reset();
    retry_at_.reset();
    notices_at_.reset();
}

void IsnsAgent::leave(io::TimePoint now) {
    leaving_ = true;
    pump(now);
}

// Goes through everything: whether it is there, or (`all`) says it.
void IsnsAgent::begin_round(bool all, io::TimePoint now) {
    all_ = all || !ever_registered_;
    entity_ = Entity::unknown;
    refresh_at_.reset();
    retry_at_.reset();
    refused_.clear();
    to_add_.clear();
    to_watch_.clear();
    for (const std::string& name : wanted_)
        (all_ || !may_be_there_.count(name) ? to_add_ : to_watch_).insert(name);
    for (const std::string& name : may_be_there_)
        if (!wanted_.count(name)) to_remove_.insert(name);
    pump(now);
}

void IsnsAgent::noticed(const std::string& target, io::TimePoint now) {
    if (!connection()) return;
    const auto known = by_lower_case_.find(isns_requests::lower_case(target));
    if (known == by_lower_case_.end()) return;
    noticed_.insert(known->second);
    if (!notices_at_) notices_at_ = now;
    tick(now);
}

void IsnsAgent::tick(io::TimePoint now) {
    if (!connection()) return;
    for (const auto& [transaction, pending] : pending_)
        if (pending.deadline <= now) broken_ = "it does not answer";
    if (notices_at_ && *notices_at_ <= now) {
        notices_at_.reset();
        if (!noticed_.empty()) notices_at_ = now + options_.notice_pause;
        to_ask_.merge(std::exchange(noticed_, {}));
    }
    if (retry_at_ && *retry_at_ <= now) {
        retry_at_.reset();
        to_add_.merge(std::exchange(refused_, {}));
        cautious_ = true;
    }
    if (refresh_at_ && *refresh_at_ <= now) begin_round(false, now);
    pump(now);
}

std::optional<io::TimePoint> IsnsAgent::deadline() const {
    std::optional<io::TimePoint> out;
    const auto consider = [&out](std::optional<io::TimePoint> when) {
        if (when && (!out || *when < *out)) out = when;
    };
    if (!connection()) return out;
    for (const auto& [transaction, pending] : pending_) consider(pending.deadline);
    consider(refresh_at_);
    consider(retry_at_);
    consider(notices_at_);
    return out;
}

bool IsnsAgent::permits(std::string_view target, std::string_view initiator) const {
    const auto found = initiators_.find(target);
    return found != initiators_.end() && found->second.count(isns_requests::lower_case(initiator));
}

bool IsnsAgent::settled() const {
    return registered() && pending_.empty() && to_add_.empty() && to_remove_.empty() &&
           to_watch_.empty() && to_ask_.empty() && refused_.empty();
}

size_t IsnsAgent::registered_targets() const {
    size_t out = may_be_there_.size();
    for (const auto& [transaction, pending] : pending_)
        if (pending.kind == Kind::register_objects) out -= std::min(out, pending.targets.size());
    return out;
}

// --- what is to be there -------------------------------------------------------------------------

bool IsnsAgent::wants_entity() const {
    return !leaving_ && !wanted_.empty() && !inventory_.portals.empty();
}

// A wildcard portal is the address by which this machine reaches the server. The server sends to
// that address, too, if there is such a portal; else to any.
void IsnsAgent::choose_portals() {
    std::vector<Portal>& out = wanted_portals_;
    out.clear();
    bool reachable = false;
    for (SocketAddress address : inventory_.portals) {
        if (address.wildcard()) {
            if (address.family() != local_.family()) continue;
            address = local_.with_port(address.port());
        }
        const bool same = address.host() == local_.host();
        const auto known = [&](const Portal& one) { return one.address == address; };
        if (link_local(address) || std::any_of(out.begin(), out.end(), known)) continue;
        if (out.size() == max_portals) break;
        out.push_back({address, same});
        reachable |= same;
    }
    if (!reachable)
        for (Portal& portal : out) portal.notices = true;
}

// Requests that change something name a node of the entity (5.6.1).
const std::string& IsnsAgent::source() const {
    for (const std::string& name : may_be_there_)
        if (wanted_.count(name)) return name;
    return may_be_there_.empty() ? *wanted_.begin() : *may_be_there_.begin();
}

// --- what is sent --------------------------------------------------------------------------------

void IsnsAgent::pump(io::TimePoint now) {
    if (!connection() || !broken_.empty()) return;
    while (pending_.size() < options_.window && unanswered_bytes_ < options_.window_bytes &&
           send_next(now))
        continue;
}

// False: there is nothing to send now.
bool IsnsAgent::send_next(io::TimePoint now) {
    if (!wants_entity()) {
        if (!may_be_there() || !pending_.empty()) return false;
        send_leave(now);
        return true;
    }
    if (entity_ == Entity::asked) return false;
    if (entity_ == Entity::unknown) {
        if (!pending_.empty() || wanted_portals_.empty() || (all_ && to_add_.empty())) return false;
        all_ ? send_entity(now) : send_check(now);
        return true;
    }
    if (!to_remove_.empty()) {
        const std::string name = to_remove_.extract(to_remove_.begin()).value();
        if (may_be_there_.count(name))
            send(isns_requests::deregister_target(next_transaction_, name),
                 {Kind::deregister, {name}, false, {}, 0}, now);
        return true;
    }
    if (portals_ != wanted_portals_) {
        send_portal_changes(now);
        return true;
    }
    if (!to_add_.empty()) {
        send_targets(now);
        return true;
    }
    if (!to_watch_.empty()) {
        const std::string name = to_watch_.extract(to_watch_.begin()).value();
        send(isns_requests::register_for_changes(next_transaction_, name),
             {Kind::watch, {name}, false, {}, 0}, now);
        return true;
    }
    if (to_ask_.empty()) return false;
    const std::string name = to_ask_.extract(to_ask_.begin()).value();
    send(isns_requests::ask_for_initiators(next_transaction_, name),
         {Kind::ask, {name}, false, {}, 0}, now);
    return true;
}

std::vector<std::string> IsnsAgent::next_chunk() {
    std::vector<std::string> out;
    size_t size = 0;
    while (!to_add_.empty() && (out.empty() || (!cautious_ && size < max_names))) {
        out.push_back(to_add_.extract(to_add_.begin()).value());
        size += out.back().size() + name_overhead;
    }
    return out;
}

void IsnsAgent::send_check(io::TimePoint now) {
    entity_ = Entity::asked;
    send(isns_requests::ask_for_entity(next_transaction_, source(), entity_id_),
         {Kind::check, {}, true, {}, 0}, now);
}

void IsnsAgent::send_entity(io::TimePoint now) {
    portals_ = wanted_portals_;
    isns_requests::Registration what;
    std::vector<std::string> targets = next_chunk();
    what.replace = !ever_registered_;
    what.source = ever_registered_ && may_be_there() && !cautious_ ? source() : targets.front();
    // A server that has lost everything must find the source in the message.
    if (to_add_.erase(what.source)) targets.push_back(what.source);
    what.entity = entity_id_;
    what.portals = portals_;
    what.notice_port = *notice_port_;
    what.esi_interval = without_esi_ ? 0 : options_.esi_interval;
    what.targets = targets;
    entity_ = Entity::asked;
    may_be_there_.insert(targets.begin(), targets.end());
    send(isns_requests::register_objects(next_transaction_, what),
         {Kind::register_objects, targets, true, {}, 0}, now);
}

void IsnsAgent::send_targets(io::TimePoint now) {
    isns_requests::Registration what;
    what.source = source();
    what.entity = entity_id_;
    const std::vector<std::string> targets = next_chunk();
    what.targets = targets;
    may_be_there_.insert(targets.begin(), targets.end());
    send(isns_requests::register_objects(next_transaction_, what),
         {Kind::register_objects, targets, false, {}, 0}, now);
}

// What has gone is taken back; then all that are there are said, since the one that the server's
// messages come to may have changed.
void IsnsAgent::send_portal_changes(io::TimePoint now) {
    const std::vector<Portal>& wanted = wanted_portals_;
    for (const Portal& old : std::exchange(portals_, wanted)) {
        const auto same = [&](const Portal& one) { return one.address == old.address; };
        if (std::any_of(wanted.begin(), wanted.end(), same)) continue;
        send(isns_requests::deregister_portal(next_transaction_, source(), old.address),
             {Kind::deregister, {}, false, {}, 0}, now);
    }
    if (wanted.empty()) return;
    isns_requests::Registration what;
    what.source = source();
    what.entity = entity_id_;
    what.portals = portals_;
    what.notice_port = *notice_port_;
    what.esi_interval = without_esi_ ? 0 : options_.esi_interval;
    send(isns_requests::register_objects(next_transaction_, what),
         {Kind::register_objects, {}, false, {}, 0}, now);
}

void IsnsAgent::send_leave(io::TimePoint now) {
    entity_ = Entity::unknown;
    send(isns_requests::deregister_entity(next_transaction_, source(), entity_id_),
         {Kind::deregister, {may_be_there_.begin(), may_be_there_.end()}, true, {}, 0}, now);
}

void IsnsAgent::send(std::vector<uint8_t> bytes, Pending pending, io::TimePoint now) {
    pending.deadline = now + options_.answer_bound;
    pending.size = bytes.size();
    unanswered_bytes_ += pending.size;
    output_.insert(output_.end(), bytes.begin(), bytes.end());
    pending_.insert_or_assign(next_transaction_, std::move(pending));
    if (++next_transaction_ == 0) next_transaction_ = 1;
}

}  // namespace tgt::mgmt
