// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/login.h"

#include <algorithm>

namespace tgt::iscsi {

namespace {

using wire::LoginRequestPdu;
using wire::LoginResponsePdu;
using wire::LoginStage;
using wire::LoginStatus;

bool all_zero(std::span<const uint8_t> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

// 11.12.3: which steps forward exist.
bool valid_transit(uint8_t from, uint8_t to) {
    return (from == 0 && (to == 1 || to == 3)) || (from == 1 && to == 3);
}

// Names may be repeated in later requests (some initiators do), but not changed.
bool changed(const TextKeys& keys, std::string_view key, std::string_view known) {
    const auto value = keys.find(key);
    return value && *value != known;
}

}  // namespace

LoginMachine LoginMachine::restore(LoginState state, RandomSource random) {
    LoginMachine machine(random);
    machine.state_ = std::move(state);
    return machine;
}

LoginEvent LoginMachine::receive(const LoginRequestPdu& request, std::string_view data) {
    state_.request = request;
    if (state_.wait != LoginState::Wait::request)
        return fail(LoginStatus::initiator_error, "login request out of turn");
    if (auto failed = check_header(request)) return *failed;
    if (!state_.first_seen) begin(request);
    if (state_.answering) return continue_answer(data);
    if (auto failed = collect(data)) return *failed;
    if (request.more()) return respond(LoginEvent::need_more, 0, false, false);
    return complete_text();
}

LoginMachine::Failure LoginMachine::check_header(const LoginRequestPdu& request) {
    if (request.opcode_byte != 0x43)
        return fail(LoginStatus::initiator_error, "not an immediate Login Request");
    if (request.version_min > 0)
        return fail(LoginStatus::unsupported_version, "iSCSI version not supported");
    if (++state_.requests > max_login_requests)
        return fail(LoginStatus::initiator_error, "login takes too many requests");
    if (auto failed = check_stages(request)) return failed;
    if (state_.first_seen) return check_unchanged(request);
    if (request.tsih == 0 && all_zero(request.isid))
        return fail(LoginStatus::missing_parameter, "ISID and TSIH are both zero");
    return std::nullopt;
}

LoginMachine::Failure LoginMachine::check_stages(const LoginRequestPdu& request) {
    const uint8_t current = request.current_stage();
    if (current > 1) return fail(LoginStatus::initiator_error, "no such login stage");
    if (state_.first_seen && current != static_cast<uint8_t>(state_.stage))
        return fail(LoginStatus::initiator_error, "login request in the wrong stage");
    if (!request.transit()) return std::nullopt;
    if (request.more())
        return fail(LoginStatus::initiator_error, "both T and C bit are set");  // 11.12.2
    if (!valid_transit(current, request.next_stage()))
        return fail(LoginStatus::initiator_error, "no such transition of login stages");
    return std::nullopt;
}

// 6.1 and 11.12: identity and sequence of a login stay the same in all its requests.
LoginMachine::Failure LoginMachine::check_unchanged(const LoginRequestPdu& request) {
    const LoginRequestPdu& first = state_.first;
    const bool same = std::equal(std::begin(first.isid), std::end(first.isid), request.isid) &&
                      first.tsih.get() == request.tsih.get() &&
                      first.cid.get() == request.cid.get() &&
                      first.initiator_task_tag.get() == request.initiator_task_tag.get();
    if (!same)
        return fail(LoginStatus::initiator_error, "ISID, TSIH, CID or task tag changed in login");
    // In a session that runs, its other connections move CmdSN on.
    if (first.tsih == 0 && first.cmd_sn.get() != request.cmd_sn.get())
        return fail(LoginStatus::initiator_error, "CmdSN changed in login");
    return std::nullopt;
}

void LoginMachine::begin(const LoginRequestPdu& request) {
    state_.first_seen = true;
    state_.first = request;
    state_.stage = static_cast<LoginStage>(request.current_stage());
    state_.stat_sn = request.exp_stat_sn;
    std::copy(std::begin(request.isid), std::end(request.isid), state_.query.isid.begin());
    state_.query.tsih = request.tsih;
    state_.query.cid = request.cid;
}

LoginMachine::Failure LoginMachine::collect(std::string_view data) {
    if (state_.text.size() + data.size() > max_login_text)
        return fail(LoginStatus::initiator_error, "login text is too long");
    state_.text.append(data);
    return std::nullopt;
}

LoginEvent LoginMachine::complete_text() {
    const auto keys = TextKeys::parse(state_.text);
    if (!keys) {
        return fail(LoginStatus::initiator_error,
                    "login text: " + std::string(text_error_name(keys.error())));
    }
    if (!state_.introduced) return introduce(*keys);
    if (auto failed = check_names(*keys)) return *failed;
    return negotiate(*keys);
}

// 11.12 and 13: what the first request has to say.
LoginEvent LoginMachine::introduce(const TextKeys& keys) {
    LoginQuery& query = state_.query;
    const auto initiator = keys.find("InitiatorName");
    if (!initiator) return fail(LoginStatus::missing_parameter, "InitiatorName is missing");
    if (!valid_iscsi_name(*initiator))
        return fail(LoginStatus::initiator_error, "InitiatorName is malformed");
    const std::string_view type = keys.find("SessionType").value_or("Normal");
    if (type != "Normal" && type != "Discovery")
        return fail(LoginStatus::session_type_not_supported, "unknown SessionType");
    query.discovery = type == "Discovery";
    const auto target = keys.find("TargetName");
    if (!query.discovery && !target)
        return fail(LoginStatus::missing_parameter, "TargetName is missing");
    if (target && !valid_iscsi_name(*target))
        return fail(LoginStatus::initiator_error, "TargetName is malformed");
    query.initiator_name = *initiator;
    query.initiator_alias = keys.find("InitiatorAlias").value_or("");
    if (target) query.target_name = *target;
    state_.introduced = true;
    state_.wait = LoginState::Wait::policy;
    return LoginEvent::need_policy;
}

LoginMachine::Failure LoginMachine::check_names(const TextKeys& keys) {
    const LoginQuery& query = state_.query;
    if (changed(keys, "InitiatorName", query.initiator_name) ||
        changed(keys, "TargetName", query.target_name) ||
        changed(keys, "SessionType", query.discovery ? "Discovery" : "Normal"))
        return fail(LoginStatus::initiator_error, "a name or the SessionType changed in login");
    return std::nullopt;
}

LoginEvent LoginMachine::provide_policy(LoginPolicy policy) {
    if (state_.wait != LoginState::Wait::policy)
        return fail(LoginStatus::target_error, "login policy out of turn");
    state_.wait = LoginState::Wait::request;
    state_.policy = std::move(policy);
    if (state_.policy.status != LoginStatus::success) {
        const LoginEvent event = fail(state_.policy.status, state_.policy.reason);
        if (!state_.policy.target_address.empty()) {  // 11.13.5: where the target has moved to
            TextBuilder out;
            out.add("TargetAddress", state_.policy.target_address);
            response_text_ = out.take();
            response_.data_segment_length = static_cast<uint32_t>(response_text_.size());
        }
        return event;
    }
    NegotiationContext context;
    context.discovery = state_.query.discovery;
    context.leading = state_.query.tsih == 0;
    context.rdma = state_.policy.rdma;
    context.digests_allowed = state_.policy.digests_allowed;
    state_.negotiation = Negotiation(state_.policy.parameters, context);
    state_.authenticated = state_.policy.incoming.empty();
    return complete_text();
}

LoginEvent LoginMachine::negotiate(const TextKeys& keys) {
    TextBuilder out;
    if (!state_.declared_tag)
        out.add_number("TargetPortalGroupTag", state_.policy.portal_group_tag);
    state_.declared_tag = true;
    if (auto failed = run_stage(keys, out)) return *failed;
    state_.transit = false;
    if (state_.request.transit())
        if (auto failed = agree_transit(out)) return *failed;
    state_.text.clear();
    state_.answer = out.take();
    return flush();
}

LoginMachine::Failure LoginMachine::run_stage(const TextKeys& keys, TextBuilder& out) {
    if (state_.stage == LoginStage::security) {
        if (auto failed = security(keys, out)) return failed;
    } else if (!state_.authenticated) {
        return fail(LoginStatus::authentication_failure,
                    "authentication is needed, the initiator skipped the security stage");
    } else if (keys.has("AuthMethod") || keys.has("CHAP_A") || keys.has("CHAP_N")) {
        return fail(LoginStatus::initiator_error, "security keys in the operational stage");
    }
    if (auto problem = state_.negotiation.process(keys, state_.stage, out))
        return fail(LoginStatus::initiator_error, *problem);
    if (state_.stage == LoginStage::operational) state_.negotiation.declare(out);
    return std::nullopt;
}

LoginMachine::Failure LoginMachine::security(const TextKeys& keys, TextBuilder& out) {
    const bool chap_keys = keys.has("CHAP_A") || keys.has("CHAP_N") || keys.has("CHAP_R") ||
                           keys.has("CHAP_I") || keys.has("CHAP_C");
    if (const auto offered = keys.find("AuthMethod")) {
        if (auto failed = choose_auth(*offered, out)) return failed;
        if (!chap_keys) return std::nullopt;  // CHAP_A may come along or with the next request
    }
    if (chap_keys && !state_.chap)
        return fail(LoginStatus::initiator_error, "CHAP keys without AuthMethod=CHAP");
    if (state_.chap && (chap_keys || !state_.authenticated)) return run_chap(keys, out);
    return std::nullopt;
}

// 12.1: the first method of the initiator's list that the policy allows. Without accounts that is
// None alone, with accounts CHAP alone.
LoginMachine::Failure LoginMachine::choose_auth(std::string_view offered, TextBuilder& out) {
    if (state_.auth_chosen)
        return fail(LoginStatus::initiator_error, "AuthMethod negotiated twice");
    state_.auth_chosen = true;
    state_.chap = !state_.policy.incoming.empty();
    const std::string_view wanted = state_.chap ? "CHAP" : "None";
    ListReader list(offered);
    while (auto item = list.next()) {
        if (*item != wanted) continue;
        out.add("AuthMethod", wanted);
        return std::nullopt;
    }
    return fail(
        LoginStatus::authentication_failure,
        "AuthMethod " + std::string(wanted) + " is needed, offered: " + std::string(offered));
}

LoginMachine::Failure LoginMachine::run_chap(const TextKeys& keys, TextBuilder& out) {
    const ChapAccount* outgoing = state_.policy.outgoing ? &*state_.policy.outgoing : nullptr;
    switch (state_.chap_exchange.step(keys, state_.policy.incoming, outgoing, random_, out)) {
        case ChapResult::more:
            return std::nullopt;
        case ChapResult::done:
            state_.authenticated = true;
            return std::nullopt;
        case ChapResult::failed:
            return fail(LoginStatus::authentication_failure, state_.chap_exchange.why());
        case ChapResult::violation:
            break;
    }
    return fail(LoginStatus::initiator_error, state_.chap_exchange.why());
}

// The initiator wants to leave the stage: agrees when nothing is missing (6.1).
LoginMachine::Failure LoginMachine::agree_transit(TextBuilder& out) {
    if (!state_.authenticated) {
        if (state_.chap) return std::nullopt;  // not yet: the answer has T = 0
        return fail(LoginStatus::authentication_failure,
                    "authentication is needed, the initiator offered none");
    }
    const auto next = static_cast<LoginStage>(state_.request.next_stage());
    if (state_.stage == LoginStage::operational) {
        state_.negotiation.withdraw_offers();
        state_.negotiation.offer(out);
        if (state_.negotiation.waiting()) return std::nullopt;
    }
    if (next == LoginStage::full_feature) {
        state_.negotiation.declare(out);
        if (auto problem = state_.negotiation.finish())
            return fail(LoginStatus::initiator_error, *problem);
    }
    state_.next_stage = next;
    state_.transit = true;
    return std::nullopt;
}

// A request while a long answer goes out in pieces: empty, it only asks for the next one (6.2).
LoginEvent LoginMachine::continue_answer(std::string_view data) {
    if (!data.empty() || state_.request.more())
        return fail(LoginStatus::initiator_error, "text while the target's answer goes on");
    return flush();
}

// Sends what fits of the answer; with the last piece goes the transition.
LoginEvent LoginMachine::flush() {
    const size_t limit = std::min(result().send_limit, standard_max_recv);
    state_.answering = state_.answer.size() > limit;
    if (state_.answering) return respond(LoginEvent::send_response, limit, true, false);
    state_.transit = state_.transit && state_.request.transit();
    const bool last = state_.transit && state_.next_stage == LoginStage::full_feature;
    if (last && !state_.grant) {
        state_.wait = LoginState::Wait::session;
        return LoginEvent::need_session;
    }
    const size_t length = state_.answer.size();
    if (!last) return respond(LoginEvent::send_response, length, false, state_.transit);
    respond(LoginEvent::established, length, false, true);
    state_.wait = LoginState::Wait::ended;
    return LoginEvent::established;
}

LoginEvent LoginMachine::provide_session(SessionGrant grant) {
    if (state_.wait != LoginState::Wait::session)
        return fail(LoginStatus::target_error, "session out of turn");
    if (grant.status != LoginStatus::success) return fail(grant.status, std::move(grant.reason));
    if (grant.tsih == 0) return fail(LoginStatus::target_error, "a session without a TSIH");
    state_.grant = std::move(grant);
    return flush();
}

LoginResponsePdu LoginMachine::response_header() {
    const LoginRequestPdu& request = state_.request;
    LoginResponsePdu response;
    std::copy(std::begin(request.isid), std::end(request.isid), response.isid);
    response.tsih = request.tsih;
    response.initiator_task_tag = request.initiator_task_tag;
    response.stat_sn = state_.stat_sn++;
    const uint32_t first = state_.first_seen ? state_.first.cmd_sn : request.cmd_sn;
    const uint32_t window = state_.policy.parameters.get(ParamId::max_queue_cmd);
    response.exp_cmd_sn = first;
    response.max_cmd_sn = first + window - 1;
    if (!state_.grant) return response;
    response.tsih = state_.grant->tsih;
    if (state_.grant->exp_cmd_sn) {
        response.exp_cmd_sn = *state_.grant->exp_cmd_sn;
        response.max_cmd_sn = *state_.grant->exp_cmd_sn + window - 1;
    }
    if (state_.grant->max_cmd_sn) response.max_cmd_sn = *state_.grant->max_cmd_sn;
    return response;
}

LoginEvent LoginMachine::respond(LoginEvent event, size_t length, bool more, bool transit) {
    response_ = response_header();
    wire::LoginCurrentStage::set(response_.flags, static_cast<unsigned>(state_.stage));
    wire::TextContinue::set(response_.flags, more ? 1 : 0);
    if (transit) {
        wire::LoginTransit::set(response_.flags, 1);
        wire::LoginNextStage::set(response_.flags, static_cast<unsigned>(state_.next_stage));
        state_.stage = state_.next_stage;
    }
    response_text_ = state_.answer.substr(0, length);
    state_.answer.erase(0, length);
    response_.data_segment_length = static_cast<uint32_t>(response_text_.size());
    return event;
}

LoginEvent LoginMachine::fail(LoginStatus status, std::string why) {
    state_.wait = LoginState::Wait::ended;
    state_.status = status;
    state_.why = std::move(why);
    state_.answer.clear();
    state_.text.clear();
    if (!state_.first_seen) state_.stat_sn = state_.request.exp_stat_sn;
    response_ = response_header();
    response_.status = static_cast<uint16_t>(status);
    response_text_.clear();
    return LoginEvent::failed;
}

}  // namespace tgt::iscsi
