// SPDX-License-Identifier: GPL-2.0-or-later
// What management asks of the registry: lists, and ends.
#include <algorithm>

#include "driver/iscsi/connection.h"
#include "driver/iscsi/session_registry.h"

namespace tgt::iscsi {

namespace {

// Collects what the workers say about their sessions.
struct Listing {
    size_t workers_left;
    std::vector<mgmt::SessionInfo> sessions;
    std::function<void(std::vector<mgmt::SessionInfo>)> done;
};

std::vector<mgmt::SessionInfo> sessions_of(WorkerContext& context, const std::optional<int>& tid) {
    std::vector<mgmt::SessionInfo> infos;
    for (auto& [tsih, session] : context.sessions) {
        const SessionIdentity& identity = session->identity();
        if (session->discovery() || (tid && identity.tid != *tid)) continue;
        mgmt::SessionInfo info;
        info.tid = identity.tid;
        info.id = tsih;
        info.initiator_name = identity.initiator_name;
        info.initiator_alias = identity.initiator_alias;
        for (Connection* connection : session->connections())
            info.connections.push_back({connection->cid(), connection->transport().peer_address(),
                                        connection->counters()});
        infos.push_back(std::move(info));
    }
    return infos;
}

}  // namespace

void SessionRegistry::list(std::optional<int> tid,
                           std::function<void(std::vector<mgmt::SessionInfo>)> done) {
    auto listing = std::make_shared<Listing>(Listing{contexts_.size(), {}, std::move(done)});
    for (auto& context : contexts_) {
        WorkerContext* on = context.get();
        on->worker.post([this, on, tid, listing] {
            auto infos = sessions_of(*on, tid);
            runtime_.control().post([listing, infos = std::move(infos)] {
                listing->sessions.insert(listing->sessions.end(), infos.begin(), infos.end());
                if (--listing->workers_left > 0) return;
                std::sort(listing->sessions.begin(), listing->sessions.end(),
                          [](const auto& a, const auto& b) { return a.id < b.id; });
                listing->done(std::move(listing->sessions));
            });
        });
    }
}

void SessionRegistry::drop_connection(int tid, uint64_t session, uint32_t cid,
                                      std::function<void(mgmt::DropOutcome)> done) {
    auto found = sessions_.find(uint16_t(session));
    if (session > 0xffff || found == sessions_.end() || found->second.identity.tid != tid)
        return done(mgmt::DropOutcome::no_session);
    for (uint64_t id : found->second.connections) {
        auto connection = connections_.find(id);
        if (connection == connections_.end() || connection->second.cid != cid) continue;
        close_connection(id);
        return done(mgmt::DropOutcome::dropped);
    }
    done(mgmt::DropOutcome::no_connection);
}

void SessionRegistry::drop(std::optional<int> tid, io::Duration bound,
                           std::function<void(bool)> done) {
    for (auto& [id, record] : connections_)
        if (!tid || record.tid == *tid) close_connection(id);
    auto waiter = std::make_shared<Waiter>();
    waiter->tid = tid;
    waiter->done = std::move(done);
    Waiter* raw = waiter.get();
    waiter->timer = std::make_unique<io::Timer>([this, raw] {
        auto it = std::find_if(waiters_.begin(), waiters_.end(),
                               [raw](const auto& one) { return one.get() == raw; });
        if (it == waiters_.end()) return;
        auto expired = std::move(*it);
        waiters_.erase(it);
        expired->done(false);
    });
    runtime_.control().timers().arm_in(*waiter->timer, bound);
    waiters_.push_back(std::move(waiter));
    // The answer comes in a later turn also when there is nothing to drop.
    runtime_.control().post([this] { check_waiters(); });
}

bool SessionRegistry::anything_of(const std::optional<int>& tid) const {
    for (const auto& [id, record] : connections_)
        if (!tid || record.tid == *tid) return true;
    for (const auto& [tsih, record] : sessions_)
        if (!tid || record.identity.tid == *tid) return true;
    return false;
}

void SessionRegistry::check_waiters() {
    std::vector<std::shared_ptr<Waiter>> ready;
    std::erase_if(waiters_, [&](const std::shared_ptr<Waiter>& waiter) {
        if (anything_of(waiter->tid)) return false;
        ready.push_back(waiter);
        return true;
    });
    for (auto& waiter : ready) {
        waiter->timer->disarm();
        waiter->done(true);
    }
}

}  // namespace tgt::iscsi
