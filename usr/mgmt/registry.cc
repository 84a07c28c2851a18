// SPDX-License-Identifier: GPL-2.0-or-later
// Drivers, targets, sessions and the system's state. LUNs: registry_luns.cc; logins:
// registry_login.cc.
#include "mgmt/registry.h"

#include <algorithm>

#include "base/log.h"
#include "mgmt/capacity.h"
#include "mgmt/isns_client.h"
#include "mgmt/numbers.h"
#include "mgmt/settings.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr size_t max_target_name = 223;  // RFC 7143 4.2.7.1

bool valid_target_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == ':' || c == '.' || c == '-';
    };
    return !name.empty() && name.size() <= max_target_name &&
           std::all_of(name.begin(), name.end(), allowed);
}

Outcome<io::Duration> parse_abort_bound(std::string_view value) {
    const auto seconds = parse_number(value, Registry::max_abort_seconds);
    if (!seconds || *seconds < Registry::min_abort_seconds)
        return refuse(ErrorCode::invalid_request,
                      "abort-bound is {} to {} seconds, not '{}': so long a task management "
                      "function, the end of a session and a deletion wait for commands",
                      Registry::min_abort_seconds, Registry::max_abort_seconds, value);
    return io::Duration(std::chrono::seconds(*seconds));
}

std::string describe(const SessionInfo& session) {
    return fmt::format("initiator {} (session {}{}{})", session.initiator_name, session.id,
                       session.connections.empty() ? "" : " from ",
                       session.connections.empty() ? "" : session.connections.front().address);
}

// Calls `done` when it has been called as often as it was copied for.
std::function<void()> after(size_t calls, std::function<void()> done) {
    auto left = std::make_shared<size_t>(calls);
    return [left, done = std::move(done)] {
        if (--*left == 0) done();
    };
}

}  // namespace

std::string TargetEntry::parameter(std::string_view wanted) const {
    if (!parameters) return {};
    for (const auto& [name, value] : parameters->show())
        if (equal_any_case(name, wanted)) return value;
    return {};
}

Registry::Registry(io::Runtime& runtime, RegistryOptions options)
    : runtime_(runtime),
      options_(std::move(options)),
      abort_bound_(options_.abort_bound),
      media_(runtime),
      revival_({.runtime = runtime,
                .media = media_,
                .attempts = attempts_,
                .place_of = [this](const scsi::LogicalUnit& unit) { return place_of(unit); },
                .sized = [this](const MediumPtr& medium,
                                uint64_t size) { follow_size(runtime_, medium, size); },
                .returned = [this](const MediumPtr& medium) { watch_.watch(medium); }},
               options_.revival),
      reopening_(runtime, {options_.revival.first, options_.revival.longest},
                 [this](Reopening::Place place, std::function<void(bool)> ended) {
                     reopen(place, std::move(ended));
                 }),
      watch_(runtime, options_.look_every,
             {.size = [this](const MediumPtr& medium,
                             const Result<uint64_t>& size) { note_size(medium, size); },
              .device_added =
                  [this] {
                      revival_.hurry();
                      reopening_.hurry();
                  }}),
      isns_(std::make_unique<IsnsClient>(runtime, [this] { return isns_inventory(); })) {
    media_.set_dropped([this](const MediumPtr& medium) {
        watch_.forget(medium);
        revival_.forget(medium);
    });
}

Registry::~Registry() = default;

// --- drivers ----------------------------------------------------------------------------------

void Registry::add_driver(std::unique_ptr<Driver> driver) {
    driver->attach(*this);
    auto portals = std::make_unique<Portals>(runtime_, *driver);
    portals->set_changed([this] { isns_->inventory_changed(); });
    drivers_.push_back({std::move(driver), std::move(portals), false});
}

Outcome<Registry::DriverEntry*> Registry::find_driver(std::string_view name) {
    for (DriverEntry& entry : drivers_)
        if (name.empty() || entry.driver->name() == name) return &entry;
    std::string known;
    for (const DriverEntry& entry : drivers_) {
        if (!known.empty()) known += ", ";
        known += entry.driver->name();
    }
    return refuse(ErrorCode::no_driver, "there is no driver '{}' in this build (there is: {})",
                  name, known);
}

