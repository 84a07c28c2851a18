// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/iscsi.h"

#include <algorithm>

namespace tgt::wire {

namespace {

template <class Key>
struct Name {
    Key key;
    std::string_view text;
};

constexpr Name<Opcode> opcode_names[] = {
    {Opcode::nop_out, "NOP-Out"},
    {Opcode::scsi_command, "SCSI Command"},
    {Opcode::task_management_request, "Task Management Request"},
    {Opcode::login_request, "Login Request"},
    {Opcode::text_request, "Text Request"},
    {Opcode::data_out, "Data-Out"},
    {Opcode::logout_request, "Logout Request"},
    {Opcode::snack_request, "SNACK Request"},
    {Opcode::nop_in, "NOP-In"},
    {Opcode::scsi_response, "SCSI Response"},
    {Opcode::task_management_response, "Task Management Response"},
    {Opcode::login_response, "Login Response"},
    {Opcode::text_response, "Text Response"},
    {Opcode::data_in, "Data-In"},
    {Opcode::logout_response, "Logout Response"},
    {Opcode::r2t, "R2T"},
    {Opcode::async_message, "Asynchronous Message"},
    {Opcode::reject, "Reject"},
};

constexpr Name<LoginStatus> login_status_texts[] = {
    {LoginStatus::success, "success"},
    {LoginStatus::moved_temporarily, "target moved temporarily"},
    {LoginStatus::moved_permanently, "target moved permanently"},
    {LoginStatus::initiator_error, "initiator error"},
    {LoginStatus::authentication_failure, "authentication failure"},
    {LoginStatus::authorization_failure, "authorization failure"},
    {LoginStatus::not_found, "not found"},
    {LoginStatus::target_removed, "target removed"},
    {LoginStatus::unsupported_version, "unsupported version"},
    {LoginStatus::too_many_connections, "too many connections"},
    {LoginStatus::missing_parameter, "missing parameter"},
    {LoginStatus::cannot_include_in_session, "can't include in session"},
    {LoginStatus::session_type_not_supported, "session type not supported"},
    {LoginStatus::session_does_not_exist, "session does not exist"},
    {LoginStatus::invalid_during_login, "invalid request during login"},
    {LoginStatus::target_error, "target error"},
    {LoginStatus::service_unavailable, "service unavailable"},
    {LoginStatus::out_of_resources, "out of resources"},
};

constexpr Name<RejectReason> reject_reason_texts[] = {
    {RejectReason::data_digest_error, "data digest error"},
    {RejectReason::snack_reject, "SNACK reject"},
    {RejectReason::protocol_error, "protocol error"},
    {RejectReason::command_not_supported, "command not supported"},
    {RejectReason::immediate_command_reject, "immediate command reject"},
    {RejectReason::task_in_progress, "task in progress"},
    {RejectReason::invalid_data_ack, "invalid data ACK"},
    {RejectReason::invalid_pdu_field, "invalid PDU field"},
    {RejectReason::long_operation_reject, "long operation reject"},
    {RejectReason::negotiation_reset, "negotiation reset"},
    {RejectReason::waiting_for_logout, "waiting for logout"},
};

template <class Key, size_t N>
std::string_view look_up(const Name<Key> (&names)[N], Key key, std::string_view otherwise) {
    for (const Name<Key>& name : names)
        if (name.key == key) return name.text;
    return otherwise;
}

// An AHS is AHSLength (2), AHSType (1) and AHSLength bytes, padded to a multiple of four
// (11.2.2.1).
constexpr size_t ahs_fixed = 3;
constexpr size_t bidirectional_ahs_length =
    5;  // one reserved byte and the 32-bit length (11.2.2.4)

std::optional<AhsError> decode_one(AhsType type, std::span<const uint8_t> body, AhsFields& out) {
    if (type == AhsType::extended_cdb) {
        // Byte 0 is reserved; AHSLength is CDBLength - 15 (11.2.2.3), so at least one CDB byte
        // follows.
        if (body.size() < 2) return AhsError::bad_length;
        if (!out.extended_cdb.empty()) return AhsError::duplicate;
        out.extended_cdb = body.subspan(1);
        return std::nullopt;
    }
    if (type == AhsType::bidirectional_read_length) {
        if (body.size() != bidirectional_ahs_length) return AhsError::bad_length;
        if (out.bidirectional_read_length) return AhsError::duplicate;
        out.bidirectional_read_length = load_be<4>(body.data() + 1);
        return std::nullopt;
    }
    return AhsError::unknown_type;
}

}  // namespace

std::string_view opcode_name(Opcode opcode) {
    return look_up(opcode_names, opcode, "unknown PDU");
}
std::string_view login_status_text(LoginStatus status) {
    return look_up(login_status_texts, status, "unknown status");
}
std::string_view reject_reason_text(RejectReason reason) {
    return look_up(reject_reason_texts, reason, "unknown reason");
}

tl::expected<AhsFields, AhsError> decode_ahs(std::span<const uint8_t> bytes) {
    AhsFields fields;
    while (!bytes.empty()) {
        if (bytes.size() < ahs_fixed) return tl::unexpected(AhsError::truncated);
        const size_t length = load_be<2>(bytes.data());
        const size_t whole = ahs_fixed + length;
        if (whole > bytes.size()) return tl::unexpected(AhsError::truncated);
        const auto type = static_cast<AhsType>(bytes[2]);
        if (auto error = decode_one(type, bytes.subspan(ahs_fixed, length), fields))
            return tl::unexpected(*error);
        bytes = bytes.subspan(std::min(whole + padding(whole), bytes.size()));
    }
    return fields;
}

size_t encode_ahs(const AhsFields& fields, std::span<uint8_t> out) {
    const size_t cdb = fields.extended_cdb.size();
    const size_t cdb_whole = cdb == 0 ? 0 : ahs_fixed + 1 + cdb + padding(cdb);
    const size_t bidi_whole = fields.bidirectional_read_length ? 8 : 0;
    const size_t total = cdb_whole + bidi_whole;
    if (total > out.size() || total > max_ahs_size) return 0;
    std::fill_n(out.begin(), total, uint8_t{0});
    if (cdb_whole != 0) {
        store_be<2>(out.data(), static_cast<uint16_t>(cdb + 1));
        out[2] = static_cast<uint8_t>(AhsType::extended_cdb);
        std::copy(fields.extended_cdb.begin(), fields.extended_cdb.end(), out.begin() + 4);
    }
    if (bidi_whole != 0) {
        uint8_t* ahs = out.data() + cdb_whole;
        store_be<2>(ahs, static_cast<uint16_t>(bidirectional_ahs_length));
        ahs[2] = static_cast<uint8_t>(AhsType::bidirectional_read_length);
        store_be<4>(ahs + 4, *fields.bidirectional_read_length);
    }
    return total;
}

}  // namespace tgt::wire
