// SPDX-License-Identifier: GPL-2.0-or-later
// The login phase of a connection: between the LoginMachine, the registry and the transport.
#include "driver/iscsi/connection.h"
#include "driver/iscsi/driver_parameters.h"
#include "driver/iscsi/session_registry.h"
#include "scsi/target.h"

namespace tgt::iscsi {

namespace {

wire::LoginStatus status_of(mgmt::Admission admission) {
    switch (admission) {
        case mgmt::Admission::granted:
            return wire::LoginStatus::success;
        case mgmt::Admission::not_found:
            return wire::LoginStatus::not_found;
        case mgmt::Admission::offline:
            return wire::LoginStatus::target_error;
        case mgmt::Admission::moved_temporarily:
            return wire::LoginStatus::moved_temporarily;
        case mgmt::Admission::moved_permanently:
            return wire::LoginStatus::moved_permanently;
        case mgmt::Admission::failed:
            break;
    }
    return wire::LoginStatus::target_error;
}

// 6.3: anything but a login request before the full feature phase.
wire::LoginResponsePdu invalid_during_login(const wire::Bhs& bhs) {
    wire::LoginResponsePdu pdu;
    pdu.initiator_task_tag = bhs.initiator_task_tag.get();
    pdu.status = uint16_t(wire::LoginStatus::invalid_during_login);
    return pdu;
}

}  // namespace

void Connection::login_pdu(const wire::Bhs& bhs, std::span<const uint8_t> data) {
    if (bhs.opcode() != wire::Opcode::login_request) {
        context_.log.warn("{}: {} before login", peer_name_, opcode_name(bhs.opcode()));
        auto pdu = invalid_during_login(bhs);
        transport_->send(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()), {});
        transport_->close_after_sending();
        return;
    }
    auto wait = login_.snapshot().wait;
    if (wait != LoginState::Wait::request) {
        close("login request while the previous one is being answered");
        return;
    }
    std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    login_event(
        login_.receive(wire::from_bytes<wire::LoginRequestPdu>(wire::bytes_of(bhs).data()), text));
}

void Connection::login_event(LoginEvent event) {
    switch (event) {
        case LoginEvent::need_more:
        case LoginEvent::send_response:
            return send_login_response();
        case LoginEvent::need_policy:
            return ask_policy();
        case LoginEvent::need_session:
            return ask_session();
        case LoginEvent::established:
            send_login_response();
            enter_full_feature();
            return;
        case LoginEvent::failed:
            context_.log.warn("{}: login of {} to {} failed: {} ({})", peer_name_,
                              login_.query().initiator_name,
                              login_.query().discovery ? "discovery" : login_.query().target_name,
                              login_.why(), login_status_text(login_.status()));
            send_login_response();
            transport_->close_after_sending();
            return;
    }
}

void Connection::send_login_response() {
    const std::string& text = login_.response_text();
    std::span<const uint8_t> data(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    transport_->send(wire::from_bytes<wire::Bhs>(wire::bytes_of(login_.response()).data()), data);
}

void Connection::ask_policy() {
    spoke_ = true;
    mgmt::LoginQuestion question;
    question.driver = driver_name_;
    question.initiator_name = login_.query().initiator_name;
    question.initiator_address = peer_;
    question.local_address = local_;
    question.discovery = login_.query().discovery;
    question.target_name = login_.query().target_name;
    context_.registry.ask_policy(context_.worker.index(), id_, std::move(question));
}

void Connection::policy(const mgmt::LoginAnswer& answer) {
    if (closing_) return;
    LoginPolicy policy;
    policy.status = status_of(answer.admission);
    policy.target_address = answer.redirect_address;
    policy.reason = answer.reason;
    if (answer.parameters)
        policy.parameters = static_cast<const IscsiParameters&>(*answer.parameters).values;
    // One connection per session is what the session layer serves.
    policy.parameters.set(ParamId::max_connections, 1);
    for (const auto& account : answer.incoming)
        policy.incoming.push_back({account.name, account.secret});
    if (answer.outgoing)
        policy.outgoing = ChapAccount{answer.outgoing->name, answer.outgoing->secret};
    policy.rdma = transport_->rdma();
    policy.digests_allowed = !transport_->rdma();
    target_ = answer.target;
    tid_ = answer.tid;
    nop_interval_ = policy.parameters.get(ParamId::nop_interval);
    nop_count_ = policy.parameters.get(ParamId::nop_count);
    login_event(login_.provide_policy(std::move(policy)));
}

void Connection::ask_session() {
    const LoginQuery& query = login_.query();
    SessionIdentity wanted;
    wanted.tid = tid_;
    wanted.initiator_name = query.initiator_name;
    wanted.initiator_alias = query.initiator_alias;
    wanted.isid = query.isid;
    cid_ = query.cid;
    context_.registry.ask_session(context_.worker.index(), id_, std::move(wanted), query.cid,
                                  query.tsih);
}

void Connection::session_granted(SessionGrant grant, SessionIdentity identity) {
    if (closing_) return;
    if (grant.status == wire::LoginStatus::success) {
        auto joined = context_.sessions.find(grant.tsih);
        if (joined != context_.sessions.end()) {
            session_ = joined->second.get();
            grant.exp_cmd_sn = session_->window().expected();
            grant.max_cmd_sn = session_->window().max();
        } else {
            auto session = std::make_unique<Session>(context_, std::move(identity), target_,
                                                     login_.result(), login_.first_cmd_sn());
            session_ = session.get();
            context_.sessions[grant.tsih] = std::move(session);
            grant.exp_cmd_sn = session_->window().expected();
            grant.max_cmd_sn = session_->window().max();
        }
        session_->join(*this);
    }
    login_event(login_.provide_session(std::move(grant)));
}

void Connection::enter_full_feature() {
    login_timer_.disarm();
    phase_ = Phase::full_feature;
    stat_sn_ = login_.next_stat_sn();
    send_limit_ = login_.result().send_limit;
    transport_->adopt(login_.result());
    context_.log.info("{}: {} logged in to {}, session {}", peer_name_,
                      login_.query().initiator_name,
                      session_->discovery() ? "discovery" : login_.query().target_name,
                      session_->identity().tsih);
    if (nop_interval_ > 0 && !session_->discovery())
        context_.worker.timers().arm_in(ping_timer_, std::chrono::seconds(nop_interval_));
}

void Connection::resume(Session& session, const SessionState::Connection& state) {
    login_timer_.disarm();
    phase_ = Phase::full_feature;
    session_ = &session;
    session.join(*this);
    cid_ = state.cid;
    stat_sn_ = state.stat_sn;
    next_transfer_tag_ = state.next_transfer_tag;
    send_limit_ = state.send_limit;
    NegotiatedParameters parameters = session.parameters();
    parameters.send_limit = send_limit_;
    transport_->adopt(parameters);
    target_ = session.target();
    tid_ = session.identity().tid;
}

}  // namespace tgt::iscsi