void Registry::stop_driver(std::string_view name, StatusCallback done) {
    auto found = find_driver(name);
    if (!found) return done(tl::unexpected(found.error()));
    DriverEntry& entry = **found;
    for (const auto& [tid, target] : targets_)
        if (target.driver == entry.driver.get())
            return done(refuse(ErrorCode::driver_busy, "target {} ({}) uses driver {}", tid,
                               target.name, entry.driver->name()));
    entry.stopped = true;
    log::info(module, "driver {} is stopped", entry.driver->name());
    entry.portals->close_all([done = std::move(done)] { done({}); });
}

void Registry::start_driver(std::string_view name, StatusCallback done) {
    auto found = find_driver(name);
    if (!found) return done(tl::unexpected(found.error()));
    DriverEntry& entry = **found;
    if (!entry.stopped) return done({});
    entry.stopped = false;
    log::info(module, "driver {} is started", entry.driver->name());
    entry.portals->reopen([done = std::move(done)] { done({}); });
}

// --- system
// ---------------------------------------------------------------------------------------

void Registry::refresh_accepting() {
    const bool any = std::any_of(targets_.begin(), targets_.end(),
                                 [](const auto& item) { return !item.second.deleting; });
    accepting_.store(any && ready_ && !stopping_, std::memory_order_relaxed);
    isns_->inventory_changed();
}

void Registry::set_ready(bool ready) {
    ready_ = ready;
    log::info(module, "the system is {}", ready ? "ready" : "offline");
    refresh_accepting();
}

void Registry::remember_system_setting(std::string_view name, std::string_view value) {
    mgmt::remember_system_setting(system_settings_, name, value);
}

Status Registry::may_stop() const {
    if (targets_.empty()) return {};
    return refuse(ErrorCode::invalid_request,
                  "there are still {} targets (the first is {}, {}); delete them first, or send "
                  "SIGTERM to stop with them",
                  targets_.size(), targets_.begin()->first, targets_.begin()->second.name);
}

Status Registry::set_abort_bound(std::string_view value) {
    const auto bound = parse_abort_bound(value);
    if (!bound) return tl::unexpected(bound.error());
    abort_bound_ = *bound;
    for (auto& [tid, entry] : targets_) {
        entry.target->set_abort_bound(*bound);
        forget_setting(entry.set, "abort-bound");
    }
    log::info(module, "commands that are ended have {} s, on every target", whole_seconds(*bound));
    return {};
}

void Registry::stop(io::Duration bound, std::function<void()> done) {
    stopping_ = true;
    refresh_accepting();
    for (auto& [tid, entry] : targets_)
        interrupt_all(entry, {ErrorCode::invalid_request, "the daemon is being stopped"});
    stop_reopening();
    bind_timer_.disarm();
    for (DriverEntry& entry : drivers_) entry.portals->stop();
    auto drivers_stopped = [this, bound, done = std::move(done)] {
        auto one_done = after(targets_.size() + 1, done);
        std::vector<int> tids;
        for (const auto& [tid, entry] : targets_) tids.push_back(tid);
        for (const int tid : tids) teardown(tid, bound, one_done);
        one_done();
    };
    auto one_stopped = after(drivers_.size() + 2, drivers_stopped);
    isns_->stop(bound, one_stopped);
    for (DriverEntry& entry : drivers_)
        entry.driver->stop(bound, [one_stopped](bool) { one_stopped(); });
    one_stopped();
}

// --- targets
// --------------------------------------------------------------------------------------

Outcome<TargetEntry*> Registry::find_target(int tid) {
    const auto it = targets_.find(tid);
    if (it == targets_.end())
        return refuse(ErrorCode::no_target, "there is no target with tid {}", tid);
    if (it->second.deleting)
        return refuse(ErrorCode::no_target, "target {} ({}) is being deleted", tid,
                      it->second.name);
    return &it->second;
}

TargetEntry* Registry::find_by_name(std::string_view name) {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : &targets_.at(found->second);
}

// Relative target port identifiers are 1 to 65535 and tell the ports of one logical unit apart
// (SPC-5 3.1.111).
uint16_t Registry::free_relative_port(int tid) const {
    if (tid <= UINT16_MAX && !ports_.count(uint16_t(tid))) return uint16_t(tid);
    uint16_t port = UINT16_MAX;
    for (auto used = ports_.rbegin(); used != ports_.rend() && used->first == port; ++used) --port;
    return port;
}

void Registry::forget_target(int tid) {
    const auto found = targets_.find(tid);
    if (found == targets_.end()) return;
    names_.erase(found->second.name);
    ports_.erase(found->second.target->relative_port());
    targets_.erase(found);
    accounts_.forget_target(tid);
    refresh_accepting();
}

