// SPDX-License-Identifier: GPL-2.0-or-later
// Targets and the hosts (HBAs, loop ports) that they are bound to. A binding is an administrator's
// wish: it is kept while the host is not there, and carried out whenever the host comes.
#include <algorithm>

#include "base/log.h"
#include "mgmt/registry.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

}  // namespace

TargetEntry* Registry::find_bound(const Driver& driver, uint32_t host) {
    for (auto& [tid, entry] : targets_)
        if (entry.driver == &driver && entry.hosts.count(host)) return &entry;
    return nullptr;
}

Status Registry::may_bind_host(const TargetEntry& entry, uint32_t host) {
    if (!entry.driver->has_hosts())
        return refuse(ErrorCode::invalid_request,
                      "target {} is of driver {}, whose targets are not bound to hosts", entry.tid,
                      entry.driver->name());
    if (host == 0) return refuse(ErrorCode::invalid_request, "the number of a host is 1 or more");
    const TargetEntry* bound = find_bound(*entry.driver, host);
    if (!bound) return {};
    if (bound == &entry)
        return refuse(ErrorCode::binding_exists, "target {} is bound to host {} already", entry.tid,
                      host);
    return refuse(ErrorCode::binding_exists, "host {} has target {} ({}) already", host, bound->tid,
                  bound->name);
}

void Registry::bind_host(int tid, uint32_t host, LunCallback done) {
    auto found = find_target(tid);
    if (!found) return done(tl::unexpected(found.error()));
    if (auto status = may_bind_host(**found, host); !status)
        return done(tl::unexpected(status.error()));
    (*found)->hosts.insert(host);
    begin_binding(**found, host, [this, tid, host, done](const Result<void>& bound) {
        if (bound) return done(Warnings{});
        if (bound.error().code == ENOENT) {
            const auto target = targets_.find(tid);
            const std::string_view why =
                target == targets_.end() ? "" : target->second.driver->explanation();
            Warnings warnings{fmt::format("{}{}{}{}; target {} is bound to it when it comes",
                                          bound.error().text, why.empty() ? "" : " (", why,
                                          why.empty() ? "" : ")", tid)};
            log::info(module, "{}", warnings.front());
            return done(std::move(warnings));
        }
        if (bound.error().code == EBUSY) {
            bind_later(tid, host);
            return done(Warnings{
                fmt::format("{}; it may be a daemon whose last writes have not ended, and target "
                            "{} is bound to host {} when it lets go",
                            bound.error().text, tid, host)});
        }
        if (const auto it = targets_.find(tid); it != targets_.end()) it->second.hosts.erase(host);
        done(refuse(ErrorCode::invalid_request, "target {} cannot be bound to host {}: {}", tid,
                    host, bound.error().text));
    });
}

void Registry::begin_binding(const TargetEntry& entry, uint32_t host,
                             std::function<void(Result<void>)> done) {
    const int tid = entry.tid;
    entry.driver->bind_host(host, tid, entry.target,
                            [tid, host, done = std::move(done)](Result<void> bound) {
                                if (bound)
                                    log::info(module, "target {} is bound to host {}", tid, host);
                                else if (bound.error().code != ENOENT)
                                    log::warn(module, "target {} cannot be bound to host {}: {}",
                                              tid, host, bound.error().text);
                                done(std::move(bound));
                            });
}

void Registry::unbind_host(int tid, uint32_t host, LunCallback done) {
    auto found = find_target(tid);
    if (!found) return done(tl::unexpected(found.error()));
    TargetEntry& entry = **found;
    if (entry.hosts.erase(host) == 0)
        return done(refuse(ErrorCode::no_binding, "target {} is not bound to host {}", tid, host));
    entry.driver->unbind_host(
        host, entry.target->abort_bound(), [tid, host, done = std::move(done)](bool all_gone) {
            log::info(module, "target {} is not bound to host {} any more", tid, host);
            if (all_gone) return done(Warnings{});
            done(Warnings{fmt::format(
                "commands of host {} are stuck in their backing stores; they still end", host)});
        });
}

Status Registry::remember_host(int tid, uint32_t host) {
    auto found = find_target(tid);
    if (!found) return tl::unexpected(found.error());
    if (auto status = may_bind_host(**found, host); !status) return status;
    (*found)->hosts.insert(host);
    return {};
}

void Registry::bind_remembered_hosts() {
    for (const auto& [tid, entry] : targets_)
        for (const uint32_t host : entry.hosts) bind_in_silence(entry, host);
}

// A daemon before this one may not have ended yet.
void Registry::bind_in_silence(const TargetEntry& entry, uint32_t host) {
    begin_binding(entry, host, [this, tid = entry.tid, host](const Result<void>& bound) {
        if (bound || bound.error().code != EBUSY || stopping_) return;
        bind_later(tid, host);
    });
}

void Registry::bind_later(int tid, uint32_t host) {
    bind_again_.emplace_back(tid, host);
    runtime_.control().timers().arm_in(bind_timer_, std::chrono::seconds(1));
}

void Registry::bind_again() {
    for (const auto& [tid, host] : std::exchange(bind_again_, {})) {
        const auto it = targets_.find(tid);
        const bool wanted = it != targets_.end() && it->second.hosts.count(host) && !stopping_;
        if (wanted && !it->second.deleting) bind_in_silence(it->second, host);
    }
}

void Registry::host_added(const Driver& driver, uint32_t host) {
    const TargetEntry* entry = find_bound(driver, host);
    // While the saved state is restored its logical units are not there yet.
    if (!entry || entry->deleting || restoring_ || stopping_) return;
    bind_in_silence(*entry, host);
}

// A daemon that stops takes nothing away from initiators: the next one goes on.
void Registry::lun_changed(Driver& driver, int tid, uint64_t lun, bool present) const {
    if (!stopping_) driver.lun_changed(tid, lun, present);
}

void Registry::unbind_all_hosts(TargetEntry& entry, io::Duration bound,
                                std::function<void()> done) {
    auto hosts = std::exchange(entry.hosts, {});
    for (const uint32_t host : entry.driver->hosts_of(entry.tid)) hosts.insert(host);
    auto left = std::make_shared<size_t>(hosts.size());
    if (hosts.empty() || stopping_) return done();
    for (const uint32_t host : hosts)
        entry.driver->unbind_host(host, bound, [left, done](bool) {
            if (--*left == 0) done();
        });
}

}  // namespace tgt::mgmt
