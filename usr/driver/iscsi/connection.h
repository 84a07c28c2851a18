// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/iscsi/login.h"
#include "driver/iscsi/session.h"
#include "driver/iscsi/transport.h"
#include "io/timers.h"
#include "mgmt/driver.h"

namespace tgt::iscsi {

// Where the data segment of a PDU is to be received.
struct Placement {
    enum class Kind : uint8_t { scratch, target, discard };
    Kind kind = Kind::scratch;
    std::span<const iovec> target;  // for Kind::target; lives until the PDU is complete
};

// One iSCSI connection from accept to close: login, then the full feature phase. Knows no socket:
// bytes are its Transport's matter. Owned by its worker's WorkerContext; ends with closed().
class Connection {
  public:
    Connection(WorkerContext& context, uint64_t id, mgmt::SocketAddress peer,
               mgmt::SocketAddress local, std::string_view driver_name);
    ~Connection();
    void start(std::unique_ptr<Transport> transport);

    uint64_t id() const { return id_; }
    uint16_t cid() const { return cid_; }
    Session* session() { return session_; }
    Transport& transport() { return *transport_; }
    const std::string& peer_name() const { return peer_name_; }
    mgmt::ConnectionCounters counters() const;

    // --- called by the transport ---
    // A header has arrived; `length` data bytes follow.
    Placement header(const wire::Bhs& bhs, std::span<const uint8_t> ahs, uint32_t length);
    // The PDU is complete; `data` when it was placed in scratch.
    void pdu(const wire::Bhs& bhs, std::span<const uint8_t> ahs, std::span<const uint8_t> data,
             bool digest_ok);
    void protocol_error(std::string_view what);  // logs and closes
    // Status, numbers and residual of a GOOD task, into its last Data-In (11.7.2, phase collapse).
    void set_good_status(const Task& task, wire::DataInPdu& pdu);
    // The last byte of a task's result has left (or never will).
    void task_sent(Task& task);
    // The transport is closed: the last call it makes.
    void closed();

    // --- called by Task ---
    void want_data(Task& task);
    void result(Task& task);
    // --- called by Session ---
    // No data has come for a task that waits for some: it ends.
    void data_overdue(Task& task);

    // --- answers from the control thread, by message ---
    void policy(const mgmt::LoginAnswer& answer);
    void session_granted(SessionGrant grant, SessionIdentity identity);
    void targets(std::vector<mgmt::DiscoveredTarget> found);

    // The durable part in the full feature phase, and a connection that goes on from it instead of
    // a login.
    SessionState::Connection snapshot() const {
        return {cid_, stat_sn_, next_transfer_tag_, send_limit_};
    }
    void resume(Session& session, const SessionState::Connection& state);

    void close(std::string_view why);  // logs, then closes
    // There are too many connections: closes, without a line of its own. Unless told otherwise, not
    // when its login request has come by now.
    void make_room(bool whatever_it_said);
    bool closing() const { return closing_; }

    // --- header fields for every PDU that goes out ---
    uint32_t next_stat_sn() { return stat_sn_++; }
    uint32_t stat_sn() const { return stat_sn_; }
    uint32_t exp_cmd_sn() const { return session_->window().expected(); }
    uint32_t max_cmd_sn() const { return session_->window().max(); }
    uint32_t new_transfer_tag();

    // A held PDU's turn has come.
    void deliver(HeldPdu& held);

    mgmt::ConnectionCounters counts;  // PDU counters; octets come from the transport

  private:
    enum class Phase : uint8_t { login, full_feature };

    // connection_login.cc
    void login_pdu(const wire::Bhs& bhs, std::span<const uint8_t> data);
    void login_event(LoginEvent event);
    void send_login_response();
    void enter_full_feature();
    void ask_policy();
    void ask_session();