void Registry::new_target(int tid, const std::string& name, std::string_view driver,
                          const std::string& origin, StatusCallback done) {
    if (tid <= 0) return done(refuse(ErrorCode::invalid_request, "a tid is 1 or more"));
    if (auto status = check_origin(origin); !status) return done(status);
    if (!valid_target_name(name))
        return done(refuse(ErrorCode::invalid_request,
                           "'{}' is not a target name: 1 to {} letters, digits, ':', '.' and '-'",
                           name, max_target_name));
    auto with = find_driver(driver);
    if (!with) return done(tl::unexpected(with.error()));
    if (const auto it = targets_.find(tid); it != targets_.end())
        return done(refuse(ErrorCode::target_exists, "tid {} is {}{}", tid, it->second.name,
                           it->second.deleting ? ", which is being deleted" : ""));
    if (const TargetEntry* same = find_by_name(name))
        return done(refuse(ErrorCode::target_exists, "the name '{}' is that of target {}", name,
                           same->tid));
    if (stopping_) return done(refuse(ErrorCode::invalid_request, "the daemon is being stopped"));
    TargetEntry entry;
    entry.tid = tid;
    entry.name = name;
    entry.serial = ++made_targets_;
    entry.origin = origin;
    entry.driver = (*with)->driver.get();
    auto parameters = entry.driver->default_parameters()->clone();
    // They are of transports that initiators log in to.
    for (const auto& [key, value] : options_.target_defaults)
        if (entry.driver->has_hosts())
            break;
        else if (auto set = parameters->update(key, value); !set)
            log::warn(module, "default {}={} is not used: {}", key, value, set.error().text);
    entry.parameters = std::move(parameters);
    UnitPtr controller = make_controller(tid, name);
    if (!controller)
        return done(refuse(ErrorCode::unknown, "this build has no controller device for LUN 0"));
    const uint16_t port = free_relative_port(tid);
    if (port == 0)
        return done(
            refuse(ErrorCode::no_memory, "there are as many targets as SCSI can tell apart"));
    entry.target = std::make_shared<scsi::Target>(runtime_, name, port);
    entry.target->set_abort_bound(abort_bound_);
    auto target = entry.target;
    targets_.emplace(tid, std::move(entry));
    names_.emplace(name, tid);
    ports_.emplace(port, tid);
    log::info(module, "target {} is {}", tid, name);
    target->add_lun(0, std::move(controller), [this, done = std::move(done)] {
        refresh_accepting();
        done({});
    });
}

void Registry::delete_target(int tid, bool force, StatusCallback done) {
    auto found = find_target(tid);
    if (!found) return done(tl::unexpected(found.error()));
    if (const auto hosts = (*found)->driver->hosts_of(tid); !hosts.empty() && !force)
        return done(refuse(ErrorCode::target_active,
                           "target {} is bound to host {}{}; unbind it, or delete with --force",
                           tid, hosts.front(), hosts.size() > 1 ? " and others" : ""));
    (*found)->deleting = true;  // from here on nobody logs in
    refresh_accepting();
    if (force) return finish_delete(tid, done);
    (*found)->driver->list_sessions(
        tid, [this, tid, done = std::move(done)](std::vector<SessionInfo> sessions) {
            const auto it = targets_.find(tid);
            if (sessions.empty()) return finish_delete(tid, done);
            if (it != targets_.end()) it->second.deleting = false;
            refresh_accepting();
            done(refuse(ErrorCode::target_active,
                        "target {} is used by {}{}; log out there, or delete with --force", tid,
                        describe(sessions.front()),
                        sessions.size() > 1 ? fmt::format(" and {} more", sessions.size() - 1)
                                            : std::string()));
        });
}

void Registry::finish_delete(int tid, const StatusCallback& done) {
    const auto it = targets_.find(tid);
    if (it == targets_.end()) return done({});  // it went when the daemon began to stop
    teardown(tid, it->second.target->abort_bound(), [tid, done] {
        log::info(module, "target {} is deleted", tid);
        done({});
    });
}

void Registry::interrupt_all(TargetEntry& entry, const Failure& why) {
    std::vector<uint64_t> busy;
    for (const auto& [lun, end] : entry.busy_luns) busy.push_back(lun);
    for (const uint64_t lun : busy) interrupt(entry, lun, why);
}

