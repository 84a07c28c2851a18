// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "driver/iscsi/login.h"
#include "driver/iscsi/session.h"
#include "io/runtime.h"
#include "mgmt/driver.h"

namespace tgt::iscsi {

class Connection;

// Every connection and session of the driver, as the control thread knows them; and the
// WorkerContexts. Workers talk to it by the methods marked "worker", which post to the control
// thread; answers come back to the connection by its id, if it still lives.
class SessionRegistry {
  public:
    SessionRegistry(io::Runtime& runtime, mgmt::Directory& directory);
    ~SessionRegistry();

    io::Runtime& runtime() { return runtime_; }
    // Any thread (constant).
    WorkerContext& context(unsigned worker) { return *contexts_[worker]; }

    // --- control thread ---
    // A new connection: chooses its worker, registers it. `make` runs there and builds the
    // connection.
    using Make = std::function<std::unique_ptr<Connection>(WorkerContext&, uint64_t id)>;
    void add_connection(Make make);
    size_t connection_count() const { return connections_.size(); }
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
        int tid = -1;  // -1: not yet known; 0: discovery
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

    void begin_session(const PendingLogin& login);
    void grant(const PendingLogin& login);
    void join(const PendingLogin& login, uint16_t tsih);
    void refuse(unsigned worker, uint64_t connection, wire::LoginStatus status, std::string reason);
    void answer_session(unsigned worker, uint64_t connection, SessionGrant grant,
                        SessionIdentity identity);
    void end_session(SessionRecord& record);
    void close_connection(uint64_t connection);
    bool anything_of(const std::optional<int>& tid) const;
    void check_waiters();
    unsigned choose_worker() const;
    uint16_t free_tsih();

    io::Runtime& runtime_;
    mgmt::Directory& directory_;
    std::vector<std::unique_ptr<WorkerContext>> contexts_;
    std::map<uint64_t, ConnectionRecord> connections_;
    std::map<uint16_t, SessionRecord> sessions_;
    std::multimap<uint16_t, PendingLogin> waiting_logins_;  // by the TSIH they wait for
    std::vector<std::shared_ptr<Waiter>> waiters_;
    uint64_t next_connection_ = 1;
    uint16_t next_tsih_ = 1;
};

}  // namespace tgt::iscsi
