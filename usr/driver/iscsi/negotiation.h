// SPDX-License-Identifier: GPL-2.0-or-later
// The negotiation of operational keys (RFC 7143 chapters 6 and 13): reads the initiator's pairs,
// writes the answers and the target's own offers, keeps the results. Knows no PDU.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "driver/iscsi/parameters.h"
#include "driver/iscsi/text.h"
#include "wire/iscsi.h"

namespace tgt::iscsi {

// What the negotiation depends on besides the two sides' values.
struct NegotiationContext {
    bool discovery = false;       // SessionType=Discovery
    bool leading = true;          // TSIH was 0: session-wide keys may be negotiated
    bool rdma = false;            // the transport can do iSER
    bool digests_allowed = true;  // false forces None (iSER runs without them)
};

// One connection's negotiation. Plain copyable data; used by the thread that owns the connection.
class Negotiation {
  public:
    Negotiation() = default;
    Negotiation(const Parameters& target, const NegotiationContext& context);

    // Handles every pair of `keys` that is an operational parameter in `stage` and appends the
    // answers to `out`; keys unknown to it are answered NotUnderstood. Keys of other layers (names,
    // AuthMethod, CHAP_*, SendTargets) are skipped. A value: the sentence for the log of a
    // violation that ends the login with 0x0200.
    std::optional<std::string> process(const TextKeys& keys, wire::LoginStage stage,
                                       TextBuilder& out);

    // Appends our MaxRecvDataSegmentLength, once.
    void declare(TextBuilder& out);
    // Appends, once each, the target's values that the initiator did not ask about and that the
    // standard's defaults would exceed. For the operational stage, when the initiator wants to
    // leave it.
    void offer(TextBuilder& out);
    // An offer waits for the initiator's answer: it gets one more request for it.
    bool waiting() const { return waiting_ != 0; }
    // The initiator had its request and said nothing to some offers, as simple ones do: the
    // standard's values stay in force.
    void withdraw_offers() { waiting_ = 0; }

    // Ends login: makes FirstBurstLength <= MaxBurstLength hold. A value: the violation.
    std::optional<std::string> finish();

    const NegotiatedParameters& result() const { return result_; }
    const NegotiationContext& context() const { return context_; }

  private:
    struct Answer;
    std::optional<std::string> one(const KeyValue& pair, wire::LoginStage stage, TextBuilder& out);
    std::optional<std::string> parameter(const ParamRow& row, std::string_view value,
                                         wire::LoginStage stage, TextBuilder& out);
    Answer decide(const ParamRow& row, std::string_view value) const;
    Answer choose(const ParamRow& row, std::string_view list) const;
    std::optional<std::string> reply_to_offer(const ParamRow& row, std::string_view value);
    bool must_offer(const ParamRow& row) const;
    uint32_t our_value(const ParamRow& row) const;
    std::optional<std::string> other_key(const KeyValue& pair, TextBuilder& out);

    Parameters target_;
    NegotiationContext context_;
    NegotiatedParameters result_;
    uint64_t seen_ = 0;     // rows that the initiator has sent
    uint64_t offered_ = 0;  // rows that the target has sent on its own
    uint64_t waiting_ = 0;  // of these: not answered yet
    bool task_reporting_seen_ = false;
};

// Keys that belong to login, security or discovery and are not operational parameters.
bool is_reserved_key(std::string_view key);

}  // namespace tgt::iscsi
