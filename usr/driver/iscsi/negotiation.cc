// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/negotiation.h"

#include <algorithm>

namespace tgt::iscsi {

namespace {

using wire::LoginStage;

constexpr std::string_view reject = "Reject";
constexpr std::string_view irrelevant = "Irrelevant";
constexpr std::string_view not_understood = "NotUnderstood";

constexpr std::string_view reserved_keys[] = {
    "AuthMethod",    "InitiatorName", "InitiatorAlias",       "TargetName",  "TargetAlias",
    "TargetAddress", "SessionType",   "TargetPortalGroupTag", "SendTargets",
};

bool is_reserved_value(std::string_view value) {
    return value == reject || value == irrelevant || value == not_understood;
}

uint64_t bit_of(const ParamRow& row) {
    return uint64_t{1} << static_cast<unsigned>(row.id);
}

std::optional<uint32_t> parse_value(const ParamRow& row, std::string_view value) {
    if (row.type == ParamType::boolean) return parse_bool(value);
    const auto parsed = parse_number(value);
    if (!parsed || *parsed < row.min || *parsed > row.max) return std::nullopt;
    return static_cast<uint32_t>(*parsed);
}

uint32_t digest_bit(std::string_view name) {
    return name == "None" ? digest_none : name == "CRC32C" ? digest_crc32c : 0;
}

// The first digest of the initiator's list that is in `mask`.
uint32_t first_digest(std::string_view list, uint32_t mask) {
    ListReader reader(list);
    while (auto item = reader.next())
        if ((digest_bit(*item) & mask) != 0) return digest_bit(*item);
    return 0;
}

uint32_t combine(ParamRule rule, uint32_t theirs, uint32_t ours) {
    switch (rule) {
        case ParamRule::minimum:
            return std::min(theirs, ours);
        case ParamRule::maximum:
            return std::max(theirs, ours);
        case ParamRule::logical_and:
            return theirs & ours;
        case ParamRule::logical_or:
            return theirs | ours;
        default:
            return theirs;
    }
}

std::string violation(const ParamRow& row, std::string_view what) {
    return std::string(row.name) + " " + std::string(what);
}

}  // namespace

// What goes back, and the value it puts in force, if any.
struct Negotiation::Answer {
    std::string text;
    std::optional<uint32_t> value;
};

bool is_reserved_key(std::string_view key) {
    if (key.substr(0, 5) == "CHAP_") return true;
    return std::find(std::begin(reserved_keys), std::end(reserved_keys), key) !=
           std::end(reserved_keys);
}

// What is never on the wire is in force as the target has it.
Negotiation::Negotiation(const Parameters& target, const NegotiationContext& context)
    : target_(target), context_(context) {
    for (const ParamRow& row : param_table())
        if (row.rule == ParamRule::local) result_.values.set(row.id, target.get(row.id));
}

std::optional<std::string> Negotiation::process(const TextKeys& keys, LoginStage stage,
                                                TextBuilder& out) {
    // MaxBurstLength first, wherever it stands: it bounds the answer to FirstBurstLength (13.14).
    constexpr std::string_view first = "MaxBurstLength";
    for (const bool is_first : {true, false}) {
        for (const KeyValue& pair : keys) {
            if ((pair.key == first) != is_first) continue;
            if (auto problem = one(pair, stage, out)) return problem;
        }
    }
    return std::nullopt;
}

std::optional<std::string> Negotiation::one(const KeyValue& pair, LoginStage stage,
                                            TextBuilder& out) {
    if (is_reserved_key(pair.key)) return std::nullopt;
    const ParamRow* row = find_wire_param(pair.key);
    if (row == nullptr) return other_key(pair, out);
    return parameter(*row, pair.value, stage, out);
}

// Keys without a row. NotUnderstood is an answer to us then, and answers are not answered (6.2).
std::optional<std::string> Negotiation::other_key(const KeyValue& pair, TextBuilder& out) {
    if (is_reserved_value(pair.value)) return std::nullopt;
    if (pair.key != "TaskReporting") {
        out.add(pair.key, not_understood);
        return std::nullopt;
    }
    // 13.23: of the three behaviours ours is the one of RFC 3720.
    if (task_reporting_seen_) return "TaskReporting negotiated twice";
    task_reporting_seen_ = true;
    ListReader list(pair.value);
    std::string_view answer = context_.discovery ? irrelevant : reject;
    while (auto item = list.next())
        if (!context_.discovery && *item == "RFC3720") answer = *item;
    out.add(pair.key, answer);
    return std::nullopt;
}

std::optional<std::string> Negotiation::parameter(const ParamRow& row, std::string_view value,
                                                  LoginStage stage, TextBuilder& out) {
    if ((waiting_ & bit_of(row)) != 0) return reply_to_offer(row, value);
    if (is_reserved_value(value)) {
        // An answer to what we declared needs none; as an offer the reserved values are illegal
        // (6.2).
        if ((offered_ & bit_of(row)) != 0) return std::nullopt;
        return violation(row, "offered with the value of an answer");
    }
    // Operational keys have no place in the security stage, nor later than login (13, "Use").
    if (stage != LoginStage::operational && (row.use & use_full_feature) == 0) {
        if (row.rule != ParamRule::declare) out.add(row.name, reject);
        return std::nullopt;
    }
    const bool again = stage == LoginStage::full_feature;
    if ((seen_ & bit_of(row)) != 0 && !again) return violation(row, "negotiated twice");  // 6.3
    seen_ |= bit_of(row);
    const Answer answer = decide(row, value);
    if (answer.value) result_.values.set(row.id, *answer.value);
    if (answer.value && row.id == ParamId::max_recv_data_segment_length) {
        result_.send_limit = *answer.value;
        if (target_.is_set(ParamId::max_xmit_data_segment_length))
            result_.send_limit =
                std::min(result_.send_limit, target_.get(ParamId::max_xmit_data_segment_length));
    }
    if (!answer.text.empty()) out.add(row.name, answer.text);
    return std::nullopt;
}

Negotiation::Answer Negotiation::decide(const ParamRow& row, std::string_view value) const {
    const bool declared = row.rule == ParamRule::declare;
    const bool out_of_place = (context_.discovery && (row.use & use_normal_only) != 0) ||
                              (!context_.leading && (row.use & use_session) != 0) ||
                              (!context_.rdma && (row.use & use_iser) != 0);
    if (out_of_place) return {declared ? "" : std::string(irrelevant), std::nullopt};
    if (row.rule == ParamRule::refuse) return {std::string(reject), std::nullopt};
    if (row.rule == ParamRule::choose) return choose(row, value);
    const auto theirs = parse_value(row, value);
    if (!theirs) return {std::string(reject), std::nullopt};
    if (declared) return {"", theirs};
    const uint32_t agreed = combine(row.rule, *theirs, our_value(row));
    return {param_text(row, agreed), agreed};
}

// 6.2.1: the first of the list that we support. A target set to CRC32C alone still takes None when
// nothing else is offered, as tgt does.
Negotiation::Answer Negotiation::choose(const ParamRow& row, std::string_view list) const {
    uint32_t agreed = first_digest(list, our_value(row));
    if (agreed == 0) agreed = first_digest(list, digest_none);
    if (agreed == 0) return {std::string(reject), std::nullopt};
    return {param_text(row, agreed), agreed};
}

// The target's side of a negotiation, with what this connection cannot do taken out of it.
uint32_t Negotiation::our_value(const ParamRow& row) const {
    const uint32_t value = target_.get(row.id);
    switch (row.id) {
        case ParamId::header_digest:
        case ParamId::data_digest:
            return context_.digests_allowed ? value : digest_none;
        case ParamId::rdma_extensions:
            return context_.rdma ? value : 0;
        case ParamId::if_marker:  // 13.25: markers are gone; "No" is the allowed answer
        case ParamId::of_marker:
        case ParamId::error_recovery_level:  // the setting is accepted, recovery above 0 is not
                                             // there
            return 0;
        case ParamId::first_burst_length: {
            const uint32_t burst = (seen_ & bit_of(param_row(ParamId::max_burst_length))) != 0
                                       ? result_.values.get(ParamId::max_burst_length)
                                       : target_.get(ParamId::max_burst_length);
            return std::min(value, burst);
        }
        default:
            return value;
    }
}

std::optional<std::string> Negotiation::reply_to_offer(const ParamRow& row,
                                                       std::string_view value) {
    waiting_ &= ~bit_of(row);
    seen_ |= bit_of(row);
    if (is_reserved_value(value)) return std::nullopt;  // the standard's value stays
    const auto theirs = parse_value(row, value);
    if (!theirs) return violation(row, "answered with '" + std::string(value) + "'");
    const uint32_t ours = our_value(row);
    // The answer is the result already; one that our offer does not allow is no result (6.2.2).
    if (combine(row.rule, *theirs, ours) != *theirs)
        return violation(row, "answered with more than was offered");
    result_.values.set(row.id, *theirs);
    return std::nullopt;
}

void Negotiation::declare(TextBuilder& out) {
    const ParamRow& row = param_row(ParamId::max_recv_data_segment_length);
    if ((offered_ & bit_of(row)) != 0) return;
    offered_ |= bit_of(row);
    result_.receive_limit = target_.declared_max_recv();
    out.add_number(row.name, result_.receive_limit);
}

bool Negotiation::must_offer(const ParamRow& row) const {
    if (((seen_ | offered_) & bit_of(row)) != 0 || (row.use & use_iser) != 0) return false;
    if ((row.use & use_session) != 0 && !context_.leading) return false;
    if ((row.use & use_normal_only) != 0 && context_.discovery) return false;
    // FirstBurstLength is not offered only because the initiator chose a small MaxBurstLength: that
    // it keeps below is the initiator's own duty.
    const uint32_t ours =
        row.id == ParamId::first_burst_length ? target_.get(row.id) : our_value(row);
    if (row.rule == ParamRule::minimum) return ours < row.standard;
    if (row.rule == ParamRule::maximum) return ours > row.standard;
    return row.rule == ParamRule::logical_and && ours == 0 && row.standard == 1;
}

void Negotiation::offer(TextBuilder& out) {
    for (const ParamRow& row : param_table()) {
        if (!must_offer(row)) continue;
        offered_ |= bit_of(row);
        waiting_ |= bit_of(row);
        out.add(row.name, param_text(row, our_value(row)));
    }
}

std::optional<std::string> Negotiation::finish() {
    const uint32_t burst = result_.values.get(ParamId::max_burst_length);
    if (result_.values.get(ParamId::first_burst_length) <= burst) return std::nullopt;
    const ParamRow& row = param_row(ParamId::first_burst_length);
    if ((seen_ & bit_of(row)) != 0) return violation(row, "exceeds MaxBurstLength");  // 13.14
    result_.values.set(row.id, burst);  // only the default did
    return std::nullopt;
}

}  // namespace tgt::iscsi
