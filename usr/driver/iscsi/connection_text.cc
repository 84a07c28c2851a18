// SPDX-License-Identifier: GPL-2.0-or-later
// Text requests of the full feature phase (RFC 7143 11.10, 11.11): SendTargets and renegotiation.
#include <algorithm>

#include "driver/iscsi/connection.h"
#include "driver/iscsi/session_registry.h"
#include "scsi/target.h"

namespace tgt::iscsi {

namespace {

constexpr size_t max_text = 65536;  // of one exchange

}  // namespace

void Connection::text_request(const wire::TextRequestPdu& pdu, std::span<const uint8_t> data) {
    wire::Bhs bhs = wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data());
    // 11.10: one at a time.
    if (text_waits_) return reject(bhs, {}, wire::RejectReason::protocol_error);
    bool continues = pdu.target_transfer_tag != wire::reserved_tag;
    if (continues && (pdu.target_transfer_tag != text_ttt_ || pdu.initiator_task_tag != text_itt_))
        return reject(bhs, {}, wire::RejectReason::invalid_pdu_field);
    if (pdu.final() && pdu.more()) return reject(bhs, {}, wire::RejectReason::invalid_pdu_field);
    if (!continues) {  // a new exchange ends the one before (11.10.4)
        text_in_.clear();
        text_out_.clear();
    }
    text_itt_ = pdu.initiator_task_tag;
    if (!text_out_.empty()) return send_text_piece();
    if (text_in_.size() + data.size() > max_text) return text_failed(bhs);
    text_in_.append(reinterpret_cast<const char*>(data.data()), data.size());
    if (pdu.more()) return send_text_piece(true);  // an empty response asks for the rest
    auto keys = TextKeys::parse(text_in_);
    if (!keys) return text_failed(bhs);
    auto send_targets = keys->find("SendTargets");
    if (!send_targets) return answer_text();
    std::string name(*send_targets == "All" ? "" : *send_targets);
    if (!session_->discovery()) {
        // Appendix C: a normal session describes its own target, and no other.
        if (*send_targets == "All") return refuse_send_targets();
        name = session_->target()->name();
        if (!send_targets->empty() && *send_targets != name) return targets({});
    }
    mgmt::LoginQuestion who;
    who.driver = driver_name_;
    who.initiator_name = session_->identity().initiator_name;
    who.initiator_address = peer_;
    who.local_address = local_;
    who.discovery = session_->discovery();
    bool nothing = session_->discovery() && send_targets->empty();
    if (nothing) return targets({});
    text_waits_ = true;
    context_.registry.ask_targets(context_.worker.index(), id_, std::move(who), std::move(name));
}

void Connection::refuse_send_targets() {
    TextBuilder out;
    out.add("SendTargets", "Reject");
    text_in_.clear();
    text_out_ = out.take();
    send_text_piece();
}

void Connection::targets(std::vector<mgmt::DiscoveredTarget> found) {
    if (closing_) return;
    text_waits_ = false;
    TextBuilder out;
    for (const auto& target : found) {
        out.add("TargetName", target.name);
        for (const auto& address : target.addresses) out.add("TargetAddress", address);
    }
    text_out_ = out.take();
    text_in_.clear();
    send_text_piece();
}

// Keys other than SendTargets.
void Connection::answer_text() {
    TextBuilder out;
    std::string text = std::move(text_in_);
    text_in_.clear();
    auto keys = TextKeys::parse(text);
    NegotiationContext context;
    context.discovery = session_->discovery();
    Negotiation negotiation(session_->parameters().values, context);
    if (auto violation = negotiation.process(*keys, wire::LoginStage::full_feature, out)) {
        close(*violation);
        return;
    }
    if (keys->has("MaxRecvDataSegmentLength")) {
        NegotiatedParameters changed = session_->parameters();
        changed.send_limit = send_limit_ = negotiation.result().send_limit;
        transport_->adopt(changed);
    }
    text_out_ = out.take();
    send_text_piece();
}

// As much of the answer as the initiator takes in one PDU; the rest when it asks (11.11.4).
void Connection::send_text_piece(bool more_to_come) {
    size_t length = std::min<size_t>(text_out_.size(), send_limit_);
    bool rest = length < text_out_.size();
    wire::TextResponsePdu pdu;
    wire::FinalFlag::set(pdu.flags, !rest && !more_to_come);
    wire::TextContinue::set(pdu.flags, rest);
    pdu.initiator_task_tag = text_itt_;
    text_ttt_ = rest || more_to_come ? new_transfer_tag() : wire::reserved_tag;
    pdu.target_transfer_tag = text_ttt_;
    pdu.stat_sn = next_stat_sn();
    pdu.exp_cmd_sn = exp_cmd_sn();
    pdu.max_cmd_sn = max_cmd_sn();
    std::span<const uint8_t> data(reinterpret_cast<const uint8_t*>(text_out_.data()), length);
    transport_->send(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()), data);
    text_out_.erase(0, length);
}

void Connection::text_failed(const wire::Bhs& bhs) {
    text_in_.clear();
    text_out_.clear();
    text_ttt_ = wire::reserved_tag;
    reject(bhs, {}, wire::RejectReason::protocol_error);
}

}  // namespace tgt::iscsi