// Sessions first, then what they used. Whatever is stuck beyond the bound keeps itself alive.
void Registry::teardown(int tid, io::Duration bound, std::function<void()> done) {
    const auto it = targets_.find(tid);
    if (it == targets_.end()) return done();
    it->second.deleting = true;
    interrupt_all(it->second, {ErrorCode::no_target,
                               fmt::format("target {} ({}) was deleted", tid, it->second.name)});
    auto luns_removed = [this, tid, done = std::move(done)] {
        forget_target(tid);
        done();
    };
    auto sessions_gone = [this, tid, bound, luns_removed](bool all_gone) {
        if (!all_gone)
            log::warn(module, "target {}: sessions did not end in time; they are left behind", tid);
        const auto entry = targets_.find(tid);
        if (entry == targets_.end()) return;
        auto target = entry->second.target;
        auto one_removed = after(target->luns().size() + 1, luns_removed);
        std::vector<uint64_t> luns;
        for (const auto& [lun, unit] : target->luns()) luns.push_back(lun);
        for (const uint64_t lun : luns)
            remove_lun(entry->second, lun, bound, [one_removed, tid, lun](bool drained) {
                if (!drained)
                    log::warn(module, "target {} LUN {}: commands are stuck in the backing store",
                              tid, lun);
                one_removed();
            });
        one_removed();
    };
    unbind_all_hosts(it->second, bound, [this, tid, bound, sessions_gone] {
        const auto entry = targets_.find(tid);
        if (entry != targets_.end()) entry->second.driver->drop_sessions(tid, bound, sessions_gone);
    });
}

Status Registry::update_target(int tid, std::string_view name, std::string_view value) {
    auto found = find_target(tid);
    if (!found) return tl::unexpected(found.error());
    auto status = change_target(**found, name, value);
    if (status) remember_setting((*found)->set, name, value);
    return status;
}

Status Registry::change_target(TargetEntry& entry, std::string_view name, std::string_view value) {
    const int tid = entry.tid;
    if (name == "state") {
        const bool ready = value == "ready";
        if (!ready && value != "offline")
            return refuse(ErrorCode::invalid_request, "state is ready or offline, not '{}'", value);
        entry.ready = ready;
        log::info(module, "target {} is {}", tid, ready ? "ready" : "offline");
        return {};
    }
    if (name == "abort-bound") {
        const auto bound = parse_abort_bound(value);
        if (!bound) return tl::unexpected(bound.error());
        entry.target->set_abort_bound(*bound);
        return {};
    }
    if (auto status = entry.redirect.update(name, value)) return *status;
    auto next = entry.parameters->clone();
    if (auto set = next->update(name, value); !set)
        return refuse(ErrorCode::invalid_request, "target {}: {}", tid, set.error().text);
    entry.parameters = std::move(next);
    return {};
}

// --- accounts and sessions
// ------------------------------------------------------------------------

Status Registry::bind_account(int tid, std::string_view name, Direction direction) {
    if (tid != Accounts::global) {
        auto found = find_target(tid);
        if (!found) return tl::unexpected(found.error());
    }
    auto bound = accounts_.bind(tid, name, direction);
    if (bound && tid == Accounts::global && direction == Direction::incoming)
        discovery_closed_ = false;
    return bound;
}

void Registry::list_sessions(std::optional<int> tid,
                             std::function<void(std::vector<SessionInfo>)> done) {
    auto all = std::make_shared<std::vector<SessionInfo>>();
    auto one_done = after(drivers_.size() + 1, [all, done = std::move(done)] {
        std::sort(all->begin(), all->end(), [](const SessionInfo& a, const SessionInfo& b) {
            return std::pair(a.tid, a.id) < std::pair(b.tid, b.id);
        });
        done(std::move(*all));
    });
    for (DriverEntry& entry : drivers_)
        entry.driver->list_sessions(tid, [all, one_done](std::vector<SessionInfo> sessions) {
            std::move(sessions.begin(), sessions.end(), std::back_inserter(*all));
            one_done();
        });
    one_done();
}

void Registry::drop_connection(int tid, uint64_t session, uint32_t cid, StatusCallback done) {
    auto found = find_target(tid);
    if (!found) return done(tl::unexpected(found.error()));
    (*found)->driver->drop_connection(
        tid, session, cid, [tid, session, cid, done = std::move(done)](DropOutcome outcome) {
            if (outcome == DropOutcome::no_session)
                return done(
                    refuse(ErrorCode::no_session, "target {} has no session {}", tid, session));
            if (outcome == DropOutcome::no_connection)
                return done(refuse(ErrorCode::no_connection,
                                   "session {} of target {} has no connection {}", session, tid,
                                   cid));
            done({});
        });
}

}  // namespace tgt::mgmt
