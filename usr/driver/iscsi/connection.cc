// SPDX-License-Identifier: GPL-2.0-or-later
// The full feature phase: everything but SCSI commands with their data, and text.
#include "driver/iscsi/connection.h"

#include <algorithm>

#include "driver/iscsi/session_registry.h"
#include "scsi/target.h"
#include "scsi/task_management.h"
#include "wire/scsi_lun.h"

namespace tgt::iscsi {

namespace {

constexpr size_t scratch_data = 8192;      // a data segment up to this fits the receiver's scratch
constexpr size_t max_task_functions = 64;  // of one session at once

wire::Bhs as_bhs(const auto& pdu) {
    return wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data());
}
template <class Pdu>
Pdu view(const wire::Bhs& bhs) {
    return wire::from_bytes<Pdu>(wire::bytes_of(bhs).data());
}
// CmdSN stands at the same place in every initiator PDU that has one.
uint32_t cmd_sn_of(const wire::Bhs& bhs) {
    return view<wire::ScsiCommandPdu>(bhs).cmd_sn;
}

bool is_numbered(wire::Opcode opcode) {
    switch (opcode) {
        case wire::Opcode::nop_out:
        case wire::Opcode::scsi_command:
        case wire::Opcode::task_management_request:
        case wire::Opcode::text_request:
        case wire::Opcode::logout_request:
            return true;
        default:
            return false;
    }
}

// Commands that wait for memory end with those that a function aborts: of its LUN, or all.
enum class Waiting : uint8_t { stay, of_lun, all };

struct FunctionRow {
    wire::TaskFunction wire;
    scsi::TaskFunction scsi;
    Waiting waiting;
};
constexpr FunctionRow functions[] = {
    {wire::TaskFunction::abort_task, scsi::TaskFunction::abort_task, Waiting::stay},
    {wire::TaskFunction::abort_task_set, scsi::TaskFunction::abort_task_set, Waiting::of_lun},
    {wire::TaskFunction::clear_aca, scsi::TaskFunction::clear_aca, Waiting::stay},
    {wire::TaskFunction::clear_task_set, scsi::TaskFunction::clear_task_set, Waiting::of_lun},
    {wire::TaskFunction::logical_unit_reset, scsi::TaskFunction::logical_unit_reset,
     Waiting::of_lun},
    {wire::TaskFunction::target_warm_reset, scsi::TaskFunction::target_warm_reset, Waiting::all},
    {wire::TaskFunction::target_cold_reset, scsi::TaskFunction::target_cold_reset, Waiting::all},
};

wire::TaskResponse wire_response(scsi::TaskResponse response) {
    switch (response) {
        case scsi::TaskResponse::complete:
            return wire::TaskResponse::complete;
        case scsi::TaskResponse::no_such_task:
            return wire::TaskResponse::task_does_not_exist;
        case scsi::TaskResponse::no_such_lun:
            return wire::TaskResponse::lun_does_not_exist;
        case scsi::TaskResponse::not_supported:
            return wire::TaskResponse::not_supported;
        case scsi::TaskResponse::rejected:
            break;
    }
    return wire::TaskResponse::rejected;
}

}  // namespace

Connection::Connection(WorkerContext& context, uint64_t id, mgmt::SocketAddress peer,
                       mgmt::SocketAddress local, std::string_view driver_name)
    : context_(context),
      id_(id),
      peer_(peer),
      local_(local),
      peer_name_(peer.uri()),
      driver_name_(driver_name),
      ping_timer_([this] { ping(); }),
      login_timer_([this] { close("login was not completed in time"); }) {}

Connection::~Connection() = default;

void Connection::start(std::unique_ptr<Transport> transport) {
    transport_ = std::move(transport);
    const DriverSettings& settings = context_.registry.settings();
    context_.worker.timers().arm_in(login_timer_, std::chrono::seconds(settings.login_timeout));
}

mgmt::ConnectionCounters Connection::counters() const {
    mgmt::ConnectionCounters all = counts;
    all.rxdata_octets = transport_->received_bytes();
    all.txdata_octets = transport_->sent_bytes();
    return all;
}

