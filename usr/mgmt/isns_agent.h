// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/clock.h"
#include "mgmt/isns_message.h"
#include "mgmt/isns_requests.h"

namespace tgt::mgmt {

// What an iSNS server is to know of this daemon.
struct IsnsInventory {
    std::vector<SocketAddress> portals;  // wildcards as they are
    std::vector<std::string> targets;
};

// One registration with one iSNS server: what is to be there, what the server has confirmed, and
// which initiators it names for each target. A state machine without I/O or clock: told what
// happens, it says what is to be sent (take_output) and when it wants to be woken (deadline).
// Registrations outlive connections. The first one replaces what the server had of this entity;
// from then on only what has changed is said, since the server tells every initiator of what is
// registered, also for the second time. From time to time, and after a new connect, it is asked
// whether all is there still (which keeps the registration alive, too); if not, all is said again.
// One thread.
class IsnsAgent {
  public:
    using Seconds = std::chrono::seconds;
    struct Options {
        size_t window = 16;                       // requests without answer
        size_t window_bytes = 2000;               // with so much no more are sent
        io::Duration answer_bound = Seconds(10);  // then the server is not there any more
        io::Duration first_retry = Seconds(5);    // of what the server has refused, doubled
        io::Duration last_retry = Seconds(300);
        io::Duration notice_pause = Seconds(1);  // between rounds of questions after notices
        uint32_t esi_interval = 0;               // seconds; 0: no status inquiries are asked for
    };
    // The server hears from this daemon this much before it forgets it (at the latest), and within
    // these bounds.
    static constexpr Seconds refresh_margin{30}, min_refresh{5}, max_refresh{300};

    explicit IsnsAgent(Options options) : options_(options) {}
    IsnsAgent() : IsnsAgent(Options()) {}

    // --- what happens
    void set_inventory(IsnsInventory inventory, io::TimePoint now);
    // `notice_port`: where this daemon listens for messages of the server; 0: nowhere.
    void connected(const SocketAddress& local, uint16_t notice_port, io::TimePoint now);
    void disconnected();
    void received(const IsnsMessage& response, io::TimePoint now);
    // The surroundings of a target have changed.
    void noticed(const std::string& target, io::TimePoint now);
    // Nothing of this daemon is to stay with the server. Not taken back.
    void leave(io::TimePoint now);
    void tick(io::TimePoint now);

    // --- what follows
    std::vector<uint8_t> take_output() { return std::exchange(output_, {}); }
    std::optional<io::TimePoint> deadline() const;
    // There is something to tell the server.
    bool wants_connection() const { return wants_entity() || may_be_there(); }
    // Why the connection is of no use any more; empty: it is.
    const std::string& broken() const { return broken_; }

    // --- for administrators
    bool registered() const { return connection() && ever_registered_ && may_be_there(); }
    // Everything was said and answered.
    bool settled() const;
    const std::string& entity() const { return entity_id_; }
    const std::string& last_error() const { return last_error_; }
    size_t registered_targets() const;  // that the server has confirmed
    std::optional<uint32_t> period() const { return period_; }

    // Whether the server has named the initiator for the target. Kept while there is no connection.
    bool permits(std::string_view target, std::string_view initiator) const;

  private:
    using Names = std::set<std::string, std::less<>>;
    using Portal = isns_requests::Portal;
    enum class Entity { unknown, asked, registered };  // asked: about to be registered, or known
    enum class Kind { check, register_objects, deregister, watch, ask };
    struct Pending {
        Kind kind = Kind::ask;
        std::vector<std::string> targets;
        bool whole_entity = false;
        io::TimePoint deadline;
        size_t size = 0;
    };

    bool connection() const { return notice_port_.has_value(); }
    bool wants_entity() const;
    bool may_be_there() const { return !may_be_there_.empty(); }
    void choose_portals();
    const std::string& source() const;

    void begin_round(bool all, io::TimePoint now);
    void pump(io::TimePoint now);
    bool send_next(io::TimePoint now);
    void send_check(io::TimePoint now);
    void send_entity(io::TimePoint now);
    void send_targets(io::TimePoint now);
    void send_portal_changes(io::TimePoint now);
    void send_leave(io::TimePoint now);
    void send(std::vector<uint8_t> bytes, Pending pending, io::TimePoint now);
    std::vector<std::string> next_chunk();

    void answered_check(uint32_t status, const IsnsMessage& message, io::TimePoint now);
    void answered_watch(const Pending& pending, uint32_t status, io::TimePoint now);
    void answered_registration(const Pending& pending, uint32_t status, const IsnsMessage& message,
                               io::TimePoint now);
    void refused_registration(const Pending& pending, uint32_t status, io::TimePoint now);
    void answered_deregistration(const Pending& pending);
    void answered_question(const Pending& pending, uint32_t status, const IsnsMessage& message);
    void plan_refresh(io::TimePoint now);
    void complain(std::string_view request, const Pending& pending, uint32_t status);

    Options options_;
    IsnsInventory inventory_;
    Names wanted_;                                                   // targets of the inventory
    std::map<std::string, std::string, std::less<>> by_lower_case_;  // of them
    std::vector<Portal> wanted_portals_;
    bool leaving_ = false;

    // The connection, and the address that it has here.
    std::optional<uint16_t> notice_port_;  // nothing: there is no connection
    SocketAddress local_;
    uint16_t next_transaction_ = 1;
    std::map<uint16_t, Pending> pending_;
    size_t unanswered_bytes_ = 0;  // of pending_
    std::vector<uint8_t> output_;
    std::string broken_;

    // What the server knows, as far as can be told.
    Entity entity_ = Entity::unknown;
    bool ever_registered_ = false;
    bool all_ = true;  // this round says everything
    std::string entity_id_;
    std::vector<Portal> portals_;
    Names may_be_there_;  // targets that were registered and not taken back for certain

    // What is to be said yet.
    Names to_add_, to_remove_, to_watch_, to_ask_;
    Names refused_;          // registrations; tried again at retry_at_
    bool cautious_ = false;  // one target in a message, to find the one that is refused
    bool without_esi_ = false;
    Names noticed_;
    io::Duration retry_after_{};
    std::optional<io::TimePoint> retry_at_, refresh_at_, notices_at_;

    std::optional<uint32_t> period_;
    std::map<std::string, std::set<std::string>, std::less<>> initiators_;  // by target
    std::string last_error_;
};

}  // namespace tgt::mgmt
