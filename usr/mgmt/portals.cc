// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/portals.h"

#include <algorithm>

#include "base/log.h"
#include "mgmt/blocking_call.h"

namespace tgt::mgmt {

namespace {

using State = Portals::Portal::State;
constexpr auto module = log::Module::mgmt;

// All addresses were asked for and this machine has no IPv6 (or no IPv4): nothing is missing.
bool is_absent_family(const PortalSpec& spec, const Error& error) {
    return spec.host.empty() && (error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL);
}

bool holds(const std::vector<PortalSpec>& all, const PortalSpec& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

// One specification being bound: all its addresses or, unless kept, none.
struct Portals::Attempt {
    PortalSpec spec;
    bool keep = false;
    size_t pending = 0;
    std::vector<PortalPtr> listening;
    std::string reason;  // of the first failure
    std::string absent;  // why a half of a wildcard was left out
    StatusCallback done;
};

Portals::Portals(io::Runtime& runtime, Driver& driver)
    : runtime_(runtime), driver_(driver), retry_timer_([this] { retry(); }) {}

void Portals::resolve(const PortalSpec& spec,
                      std::function<void(Result<std::vector<SocketAddress>>)> then) {
    if (auto addresses = spec.numeric(); !addresses.empty()) {
        then(std::move(addresses));
        return;
    }
    call_blocking(
        runtime_, [spec] { return spec.resolve(); },
        [alive = alive_, then = std::move(then)](Result<std::vector<SocketAddress>> found) {
            if (*alive) then(std::move(found));
        });
}

void Portals::open_all(std::vector<PortalSpec> specs, std::function<void()> done) {
    initial_ = specs;
    specs.insert(specs.end(), changes_.added.begin(), changes_.added.end());
    std::erase_if(specs, [this](const PortalSpec& spec) { return holds(changes_.removed, spec); });
    auto left = std::make_shared<size_t>(specs.size() + 1);
    auto one_done = [left, done = std::move(done)](Status) {
        if (--*left == 0) done();
    };
    for (const PortalSpec& spec : specs) try_spec(spec, true, one_done);
    one_done({});
}

void Portals::reopen(std::function<void()> done) {
    open_all(initial_, std::move(done));
}

void Portals::add(const PortalSpec& spec, StatusCallback done) {
    try_spec(spec, false, [this, spec, done = std::move(done)](const Status& status) {
        if (status) note_added(spec);
        done(status);
    });
}

void Portals::try_spec(const PortalSpec& spec, bool keep, StatusCallback done) {
    resolve(spec, [this, spec, keep, done = std::move(done)](auto addresses) {
        if (addresses) {
            bind_all(spec, *addresses, keep, done);
            return;
        }
        const std::string reason = addresses.error().text;
        if (keep) {
            auto portal = std::make_shared<Portal>();
            portal->text = spec.text();
            portal->spec = spec;
            portal->at_start = !holds(changes_.added, spec);
            portals_.push_front(portal);
            keep_failed(portal, reason);
        }
        done(refuse(ErrorCode::invalid_request, "portal {}: {}", spec.text(), reason));
    });
}

void Portals::bind_all(const PortalSpec& spec, std::vector<SocketAddress> addresses, bool keep,
                       StatusCallback done) {
    if (keep) std::erase_if(addresses, [this](const auto& one) { return is_removed(one); });
    for (const SocketAddress& address : addresses) {
        if (!find(address)) continue;
        done(refuse(ErrorCode::invalid_request, "{} is a portal already", address.uri()));
        return;
    }
    auto attempt = std::make_shared<Attempt>();
    attempt->spec = spec;
    attempt->keep = keep;
    attempt->pending = addresses.size() + 1;
    attempt->done = std::move(done);
    for (const SocketAddress& address : addresses) {
        auto portal = std::make_shared<Portal>();
        portal->text = address.uri();
        portal->spec = spec;
        portal->address = address;
        portal->at_start = keep && !holds(changes_.added, spec);
        portals_.push_front(portal);
        driver_.add_portal(address, [this, alive = alive_, attempt, portal](Result<void> outcome) {
            if (*alive) bound(attempt, portal, std::move(outcome));
        });
    }
    if (--attempt->pending == 0) finish(*attempt);
}

void Portals::bound(const std::shared_ptr<Attempt>& attempt, const PortalPtr& portal,
                    Result<void> outcome) {
    if (portal->state == State::removing) {
        attempt->reason = "it was removed meanwhile";
        if (outcome) driver_.remove_portal(portal->address, [] {});
    } else if (outcome) {
        begin_listening(*portal);
        attempt->listening.push_back(portal);
        log::info(module, "listening on {}", portal->text);
    } else if (is_absent_family(attempt->spec, outcome.error())) {
        portals_.remove(portal);
        attempt->absent = outcome.error().text;
        log::info(module, "not listening on {}: {}", portal->text, outcome.error().text);
    } else {
        if (attempt->reason.empty())
            attempt->reason =
                fmt::format("cannot listen on {}: {}", portal->text, outcome.error().text);
        if (attempt->keep)
            keep_failed(portal, outcome.error().text);
        else
            portals_.remove(portal);
    }
    if (--attempt->pending == 0) finish(*attempt);
}

void Portals::begin_listening(Portal& portal) {
    portal.state = State::listening;
    changed_();
}

void Portals::drop(const PortalPtr& portal) {
    portals_.remove(portal);
    changed_();
}

void Portals::finish(Attempt& attempt) {
    if (attempt.listening.empty() && attempt.reason.empty()) attempt.reason = attempt.absent;
    if (attempt.reason.empty()) {
        attempt.done({});
        return;
    }
    if (!attempt.keep)
        for (const PortalPtr& portal : attempt.listening) {
            drop(portal);
            driver_.remove_portal(portal->address, [] {});
        }
    attempt.done(
        refuse(ErrorCode::invalid_request, "portal {}: {}", attempt.spec.text(), attempt.reason));
}

void Portals::keep_failed(PortalPtr portal, std::string reason) {
    if (portal->state != State::failed || portal->reason != reason)
        log::error(module, "cannot listen on {}: {}; trying again every {} seconds", portal->text,
                   reason, std::chrono::duration_cast<std::chrono::seconds>(retry_every).count());
    portal->state = State::failed;
    portal->reason = std::move(reason);
    if (!stopped_ && !retry_timer_.armed())
        runtime_.control().timers().arm_in(retry_timer_, retry_every);
}

void Portals::retry() {
    const std::list<PortalPtr> now = portals_;
    for (const PortalPtr& portal : now)
        if (portal->state == State::failed) retry_one(portal);
}

void Portals::retry_one(const PortalPtr& portal) {
    if (!portal->address.valid()) {
        portals_.remove(portal);
        try_spec(portal->spec, true, [](Status) {});
        return;
    }
    driver_.add_portal(portal->address, [this, alive = alive_, portal](Result<void> outcome) {
        if (!*alive) return;
        if (portal->state == State::removing) {
            if (outcome) driver_.remove_portal(portal->address, [] {});
            return;
        }
        if (!outcome) {
            keep_failed(portal, outcome.error().text);
            return;
        }
        begin_listening(*portal);
        portal->reason.clear();
        log::info(module, "listening on {} now", portal->text);
    });
}

void Portals::remove(const PortalSpec& spec, StatusCallback done) {
    resolve(spec, [this, spec, done = std::move(done)](auto addresses) {
        std::vector<PortalPtr> found;
        for (const PortalPtr& portal : portals_) {
            const bool named = portal->spec == spec && !portal->address.valid();
            const bool listed = addresses && std::find(addresses->begin(), addresses->end(),
                                                       portal->address) != addresses->end();
            if ((named || listed) && portal->state != State::removing) found.push_back(portal);
        }
        if (found.empty()) {
            done(refuse(ErrorCode::invalid_request, "{} is not a portal of this daemon",
                        spec.text()));
            return;
        }
        std::vector<PortalSpec> specs;
        for (const PortalPtr& portal : found)
            if (!holds(specs, portal->spec)) specs.push_back(portal->spec);
        remove_found(found, [this, alive = alive_, spec, specs, done] {
            if (*alive) note_removed(spec, specs);
            done({});
        });
    });
}

void Portals::close_all(std::function<void()> done) {
    changes_ = {};  // reopen() begins anew
    std::vector<PortalPtr> found;
    for (const PortalPtr& portal : portals_)
        if (portal->state != State::removing) found.push_back(portal);
    remove_found(found, std::move(done));
}

void Portals::remove_found(const std::vector<PortalPtr>& found, std::function<void()> done) {
    auto left = std::make_shared<size_t>(found.size() + 1);
    auto one_done = [left, done = std::move(done)] {
        if (--*left == 0) done();
    };
    for (const PortalPtr& portal : found) {
        auto gone = [this, alive = alive_, portal, one_done] {
            if (*alive) drop(portal);
            one_done();
        };
        const bool listening = portal->state == State::listening;
        portal->state = State::removing;
        if (listening)
            driver_.remove_portal(portal->address, gone);
        else
            gone();
    }
    one_done();
}

Portals::PortalPtr Portals::find(const SocketAddress& address) const {
    for (const PortalPtr& portal : portals_)
        if (portal->address == address) return portal;
    return nullptr;
}

bool Portals::is_removed(const SocketAddress& address) const {
    return std::any_of(changes_.removed.begin(), changes_.removed.end(),
                       [&](const PortalSpec& spec) {
                           const auto all = spec.numeric();
                           return std::find(all.begin(), all.end(), address) != all.end();
                       });
}

void Portals::note_added(const PortalSpec& spec) {
    if (std::erase(changes_.removed, spec) == 0) changes_.added.push_back(spec);
}

// `specs`: those of the portals that went. One that was added and has none left is forgotten; any
// other has to be kept away the next time.
void Portals::note_removed(const PortalSpec& wish, const std::vector<PortalSpec>& specs) {
    for (const PortalSpec& spec : specs) {
        const bool used = std::any_of(portals_.begin(), portals_.end(),
                                      [&](const PortalPtr& one) { return one->spec == spec; });
        if (!used && std::erase(changes_.added, spec) > 0) continue;
        if (!holds(changes_.removed, wish)) changes_.removed.push_back(wish);
    }
}

bool Portals::any_listening() const {
    return std::any_of(portals_.begin(), portals_.end(),
                       [](const PortalPtr& portal) { return portal->state == State::listening; });
}

std::vector<SocketAddress> Portals::listening() const {
    std::vector<SocketAddress> out;
    for (auto it = portals_.rbegin(); it != portals_.rend(); ++it)
        if ((*it)->state == State::listening) out.push_back((*it)->address);
    return out;
}

std::vector<std::string> Portals::announced(const SocketAddress& local) const {
    std::vector<std::string> out;
    for (auto it = portals_.rbegin(); it != portals_.rend(); ++it) {
        const Portal& portal = **it;
        if (portal.state != State::listening) continue;
        SocketAddress address = portal.address;
        if (address.wildcard()) {
            if (address.family() != local.family()) continue;
            address = local.with_port(address.port());
        }
        std::string text = address.uri() + ",1";
        if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
    }
    return out;
}

void Portals::stop() {
    stopped_ = true;
    retry_timer_.disarm();
}

}  // namespace tgt::mgmt