void Connection::close(std::string_view why) {
    if (closing_) return;
    closing_ = true;
    if (phase_ == Phase::login)
        context_.log.stranger("connection from {} closes before login: {}", peer_name_, why);
    else
        context_.log.info("connection from {} closes: {}", peer_name_, why);
    transport_->close();
}

void Connection::make_room(bool whatever_it_said) {
    if (!whatever_it_said) {
        if (!spoke_ && !closing_) transport_->look();
        if (spoke_) return;
    }
    if (closing_) return;
    closing_ = true;
    transport_->close();
}

void Connection::protocol_error(std::string_view what) {
    close(what);
}

// Destroys the connection.
void Connection::closed() {
    ping_timer_.disarm();
    login_timer_.disarm();
    if (session_) session_->leave(*this);
    context_.registry.connection_closed(id_);
    context_.connections.erase(id_);
}

uint32_t Connection::new_transfer_tag() {
    uint32_t tag = next_transfer_tag_++;
    return tag == wire::reserved_tag ? next_transfer_tag_++ : tag;
}

// --- from the transport ---------------------------------------------------------------------

Placement Connection::header(const wire::Bhs& bhs, std::span<const uint8_t> ahs, uint32_t length) {
    ignore_pdu_ = false;
    reject_pdu_.reset();
    data_task_ = nullptr;
    if (phase_ == Phase::full_feature && bhs.opcode() == wire::Opcode::scsi_command)
        return scsi_header(bhs, ahs, length);
    if (phase_ == Phase::full_feature && bhs.opcode() == wire::Opcode::data_out)
        return data_out_header(bhs, length);
    return length <= scratch_data ? Placement{} : place_in_big(length);
}

Placement Connection::place_in_big(uint32_t length) {
    if (length == 0) return {};
    big_.resize(length);
    data_target_[0] = {big_.data(), length};
    return {Placement::Kind::target, {data_target_.data(), 1}};
}

void Connection::pdu(const wire::Bhs& bhs, std::span<const uint8_t> ahs,
                     std::span<const uint8_t> data, bool digest_ok) {
    if (closing_ || ignore_pdu_) return shrink_big();
    if (data.empty() && bhs.data_segment_length > scratch_data) data = big_;
    if (phase_ == Phase::login)
        login_pdu(bhs, data);
    else
        full_feature_pdu(bhs, ahs, data, digest_ok);
    shrink_big();
    if (!closing_ && session_) release_held();
}

// Large PDUs outside commands are rare: an idle connection does not keep the memory of one.
void Connection::shrink_big() {
    if (big_.capacity() > scratch_data) std::vector<uint8_t>().swap(big_);
}

void Connection::full_feature_pdu(const wire::Bhs& bhs, std::span<const uint8_t> ahs,
                                  std::span<const uint8_t> data, bool digest_ok) {
    if (reject_pdu_) return reject(bhs, ahs, *reject_pdu_);
    wire::Opcode opcode = bhs.opcode();
    if (opcode == wire::Opcode::data_out || opcode == wire::Opcode::scsi_command)
        return data_arrived(bhs, ahs, digest_ok);
    // 7.7: the PDU is discarded; the sender times out or retries, so the number is not taken.
    if (!digest_ok) return reject(bhs, ahs, wire::RejectReason::data_digest_error);
    if (!is_numbered(opcode) || bhs.immediate()) return dispatch(bhs, data);
    switch (session_->window().judge(cmd_sn_of(bhs))) {
        case CommandWindow::Verdict::ignore:
            return;
        case CommandWindow::Verdict::early: {
            HeldPdu held{this, cmd_sn_of(bhs), false, true, bhs, {}, {data.begin(), data.end()}};
            if (!session_->hold(std::move(held))) close("too much data held for missing commands");
            return;
        }
        case CommandWindow::Verdict::in_order:
            break;
    }
    session_->window().accept();
    session_->release_window();
    dispatch(bhs, data);
}

void Connection::release_held() {
    HeldPdu held;
    if (session_->starving()) return;  // its turn comes
    while (session_->take_held(held)) {
        Connection& owner = *held.connection;
        owner.deliver(held);
        if (closing_) return;
    }
}

