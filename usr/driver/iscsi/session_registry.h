// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "driver/iscsi/driver_settings.h"
#include "driver/iscsi/half_open.h"
#include "driver/iscsi/login.h"
#include "driver/iscsi/peer_log.h"
#include "driver/iscsi/session.h"
#include "driver/iscsi/worker_choice.h"
#include "io/runtime.h"
#include "mgmt/driver.h"

namespace tgt::iscsi {

class Connection;

// Every connection and session of the driver, as the control thread knows them; and the
// WorkerContexts. Their number is bounded, and that of the connections that are not logged in: one
// that is new displaces the one that is least worth keeping (see HalfOpen). Workers talk to it by
// the methods marked "worker", which post to the control thread; answers come back to the
// connection by its id, if it still lives.
class SessionRegistry {
  public:
    SessionRegistry(io::Runtime& runtime, mgmt::Directory& directory,
                    const DriverSettings& settings = {});
    ~SessionRegistry();

    io::Runtime& runtime() { return runtime_; }
    // Any thread (constant).
    WorkerContext& context(unsigned worker) { return *contexts_[worker]; }
    const DriverSettings& settings() const { return settings_; }

    // --- control thread ---
    // A new connection: chooses its worker, registers it. `make` runs there and builds the
    // connection; it is dropped when there is no place. False: connections come faster than those
    // that they displace can go, so that it is time to pause.
    using Make = std::function<std::unique_ptr<Connection>(WorkerContext&, uint64_t id)>;
    bool add_connection(const mgmt::SocketAddress& peer, Make make);
    // No descriptor is left: some connections that are not logged in go.
    void relieve();
    size_t connection_count() const { return connections_.size(); }
    size_t half_open_count() const { return half_open_.size(); }
    void list(std::optional<int> tid, std::function<void(std::vector<mgmt::SessionInfo>)> done);
    void drop_connection(int tid, uint64_t session, uint32_t cid,
                         std::function<void(mgmt::DropOutcome)> done);
    // Everything of one target; of all, when tid is empty.
    void drop(std::optional<int> tid, io::Duration bound, std::function<void(bool)> done);

    // --- worker: what a connection asks ---
    void ask_policy(unsigned worker, uint64_t connection, mgmt::LoginQuestion question);
    void ask_session(unsigned worker, uint64_t connection, SessionIdentity wanted, uint16_t cid,
                     uint16_t join_tsih);
    void ask_targets(unsigned worker, uint64_t connection, mgmt::LoginQuestion who,
                     std::string name);
    void ask_drop(int tid);  // every session of the target
    // --- worker: what a connection tells ---
    void connection_closed(uint64_t connection);
    void session_ended(uint16_t tsih);

  private:
    struct ConnectionRecord {
        unsigned worker = 0;
        mgmt::SocketAddress peer;
        bool leaving = false;  // asked to make room
        int tid = -1;          // -1: not yet known; 0: discovery
        uint16_t tsih = 0;
        uint16_t cid = 0;
    };
    struct SessionRecord {
        SessionIdentity identity;
        unsigned worker = 0;
        bool ending = false;
        std::set<uint64_t> connections;
    };
    struct Waiter {  // for drop(): done when nothing matches any more, or at the deadline
        std::optional<int> tid;
        std::unique_ptr<io::Timer> timer;
        std::function<void(bool)> done;
    };
    struct PendingLogin {  // waits for the session that it reinstates to end
        unsigned worker;
        uint64_t connection;
        SessionIdentity wanted;
        uint16_t cid;
    };

    bool take_place();
    void displace(uint64_t connection);
    void displace_surplus(uint64_t newest);
    void has_spoken(uint64_t connection);
    void begin_session(const PendingLogin& login);
    void grant(const PendingLogin& login);
    void join(const PendingLogin& login, uint16_t tsih);
    void refuse(unsigned worker, uint64_t connection, wire::LoginStatus status, std::string reason);
    void answer_session(unsigned worker, uint64_t connection, SessionGrant grant,
                        SessionIdentity identity);
    void end_session(SessionRecord& record);
    void close_connection(uint64_t connection, const char* why = "ended by the target");
    bool anything_of(const std::optional<int>& tid) const;
    void check_waiters();
    unsigned choose_worker();
    uint16_t free_tsih();

    io::Runtime& runtime_;
    mgmt::Directory& directory_;
    const DriverSettings settings_;
    std::vector<std::unique_ptr<WorkerContext>> contexts_;
    std::map<uint64_t, ConnectionRecord> connections_;
    WorkerChoice choice_;
    HalfOpen half_open_;              // without those that were asked to go
    std::set<uint64_t> discovering_;  // in discovery sessions
    size_t leaving_ = 0;
    EventCounter displaced_;
    EventCounter refused_;
    std::map<uint16_t, SessionRecord> sessions_;
    std::map<uint16_t, PendingLogin> waiting_logins_;  // by the TSIH they wait for
    std::vector<std::shared_ptr<Waiter>> waiters_;
    uint64_t next_connection_ = 1;
    uint16_t next_tsih_ = 1;
};

}  // namespace tgt::iscsi