    // connection.cc
    bool in_sequence(const wire::Bhs& bhs, Placement& placement, uint32_t length);
    void full_feature_pdu(const wire::Bhs& bhs, std::span<const uint8_t> ahs,
                          std::span<const uint8_t> data, bool digest_ok);
    void dispatch(const wire::Bhs& bhs, std::span<const uint8_t> data);
    void release_held();
    void nop_out(const wire::NopOutPdu& pdu, std::span<const uint8_t> data);
    void task_management(const wire::TaskManagementRequestPdu& pdu);
    bool overtakes(const wire::TaskManagementRequestPdu& pdu);
    void task_management_done(uint32_t initiator_task_tag, wire::TaskResponse response);
    void logout(const wire::LogoutRequestPdu& pdu);
    void reject(const wire::Bhs& bhs, std::span<const uint8_t> ahs, wire::RejectReason reason);
    void ping();
    Placement place_in_big(uint32_t length);
    void shrink_big();

    // connection_scsi.cc
    Task* begin_command(const wire::Bhs& bhs, std::span<const uint8_t> ahs, uint32_t immediate,
                        bool whole = true);
    Placement keep_for_later(const wire::Bhs& bhs, std::span<const uint8_t> ahs, uint32_t length);
    Task* end_unstarted(Task& task, const scsi::Outcome& outcome);
    Placement scsi_header(const wire::Bhs& bhs, std::span<const uint8_t> ahs, uint32_t length);
    Placement data_out_header(const wire::Bhs& bhs, uint32_t length);
    Placement place_in_task(Task& task, uint32_t offset, uint32_t length);
    void data_arrived(const wire::Bhs& bhs, std::span<const uint8_t> ahs, bool digest_ok);
    void data_progress(Task& task);
    void remember_late(uint32_t initiator_task_tag);
    bool expected_late(uint32_t initiator_task_tag) const;
    void send_status(Task& task);

    // connection_text.cc
    void text_request(const wire::TextRequestPdu& pdu, std::span<const uint8_t> data);
    void refuse_send_targets();
    void answer_text();
    void send_text_piece(bool more_to_come = false);
    void text_failed(const wire::Bhs& bhs);

    WorkerContext& context_;
    const uint64_t id_;
    const mgmt::SocketAddress peer_;
    const mgmt::SocketAddress local_;
    const std::string peer_name_;
    const std::string driver_name_;
    std::unique_ptr<Transport> transport_;
    Session* session_ = nullptr;
    Phase phase_ = Phase::login;
    bool closing_ = false;
    bool spoke_ = false;  // its login request has come, the policy was asked for
    uint16_t cid_ = 0;
    uint32_t stat_sn_ = 0;
    uint32_t next_transfer_tag_ = 1;
    uint32_t send_limit_ = 0;  // the initiator's MaxRecvDataSegmentLength

    LoginMachine login_;
    std::shared_ptr<scsi::Target> target_;  // granted by the policy
    int tid_ = 0;
    uint32_t nop_interval_ = 0;  // seconds, 0: no pings
    uint32_t nop_count_ = 0;
    uint32_t unanswered_pings_ = 0;
    io::Timer ping_timer_;
    io::Timer login_timer_;

    // The PDU whose data is being received.
    Task* data_task_ = nullptr;
    bool ignore_pdu_ = false;
    std::optional<wire::RejectReason> reject_pdu_;
    std::vector<uint8_t> big_;           // data that does not fit the scratch, or goes nowhere
    std::array<iovec, 20> data_target_;  // slices of the task's buffer, and the part behind it
    std::optional<HeldPdu> early_;

    // Commands that ended while data for them was still on its way: it is dropped without
    // complaint. As many as can be outstanding, the oldest is forgotten first.
    std::vector<uint32_t> late_tags_;
    size_t late_count_ = 0;

    // Text exchange in progress.
    std::string text_in_;
    std::string text_out_;
    bool text_waits_ = false;  // for the answer of the control thread
    uint32_t text_itt_ = wire::reserved_tag;
    uint32_t text_ttt_ = wire::reserved_tag;
};

}  // namespace tgt::iscsi