void Connection::dispatch(const wire::Bhs& bhs, std::span<const uint8_t> data) {
    switch (bhs.opcode()) {
        case wire::Opcode::nop_out:
            return nop_out(view<wire::NopOutPdu>(bhs), data);
        case wire::Opcode::task_management_request:
            return task_management(view<wire::TaskManagementRequestPdu>(bhs));
        case wire::Opcode::text_request:
            return text_request(view<wire::TextRequestPdu>(bhs), data);
        case wire::Opcode::logout_request:
            return logout(view<wire::LogoutRequestPdu>(bhs));
        case wire::Opcode::snack_request:  // error recovery level 0 (11.16)
            return reject(bhs, {}, wire::RejectReason::snack_reject);
        case wire::Opcode::login_request:
            close("login request in the full feature phase");
            return;
        default:
            return reject(bhs, {}, wire::RejectReason::command_not_supported);
    }
}

// 11.17: the header of the refused PDU goes back as data.
void Connection::reject(const wire::Bhs& bhs, std::span<const uint8_t> ahs,
                        wire::RejectReason reason) {
    context_.log.warn("{}: {} rejected: {}", peer_name_, opcode_name(bhs.opcode()),
                      reject_reason_text(reason));
    wire::RejectPdu pdu;
    pdu.reason = uint8_t(reason);
    pdu.stat_sn = next_stat_sn();
    pdu.exp_cmd_sn = exp_cmd_sn();
    pdu.max_cmd_sn = max_cmd_sn();
    auto bytes = wire::bytes_of(bhs);
    std::vector<uint8_t> header(bytes.begin(), bytes.end());
    header.insert(header.end(), ahs.begin(), ahs.end());
    transport_->send(as_bhs(pdu), header);
}

// --- NOP (11.18, 11.19) -----------------------------------------------------------------------

void Connection::nop_out(const wire::NopOutPdu& pdu, std::span<const uint8_t> data) {
    if (pdu.initiator_task_tag == wire::reserved_tag) {
        unanswered_pings_ = 0;
        return;
    }
    wire::NopInPdu reply;
    reply.initiator_task_tag = pdu.initiator_task_tag.get();
    std::copy(std::begin(pdu.lun), std::end(pdu.lun), std::begin(reply.lun));
    reply.stat_sn = next_stat_sn();
    reply.exp_cmd_sn = exp_cmd_sn();
    reply.max_cmd_sn = max_cmd_sn();
    transport_->send(as_bhs(reply), data.first(std::min<size_t>(data.size(), send_limit_)));
}

void Connection::ping() {
    if (closing_) return;
    if (unanswered_pings_ >= std::max(nop_count_, 1u)) {
        close("the initiator does not answer NOP-In");
        return;
    }
    ++unanswered_pings_;
    wire::NopInPdu pdu;
    pdu.target_transfer_tag = new_transfer_tag();
    pdu.stat_sn = stat_sn_;  // not advanced: the PDU carries no status (11.19.2)
    pdu.exp_cmd_sn = exp_cmd_sn();
    pdu.max_cmd_sn = max_cmd_sn();
    transport_->send(as_bhs(pdu), {});
    context_.worker.timers().arm_in(ping_timer_, std::chrono::seconds(nop_interval_));
}

// --- task management (11.5, 11.6) ---------------------------------------------------------------

