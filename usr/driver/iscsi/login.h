// SPDX-License-Identifier: GPL-2.0-or-later
// The login phase of one connection (RFC 7143 chapter 6 and sections 11.12, 11.13), target side,
// without I/O and without knowing the transport.
//
//   receive(request) --> need_more        the request had the C bit: send response(), read the next
//   one
//                    --> send_response    send response(), read the next request
//                    --> need_policy      who is this?  look at query(), call provide_policy(), at
//                    once or later
//                    --> need_session     all agreed: look at query() and result(), call
//                    provide_session()
//                    --> established      send response(), then the connection is in full feature
//                    phase
//                    --> failed           send response(), then close; status() and why() are for
//                    the log
//
// provide_policy() and provide_session() return the next event in the same way.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/iscsi/chap.h"
#include "driver/iscsi/negotiation.h"
#include "driver/iscsi/parameters.h"
#include "driver/iscsi/text.h"
#include "wire/iscsi.h"

namespace tgt::iscsi {

constexpr size_t max_login_text =
    65536;  // of one negotiation sequence (requests joined by the C bit)
constexpr unsigned max_login_requests = 128;

enum class LoginEvent : uint8_t {
    need_more,
    send_response,
    need_policy,
    need_session,
    established,
    failed,
};

// Who wants in, and where: known from the first request on.
struct LoginQuery {
    std::string initiator_name;
    std::string initiator_alias;
    std::string target_name;  // empty in a discovery session
    bool discovery = false;
    std::array<uint8_t, 6> isid{};
    uint16_t tsih = 0;  // 0: a new session (or reinstatement); else the session to join
    uint16_t cid = 0;
};

// What the registry says about a LoginQuery.
struct LoginPolicy {
    // Anything but success refuses: 0x0101/0x0102 with target_address ("addr:port[,tag]"), 0x0203,
    // 0x0300...
    wire::LoginStatus status = wire::LoginStatus::success;
    std::string target_address;
    std::string reason;  // for the log

    uint16_t portal_group_tag = 1;
    Parameters parameters;              // the target's; for discovery those of a new target
    std::vector<ChapAccount> incoming;  // not empty: CHAP is needed
    std::optional<ChapAccount> outgoing;
    bool rdma = false;            // iSER transport: RDMAExtensions may be agreed
    bool digests_allowed = true;  // false on iSER
};

// The session layer's answer to need_session.
struct SessionGrant {
    wire::LoginStatus status =
        wire::LoginStatus::success;  // else refused: 0x020a, 0x0206, 0x0300, 0x0302...
    std::string reason;              // for the log
    uint16_t tsih = 0;               // never 0 on success
    // For a connection that joins a session: the session's counters. Else the request's CmdSN
    // begins it.
    std::optional<uint32_t> exp_cmd_sn;
    std::optional<uint32_t> max_cmd_sn;
};

// Everything a login knows, as plain data: copying it is the snapshot. A response that was made but
// not sent yet is not part of it: snapshot after sending, or while a policy or session is awaited.
struct LoginState {
    enum class Wait : uint8_t { request, policy, session, ended };
    Wait wait = Wait::request;
    bool first_seen = false;
    bool introduced = false;    // the names are known
    bool declared_tag = false;  // TargetPortalGroupTag has been sent
    bool auth_chosen = false;   // AuthMethod has been answered
    bool chap = false;          // with CHAP
    bool authenticated = false;
    bool transit = false;  // the pending response agrees to go to next_stage
    wire::LoginStage stage = wire::LoginStage::security;
    wire::LoginStage next_stage = wire::LoginStage::security;
    wire::LoginRequestPdu first;    // for the fields that must not change
    wire::LoginRequestPdu request;  // the one being answered
    std::string text;               // collected from the requests so far
    std::string answer;             // not sent yet
    bool answering = false;         // `answer` goes out in several responses
    unsigned requests = 0;
    uint32_t stat_sn = 0;
    LoginQuery query;
    LoginPolicy policy;
    Negotiation negotiation;
    ChapExchange chap_exchange;
    std::optional<SessionGrant> grant;
    wire::LoginStatus status = wire::LoginStatus::success;
    std::string why;
};

// One connection's login. Movable and copyable; one thread at a time. Ends with established or
// failed.
class LoginMachine {
  public:
    explicit LoginMachine(RandomSource random = system_random) : random_(random) {}
    static LoginMachine restore(LoginState state, RandomSource random = system_random);
    const LoginState& snapshot() const { return state_; }

    // `data` is the data segment of the request. Not to be called while a policy or session is
    // awaited.
    LoginEvent receive(const wire::LoginRequestPdu& request, std::string_view data);
    LoginEvent provide_policy(LoginPolicy policy);
    LoginEvent provide_session(SessionGrant grant);

    // Valid after every event except need_policy and need_session. DataSegmentLength is filled in.
    const wire::LoginResponsePdu& response() const { return response_; }
    const std::string& response_text() const { return response_text_; }

    const LoginQuery& query() const { return state_.query; }
    const NegotiatedParameters& result() const { return state_.negotiation.result(); }
    const std::string& user() const { return state_.chap_exchange.user(); }  // CHAP name, or empty
    wire::LoginStatus status() const { return state_.status; }
    const std::string& why() const { return state_.why; }

    // Counters for the full feature phase, once established: the next StatSN to use, and the first
    // CmdSN.
    uint32_t next_stat_sn() const { return state_.stat_sn; }
    uint32_t first_cmd_sn() const { return state_.first.cmd_sn; }

  private:
    using Failure = std::optional<LoginEvent>;  // nullopt: go on
    Failure check_header(const wire::LoginRequestPdu& request);
    Failure check_stages(const wire::LoginRequestPdu& request);
    Failure check_unchanged(const wire::LoginRequestPdu& request);
    Failure check_names(const TextKeys& keys);
    Failure collect(std::string_view data);
    void begin(const wire::LoginRequestPdu& request);
    LoginEvent introduce(const TextKeys& keys);
    LoginEvent complete_text();
    LoginEvent negotiate(const TextKeys& keys);
    Failure run_stage(const TextKeys& keys, TextBuilder& out);
    Failure security(const TextKeys& keys, TextBuilder& out);
    Failure choose_auth(std::string_view offered, TextBuilder& out);
    Failure run_chap(const TextKeys& keys, TextBuilder& out);
    Failure agree_transit(TextBuilder& out);
    LoginEvent continue_answer(std::string_view data);
    LoginEvent flush();
    LoginEvent respond(LoginEvent event, size_t length, bool more, bool transit);
    LoginEvent fail(wire::LoginStatus status, std::string why);
    wire::LoginResponsePdu response_header();

    LoginState state_;
    RandomSource random_;
    wire::LoginResponsePdu response_;
    std::string response_text_;
};

}  // namespace tgt::iscsi
