// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/session_registry.h"

#include <algorithm>

#include "base/log.h"
#include "driver/iscsi/connection.h"
#include "scsi/target.h"

namespace tgt::iscsi {

namespace {

constexpr size_t most_leaving = 256;  // more: workers do not keep up, accepting has to wait

// On the worker: the connection, if it still lives.
Connection* find(WorkerContext& context, uint64_t id) {
    auto found = context.connections.find(id);
    return found == context.connections.end() ? nullptr : found->second.get();
}

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

WorkerContext::~WorkerContext() = default;

SessionRegistry::SessionRegistry(io::Runtime& runtime, mgmt::Directory& directory,
                                 const DriverSettings& settings)
    : runtime_(runtime),
      directory_(directory),
      settings_(settings),
      load_(runtime.worker_count()),
      half_open_(settings.login_limit),
      displaced_(runtime.control(),
                 [this](uint64_t count) {
                     log::warn(log::Module::iscsi,
                               "{} connections were closed for newer ones: {} are not logged in "
                               "(login_limit {}), {} in all (connection_limit {})",
                               count, half_open_.size(), settings_.login_limit, connections_.size(),
                               settings_.connection_limit);
                 }),
      refused_(runtime.control(), [this](uint64_t count) {
          log::warn(log::Module::iscsi,
                    "{} connections were refused: there are {} (connection_limit {})", count,
                    connections_.size(), settings_.connection_limit);
      }) {
    for (unsigned i = 0; i < runtime.worker_count(); ++i)
        contexts_.push_back(std::make_unique<WorkerContext>(runtime.worker(i), *this));
}

SessionRegistry::~SessionRegistry() = default;

// --- connections -----------------------------------------------------------------------------

// The worker with the fewest connections.
unsigned SessionRegistry::choose_worker() const {
    return unsigned(std::min_element(load_.begin(), load_.end()) - load_.begin());
}

bool SessionRegistry::add_connection(const mgmt::SocketAddress& peer, Make make) {
    uint64_t id = next_connection_++;
    if (!take_place()) {
        refused_.note();
        return true;
    }
    unsigned worker = choose_worker();
    ConnectionRecord& record = connections_[id];
    record.worker = worker;
    record.peer = peer;
    ++load_[worker];
    half_open_.add(id, peer);
    WorkerContext* context = contexts_[worker].get();
    context->worker.post([context, id, make = std::move(make)] {
        auto connection = make(*context, id);
        context->connections[id] = std::move(connection);
    });
    displace_surplus(id);
    return leaving_ < most_leaving;
}

// False when every place is taken by a session of a target.
bool SessionRegistry::take_place() {
    if (connections_.size() - leaving_ < settings_.connection_limit) return true;
    if (auto oldest = half_open_.oldest())
        displace(*oldest);
    else if (!discovering_.empty())
        displace(*discovering_.begin());
    else
        return false;
    return true;
}

void SessionRegistry::displace_surplus(uint64_t newest) {
    while (auto surplus = half_open_.surplus(newest)) displace(*surplus);
}

void SessionRegistry::displace(uint64_t connection) {
    // One that has said nothing as far as is known here gets a last look at what has come.
    bool silent = half_open_.silent(connection);
    half_open_.remove(connection);
    discovering_.erase(connection);
    ConnectionRecord& record = connections_.at(connection);
    record.leaving = true;
    ++leaving_;
    displaced_.note();
    WorkerContext* context = contexts_[record.worker].get();
    context->worker.post([context, connection, silent] {
        if (Connection* c = find(*context, connection)) c->make_room(!silent);
    });
}

void SessionRegistry::relieve() {
    for (size_t left = half_open_.size() / 4 + 1; left > 0 && half_open_.oldest(); --left)
        displace(*half_open_.oldest());
}

// It keeps its place, or has it again if it was asked to go without having been heard.
void SessionRegistry::has_spoken(uint64_t connection) {
    ConnectionRecord& record = connections_.at(connection);
    if (record.leaving) {
        record.leaving = false;
        --leaving_;
        half_open_.add(connection, record.peer);
    }
    half_open_.speaks(connection);
    displace_surplus(connection);
}

// --- logins ----------------------------------------------------------------------------------

void SessionRegistry::ask_policy(unsigned worker, uint64_t connection,
                                 mgmt::LoginQuestion question) {
    runtime_.control().post([this, worker, connection, question = std::move(question)]() mutable {
        if (connections_.find(connection) == connections_.end()) return;
        has_spoken(connection);
        bool discovery = question.discovery;
        directory_.login(
            std::move(question), [this, worker, connection, discovery](mgmt::LoginAnswer answer) {
                auto record = connections_.find(connection);
                if (record == connections_.end()) return;
                if (answer.admission == mgmt::Admission::granted)
                    record->second.tid = discovery ? 0 : answer.tid;
                WorkerContext* context = contexts_[worker].get();
                context->worker.post([context, connection, answer = std::move(answer)] {
                    if (Connection* c = find(*context, connection)) c->policy(answer);
                });
            });
    });
}

void SessionRegistry::ask_session(unsigned worker, uint64_t connection, SessionIdentity wanted,
                                  uint16_t cid, uint16_t join_tsih) {
    PendingLogin login{worker, connection, std::move(wanted), cid};
    runtime_.control().post([this, login = std::move(login), join_tsih] {
        if (connections_.find(login.connection) == connections_.end()) return;
        if (join_tsih != 0) return join(login, join_tsih);
        begin_session(login);
    });
}

// 6.3.5: a session of the same initiator port with this target is reinstated: the old one ends
// first.
void SessionRegistry::begin_session(const PendingLogin& login) {
    for (auto& [tsih, record] : sessions_) {
        const SessionIdentity& old = record.identity;
        if (old.tid == 0 || old.tid != login.wanted.tid || old.isid != login.wanted.isid ||
            old.initiator_name != login.wanted.initiator_name)
            continue;
        log::info(log::Module::iscsi, "session {} of {} is reinstated", tsih, old.initiator_name);
        waiting_logins_.emplace(tsih, login);
        end_session(record);
        return;
    }
    grant(login);
}

void SessionRegistry::grant(const PendingLogin& login) {
    auto connection = connections_.find(login.connection);
    if (connection == connections_.end()) return;
    uint16_t tsih = free_tsih();
    if (tsih == 0)
        return refuse(login.worker, login.connection, wire::LoginStatus::out_of_resources,
                      "no session number is free");
    SessionRecord& record = sessions_[tsih];
    record.identity = login.wanted;
    record.identity.tsih = tsih;
    record.worker = login.worker;
    record.connections.insert(login.connection);
    connection->second.tsih = tsih;
    connection->second.cid = login.cid;
    half_open_.remove(login.connection);
    if (login.wanted.tid == 0) discovering_.insert(login.connection);
    SessionGrant grant;
    grant.tsih = tsih;
    answer_session(login.worker, login.connection, std::move(grant), record.identity);
}

// 6.3.1: a connection for an existing session.
void SessionRegistry::join(const PendingLogin& login, uint16_t tsih) {
    auto found = sessions_.find(tsih);
    bool same = found != sessions_.end() && !found->second.ending &&
                found->second.identity.tid == login.wanted.tid &&
                found->second.identity.isid == login.wanted.isid &&
                found->second.identity.initiator_name == login.wanted.initiator_name;
    if (!same)
        return refuse(login.worker, login.connection, wire::LoginStatus::session_does_not_exist,
                      "no such session");
    return refuse(login.worker, login.connection, wire::LoginStatus::too_many_connections,
                  "the session has all the connections that it may have");
}

void SessionRegistry::refuse(unsigned worker, uint64_t connection, wire::LoginStatus status,
                             std::string reason) {
    SessionGrant grant;
    grant.status = status;
    grant.reason = std::move(reason);
    answer_session(worker, connection, std::move(grant), {});
}

void SessionRegistry::answer_session(unsigned worker, uint64_t connection, SessionGrant grant,
                                     SessionIdentity identity) {
    WorkerContext* context = contexts_[worker].get();
    context->worker.post(
        [this, context, connection, grant = std::move(grant), identity = std::move(identity)] {
            Connection* found = find(*context, connection);
            // The connection went while it was being granted a session: the session never began.
            if (found && !found->closing())
                found->session_granted(grant, identity);
            else if (grant.tsih != 0)
                session_ended(grant.tsih);
        });
}

uint16_t SessionRegistry::free_tsih() {
    for (unsigned tries = 0; tries < 0xffff; ++tries) {
        uint16_t tsih = next_tsih_++;
        if (tsih == 0) tsih = next_tsih_++;
        if (sessions_.find(tsih) == sessions_.end()) return tsih;
    }
    return 0;
}

void SessionRegistry::ask_targets(unsigned worker, uint64_t connection, mgmt::LoginQuestion who,
                                  std::string name) {
    runtime_.control().post(
        [this, worker, connection, who = std::move(who), name = std::move(name)] {
            auto found = directory_.discover(who, name);
            WorkerContext* context = contexts_[worker].get();
            context->worker.post([context, connection, found = std::move(found)] {
                if (Connection* c = find(*context, connection)) c->targets(found);
            });
        });
}

void SessionRegistry::ask_drop(int tid) {
    runtime_.control().post([this, tid] {
        for (auto& [id, record] : connections_)
            if (record.tid == tid) close_connection(id);
    });
}

// --- ends ----------------------------------------------------------------------------------------

void SessionRegistry::connection_closed(uint64_t connection) {
    runtime_.control().post([this, connection] {
        auto found = connections_.find(connection);
        if (found == connections_.end()) return;
        auto session = sessions_.find(found->second.tsih);
        if (session != sessions_.end()) session->second.connections.erase(connection);
        half_open_.remove(connection);
        discovering_.erase(connection);
        if (found->second.leaving) --leaving_;
        --load_[found->second.worker];
        connections_.erase(found);
        check_waiters();
    });
}

void SessionRegistry::session_ended(uint16_t tsih) {
    runtime_.control().post([this, tsih] {
        sessions_.erase(tsih);
        auto [first, last] = waiting_logins_.equal_range(tsih);
        std::vector<PendingLogin> logins;
        for (auto it = first; it != last; ++it) logins.push_back(it->second);
        waiting_logins_.erase(first, last);
        // Of several the last wins: each reinstates the one before it.
        for (const PendingLogin& login : logins) begin_session(login);
        check_waiters();
    });
}

void SessionRegistry::end_session(SessionRecord& record) {
    record.ending = true;
    for (uint64_t connection : record.connections) close_connection(connection);
}

void SessionRegistry::close_connection(uint64_t connection) {
    auto found = connections_.find(connection);
    if (found == connections_.end()) return;
    WorkerContext* context = contexts_[found->second.worker].get();
    context->worker.post([context, connection] {
        if (Connection* c = find(*context, connection)) c->close("ended by the target");
    });
}

// --- what management asks ------------------------------------------------------------------------

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
