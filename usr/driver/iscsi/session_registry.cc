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

}  // namespace

// Of the memory, three parts are buffers, and one is for what waits for them (tgtd --memory).
WorkerContext::WorkerContext(io::Worker& on, SessionRegistry& sessions)
    : worker(on), registry(sessions), log(on), windows(on.buffers().limit() / 3), starving(on) {
    memory.on_freed = [this] { starving.look_again(); };
}

WorkerContext::~WorkerContext() = default;

SessionRegistry::SessionRegistry(io::Runtime& runtime, mgmt::Directory& directory,
                                 const DriverSettings& settings)
    : runtime_(runtime),
      directory_(directory),
      settings_(settings),
      choice_(runtime.worker_count()),
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

unsigned SessionRegistry::choose_worker() {
    const io::TimePoint now = runtime_.control().timers().now();
    std::vector<double> busy;
    for (unsigned i = 0; i < runtime_.worker_count(); ++i)
        busy.push_back(runtime_.worker(i).busy_share(now));
    return choice_.choose(now, busy);
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
        if (!record.ending)
            log::info(log::Module::iscsi, "session {} of {} is reinstated", tsih,
                      old.initiator_name);
        // Of several logins the last wins: each is the reinstatement of the one before it.
        auto [waiting, first] = waiting_logins_.try_emplace(tsih, login);
        if (!first) {
            close_connection(waiting->second.connection, "a later login of the same session came");
            waiting->second = login;
        }
        if (!record.ending) end_session(record);
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
        choice_.left(found->second.worker);
        connections_.erase(found);
        check_waiters();
    });
}

void SessionRegistry::session_ended(uint16_t tsih) {
    runtime_.control().post([this, tsih] {
        sessions_.erase(tsih);
        auto waiting = waiting_logins_.extract(tsih);
        if (!waiting.empty()) begin_session(waiting.mapped());
        check_waiters();
    });
}

void SessionRegistry::end_session(SessionRecord& record) {
    record.ending = true;
    for (uint64_t connection : record.connections) close_connection(connection);
}

void SessionRegistry::close_connection(uint64_t connection, const char* why) {
    auto found = connections_.find(connection);
    if (found == connections_.end()) return;
    WorkerContext* context = contexts_[found->second.worker].get();
    context->worker.post([context, connection, why] {
        if (Connection* c = find(*context, connection)) c->close(why);
    });
}

}  // namespace tgt::iscsi