void Connection::task_management(const wire::TaskManagementRequestPdu& pdu) {
    uint32_t tag = pdu.initiator_task_tag;
    if (session_->discovery()) return reject(as_bhs(pdu), {}, wire::RejectReason::protocol_error);
    auto function = wire::TaskFunction(pdu.function());
    if (function == wire::TaskFunction::task_reassign)
        return task_management_done(tag, wire::TaskResponse::reassignment_not_supported);
    auto row = std::find_if(std::begin(functions), std::end(functions),
                            [&](const FunctionRow& r) { return r.wire == function; });
    if (row == std::end(functions))
        return task_management_done(tag, wire::TaskResponse::not_supported);
    if (session_->task_functions >= max_task_functions)
        return task_management_done(tag, wire::TaskResponse::rejected);
    scsi::TaskRequest request;
    request.function = row->scsi;
    request.lun = wire::decode_lun(std::span<const uint8_t, 8>(pdu.lun));
    request.tag = pdu.referenced_task_tag;
    request.bound = session_->target()->abort_bound();
    context_.log.info("{}: task management function {} for LUN {}, task {:#x}", peer_name_,
                      unsigned(function), request.lun.value_or(0), request.tag);
    if (request.function == scsi::TaskFunction::abort_task && overtakes(pdu))
        return task_management_done(tag, wire::TaskResponse::complete);
    bool cold = request.function == scsi::TaskFunction::target_cold_reset;
    if (row->waiting == Waiting::all || (row->waiting == Waiting::of_lun && request.lun))
        session_->abort_held(row->waiting == Waiting::all ? std::nullopt : request.lun, pdu.cmd_sn);
    auto done = [context = &context_, id = id_, tag, cold](scsi::TaskResponse response) {
        auto found = context->connections.find(id);
        if (found == context->connections.end()) return;
        Session* session = found->second->session();
        if (session) --session->task_functions;
        found->second->task_management_done(tag, wire_response(response));
        // 11.5.1: as after power on: every session of the target ends.
        if (cold && session) context->registry.ask_drop(session->identity().tid);
    };
    ++session_->task_functions;
    scsi::manage_tasks(*session_->nexus(), request, std::move(done));
}

// 11.6.1: ABORT TASK for a command that has not come, though its number is older than the
// function's: the number counts as received.
bool Connection::overtakes(const wire::TaskManagementRequestPdu& pdu) {
    uint32_t sn = pdu.ref_cmd_sn;
    CommandWindow& window = session_->window();
    bool missing = sn_before(sn, pdu.cmd_sn) && !session_->find_task(pdu.referenced_task_tag) &&
                   window.judge(sn) != CommandWindow::Verdict::ignore;
    if (!missing) return false;
    HeldPdu nothing;
    nothing.connection = this;
    nothing.cmd_sn = sn;
    nothing.aborted = true;
    return session_->hold(std::move(nothing));
}

void Connection::task_management_done(uint32_t initiator_task_tag, wire::TaskResponse response) {
    if (closing_ || !session_) return;
    wire::TaskManagementResponsePdu pdu;
    pdu.response = uint8_t(response);
    pdu.initiator_task_tag = initiator_task_tag;
    pdu.stat_sn = next_stat_sn();
    pdu.exp_cmd_sn = exp_cmd_sn();
    pdu.max_cmd_sn = max_cmd_sn();
    transport_->send(as_bhs(pdu), {});
}

// --- logout (11.14, 11.15) --------------------------------------------------------------------

void Connection::logout(const wire::LogoutRequestPdu& pdu) {
    auto reason = wire::LogoutReason(pdu.reason());
    auto response = wire::LogoutResponseCode::success;
    if (reason > wire::LogoutReason::remove_connection)
        return reject(as_bhs(pdu), {}, wire::RejectReason::invalid_pdu_field);
    std::vector<Connection*> leaving;
    for (Connection* connection : session_->connections()) {
        bool named = connection->cid() == pdu.cid;
        if (reason == wire::LogoutReason::close_session || named) leaving.push_back(connection);
    }
    if (reason == wire::LogoutReason::remove_connection)
        response = wire::LogoutResponseCode::recovery_not_supported;
    else if (leaving.empty())
        response = wire::LogoutResponseCode::cid_not_found;
    wire::LogoutResponsePdu reply;
    reply.response = uint8_t(response);
    reply.initiator_task_tag = pdu.initiator_task_tag.get();
    reply.stat_sn = next_stat_sn();
    reply.exp_cmd_sn = exp_cmd_sn();
    reply.max_cmd_sn = max_cmd_sn();
    reply.time2wait = uint16_t(session_->parameters().values.get(ParamId::default_time2wait));
    transport_->send(as_bhs(reply), {});
    if (response != wire::LogoutResponseCode::success) return;
    context_.log.info("{}: logout of {}", peer_name_, session_->identity().initiator_name);
    for (Connection* connection : leaving) {
        if (connection == this)
            transport_->close_after_sending();
        else
            connection->close("logged out by another connection of the session");
    }
}

}  // namespace tgt::iscsi
