// SPDX-License-Identifier: GPL-2.0-or-later
// iSCSI protocol data units as RFC 7143 chapter 11 draws them: one 48-byte struct per opcode, the
// numbers that appear in them, and the codec of additional header segments. No I/O, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "wire/endian.h"

namespace tgt::wire {

constexpr size_t bhs_size = 48;
constexpr size_t digest_size = 4;
constexpr uint16_t iscsi_port = 3260;
constexpr uint32_t reserved_tag = 0xffffffffu;  // "no tag" in ITT, TTT, SNACK tag (11.2.1.8)
constexpr size_t max_ahs_size = 255 * 4;        // TotalAHSLength counts 4-byte words in one byte
constexpr uint32_t max_data_segment = (1u << 24) - 1;  // DataSegmentLength is three bytes

// Bytes that pad `length` to the next multiple of four (11.1).
constexpr size_t padding(size_t length) {
    return (4 - length % 4) % 4;
}

// --- numbers ----------------------------------------------------------------------------------

// 11.2.1.2
enum class Opcode : uint8_t {
    nop_out = 0x00,
    scsi_command = 0x01,
    task_management_request = 0x02,
    login_request = 0x03,
    text_request = 0x04,
    data_out = 0x05,
    logout_request = 0x06,
    snack_request = 0x10,
    nop_in = 0x20,
    scsi_response = 0x21,
    task_management_response = 0x22,
    login_response = 0x23,
    text_response = 0x24,
    data_in = 0x25,
    logout_response = 0x26,
    r2t = 0x31,
    async_message = 0x32,
    reject = 0x3f,
};
std::string_view opcode_name(Opcode opcode);

// 11.3.1: ATTR of a SCSI Command.
enum class TaskAttribute : uint8_t { untagged, simple, ordered, head_of_queue, aca };

// 11.4.3: Response of a SCSI Response.
enum class ScsiResponseCode : uint8_t { completed = 0x00, target_failure = 0x01 };

// 11.5.1
enum class TaskFunction : uint8_t {
    abort_task = 1,
    abort_task_set = 2,
    clear_aca = 3,
    clear_task_set = 4,
    logical_unit_reset = 5,
    target_warm_reset = 6,
    target_cold_reset = 7,
    task_reassign = 8,
    query_task = 9,          // RFC 7144
    query_task_set = 10,     // RFC 7144
    i_t_nexus_reset = 11,    // RFC 7144
    query_async_event = 12,  // RFC 7144
};

// 11.6.1
enum class TaskResponse : uint8_t {
    complete = 0,
    task_does_not_exist = 1,
    lun_does_not_exist = 2,
    task_still_allegiant = 3,
    reassignment_not_supported = 4,
    not_supported = 5,
    authorization_failed = 6,
    rejected = 255,
};

// 11.9.1
enum class AsyncEvent : uint8_t {
    scsi_sense = 0,
    logout_request = 1,
    connection_drop = 2,
    all_connections_drop = 3,
    renegotiate = 4,
    fast_abort = 5,
    vendor = 255,
};

// 11.12.3 and 11.13.3: CSG and NSG.
enum class LoginStage : uint8_t { security = 0, operational = 1, full_feature = 3 };

// 11.13.5: Status-Class << 8 | Status-Detail.
enum class LoginStatus : uint16_t {
    success = 0x0000,
    moved_temporarily = 0x0101,
    moved_permanently = 0x0102,
    initiator_error = 0x0200,
    authentication_failure = 0x0201,
    authorization_failure = 0x0202,
    not_found = 0x0203,
    target_removed = 0x0204,
    unsupported_version = 0x0205,
    too_many_connections = 0x0206,
    missing_parameter = 0x0207,
    cannot_include_in_session = 0x0208,
    session_type_not_supported = 0x0209,
    session_does_not_exist = 0x020a,
    invalid_during_login = 0x020b,
    target_error = 0x0300,
    service_unavailable = 0x0301,
    out_of_resources = 0x0302,
};
std::string_view login_status_text(LoginStatus status);

// 11.14.1
enum class LogoutReason : uint8_t {
    close_session = 0,
    close_connection = 1,
    remove_connection = 2
};

// 11.15.1
enum class LogoutResponseCode : uint8_t {
    success = 0,
    cid_not_found = 1,
    recovery_not_supported = 2,
    cleanup_failed = 3,
};

// 11.16.1
enum class SnackType : uint8_t { data_or_r2t = 0, status = 1, data_ack = 2, resegment = 3 };

// 11.17.1
enum class RejectReason : uint8_t {
    data_digest_error = 0x02,
    snack_reject = 0x03,
    protocol_error = 0x04,
    command_not_supported = 0x05,
    immediate_command_reject = 0x06,
    task_in_progress = 0x07,
    invalid_data_ack = 0x08,
    invalid_pdu_field = 0x09,
    long_operation_reject = 0x0a,
    negotiation_reset = 0x0b,
    waiting_for_logout = 0x0c,
};
std::string_view reject_reason_text(RejectReason reason);

// --- bits ---------------------------------------------------------------------------------------

using OpcodeImmediate = Bits<6>;  // byte 0, initiator PDUs
using OpcodeField = Bits<0, 6>;   // byte 0
using FinalFlag = Bits<7>;        // byte 1 of most PDUs

// Byte 1 of a SCSI Command (11.3.1).
using CommandRead = Bits<6>;
using CommandWrite = Bits<5>;
using CommandAttribute = Bits<0, 3>;

// Byte 1 of a SCSI Response (11.4.1) and of a Data-In with status (11.7.2).
using BidiOverflow = Bits<4>;
using BidiUnderflow = Bits<3>;
using ResidualOverflow = Bits<2>;
using ResidualUnderflow = Bits<1>;

// Byte 1 of a Data-In (11.7.1).
using DataInAcknowledge = Bits<6>;
using DataInStatus = Bits<0>;

// Byte 1 of Task Management, Logout and SNACK: the low bits select.
using TaskFunctionField = Bits<0, 7>;
using LogoutReasonField = Bits<0, 7>;
using SnackTypeField = Bits<0, 4>;

// Byte 1 of Login (11.12, 11.13) and Text (11.10, 11.11).
using LoginTransit = Bits<7>;
using TextContinue = Bits<6>;
using LoginCurrentStage = Bits<2, 2>;
using LoginNextStage = Bits<0, 2>;

// --- basic header segments ------------------------------------------------------------------

// What every PDU has in common (11.2.1). The receive path works on this, then takes the view it
// needs with from_bytes<> on the same 48 bytes.
struct Bhs {
    uint8_t opcode_byte = 0;
    uint8_t flags = 0;
    uint8_t specific_2 = 0;
    uint8_t specific_3 = 0;
    uint8_t total_ahs_length = 0;  // in 4-byte words
    be24 data_segment_length;      // in bytes, without padding
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    uint8_t specific_20[28] = {};

    Opcode opcode() const { return static_cast<Opcode>(OpcodeField::get(opcode_byte)); }
    bool immediate() const { return OpcodeImmediate::get(opcode_byte) != 0; }
    bool final() const { return FinalFlag::get(flags) != 0; }
};

struct ScsiCommandPdu {  // 11.3
    uint8_t opcode_byte = 0;
    uint8_t flags = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 expected_data_transfer_length;
    be32 cmd_sn;
    be32 exp_stat_sn;
    uint8_t cdb[16] = {};

    bool immediate() const { return OpcodeImmediate::get(opcode_byte) != 0; }
    bool final() const { return FinalFlag::get(flags) != 0; }
    bool read() const { return CommandRead::get(flags) != 0; }
    bool write() const { return CommandWrite::get(flags) != 0; }
    uint8_t attribute() const { return CommandAttribute::get(flags); }
};

struct ScsiResponsePdu {  // 11.4
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::scsi_response);
    uint8_t flags = FinalFlag::mask;
    uint8_t response = 0;
    uint8_t status = 0;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t reserved_8[8] = {};
    be32 initiator_task_tag;
    be32 snack_tag;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    be32 exp_data_sn;
    be32 bidi_read_residual_count;
    be32 residual_count;
};

struct TaskManagementRequestPdu {  // 11.5
    uint8_t opcode_byte = 0;
    uint8_t function_byte = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 referenced_task_tag;
    be32 cmd_sn;
    be32 exp_stat_sn;
    be32 ref_cmd_sn;
    be32 exp_data_sn;
    uint8_t reserved_40[8] = {};

    bool immediate() const { return OpcodeImmediate::get(opcode_byte) != 0; }
    uint8_t function() const { return TaskFunctionField::get(function_byte); }
};

struct TaskManagementResponsePdu {  // 11.6
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::task_management_response);
    uint8_t flags = FinalFlag::mask;
    uint8_t response = 0;
    uint8_t reserved_3 = 0;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t reserved_8[8] = {};
    be32 initiator_task_tag;
    be32 reserved_20;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    uint8_t reserved_36[12] = {};
};

struct DataOutPdu {  // 11.7
    uint8_t opcode_byte = 0;
    uint8_t flags = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 target_transfer_tag;
    be32 reserved_24;
    be32 exp_stat_sn;
    be32 reserved_32;
    be32 data_sn;
    be32 buffer_offset;
    be32 reserved_44;

    bool final() const { return FinalFlag::get(flags) != 0; }
};

struct DataInPdu {  // 11.7
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::data_in);
    uint8_t flags = 0;
    uint8_t reserved_2 = 0;
    uint8_t status = 0;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 target_transfer_tag;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    be32 data_sn;
    be32 buffer_offset;
    be32 residual_count;
};

struct R2tPdu {  // 11.8
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::r2t);
    uint8_t flags = FinalFlag::mask;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 target_transfer_tag;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    be32 r2t_sn;
    be32 buffer_offset;
    be32 desired_data_transfer_length;
};

struct AsyncMessagePdu {  // 11.9
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::async_message);
    uint8_t flags = FinalFlag::mask;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag = reserved_tag;
    be32 reserved_20;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    uint8_t event = 0;
    uint8_t vendor_code = 0;
    be16 parameter_1;
    be16 parameter_2;
    be16 parameter_3;
    be32 reserved_44;
};

struct TextRequestPdu {  // 11.10
    uint8_t opcode_byte = 0;
    uint8_t flags = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 target_transfer_tag;
    be32 cmd_sn;
    be32 exp_stat_sn;
    uint8_t reserved_32[16] = {};

    bool immediate() const { return OpcodeImmediate::get(opcode_byte) != 0; }
    bool final() const { return FinalFlag::get(flags) != 0; }
    bool more() const { return TextContinue::get(flags) != 0; }
};

struct TextResponsePdu {  // 11.11
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::text_response);
    uint8_t flags = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 target_transfer_tag = reserved_tag;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    uint8_t reserved_36[12] = {};
};

struct LoginRequestPdu {         // 11.12
    uint8_t opcode_byte = 0x43;  // always immediate
    uint8_t flags = 0;
    uint8_t version_max = 0;
    uint8_t version_min = 0;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t isid[6] = {};
    be16 tsih;
    be32 initiator_task_tag;
    be16 cid;
    be16 reserved_22;
    be32 cmd_sn;
    be32 exp_stat_sn;
    uint8_t reserved_32[16] = {};

    bool transit() const { return LoginTransit::get(flags) != 0; }
    bool more() const { return TextContinue::get(flags) != 0; }
    uint8_t current_stage() const { return LoginCurrentStage::get(flags); }
    uint8_t next_stage() const { return LoginNextStage::get(flags); }
};

struct LoginResponsePdu {  // 11.13
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::login_response);
    uint8_t flags = 0;
    uint8_t version_max = 0;
    uint8_t version_active = 0;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t isid[6] = {};
    be16 tsih;
    be32 initiator_task_tag;
    be32 reserved_20;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    be16 status;  // LoginStatus: class, detail
    be16 reserved_38;
    uint8_t reserved_40[8] = {};
};

struct LogoutRequestPdu {  // 11.14
    uint8_t opcode_byte = 0;
    uint8_t reason_byte = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t reserved_8[8] = {};
    be32 initiator_task_tag;
    be16 cid;
    be16 reserved_22;
    be32 cmd_sn;
    be32 exp_stat_sn;
    uint8_t reserved_32[16] = {};

    bool immediate() const { return OpcodeImmediate::get(opcode_byte) != 0; }
    uint8_t reason() const { return LogoutReasonField::get(reason_byte); }
};

struct LogoutResponsePdu {  // 11.15
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::logout_response);
    uint8_t flags = FinalFlag::mask;
    uint8_t response = 0;
    uint8_t reserved_3 = 0;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t reserved_8[8] = {};
    be32 initiator_task_tag;
    be32 reserved_20;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    be32 reserved_36;
    be16 time2wait;
    be16 time2retain;
    be32 reserved_44;
};

struct SnackRequestPdu {  // 11.16
    uint8_t opcode_byte = 0;
    uint8_t type_byte = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 target_transfer_tag;
    be32 reserved_24;
    be32 exp_stat_sn;
    uint8_t reserved_32[8] = {};
    be32 begin_run;
    be32 run_length;

    uint8_t type() const { return SnackTypeField::get(type_byte); }
};

struct RejectPdu {  // 11.17; the data segment is the header (BHS + AHS) of the PDU refused
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::reject);
    uint8_t flags = FinalFlag::mask;
    uint8_t reason = 0;
    uint8_t reserved_3 = 0;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t reserved_8[8] = {};
    be32 initiator_task_tag = reserved_tag;
    be32 reserved_20;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    be32 data_sn_or_r2t_sn;
    uint8_t reserved_40[8] = {};
};

struct NopOutPdu {  // 11.18
    uint8_t opcode_byte = 0;
    uint8_t flags = 0;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag;
    be32 target_transfer_tag;
    be32 cmd_sn;
    be32 exp_stat_sn;
    uint8_t reserved_32[16] = {};

    bool immediate() const { return OpcodeImmediate::get(opcode_byte) != 0; }
};

struct NopInPdu {  // 11.19
    uint8_t opcode_byte = static_cast<uint8_t>(Opcode::nop_in);
    uint8_t flags = FinalFlag::mask;
    be16 reserved_2;
    uint8_t total_ahs_length = 0;
    be24 data_segment_length;
    uint8_t lun[8] = {};
    be32 initiator_task_tag = reserved_tag;
    be32 target_transfer_tag = reserved_tag;
    be32 stat_sn;
    be32 exp_cmd_sn;
    be32 max_cmd_sn;
    uint8_t reserved_36[12] = {};
};

static_assert(sizeof(Bhs) == bhs_size && sizeof(ScsiCommandPdu) == bhs_size);
static_assert(sizeof(ScsiResponsePdu) == bhs_size && sizeof(TaskManagementRequestPdu) == bhs_size);
static_assert(sizeof(TaskManagementResponsePdu) == bhs_size && sizeof(DataOutPdu) == bhs_size);
static_assert(sizeof(DataInPdu) == bhs_size && sizeof(R2tPdu) == bhs_size);
static_assert(sizeof(AsyncMessagePdu) == bhs_size && sizeof(TextRequestPdu) == bhs_size);
static_assert(sizeof(TextResponsePdu) == bhs_size && sizeof(LoginRequestPdu) == bhs_size);
static_assert(sizeof(LoginResponsePdu) == bhs_size && sizeof(LogoutRequestPdu) == bhs_size);
static_assert(sizeof(LogoutResponsePdu) == bhs_size && sizeof(SnackRequestPdu) == bhs_size);
static_assert(sizeof(RejectPdu) == bhs_size && sizeof(NopOutPdu) == bhs_size);
static_assert(sizeof(NopInPdu) == bhs_size);

static_assert(offsetof(Bhs, data_segment_length) == 5 && offsetof(Bhs, initiator_task_tag) == 16);
static_assert(offsetof(ScsiCommandPdu, cmd_sn) == 24 && offsetof(ScsiCommandPdu, cdb) == 32);
static_assert(offsetof(ScsiResponsePdu, stat_sn) == 24 &&
              offsetof(ScsiResponsePdu, residual_count) == 44);
static_assert(offsetof(TaskManagementRequestPdu, ref_cmd_sn) == 32);
static_assert(offsetof(DataOutPdu, data_sn) == 36 && offsetof(DataOutPdu, buffer_offset) == 40);
static_assert(offsetof(DataInPdu, data_sn) == 36 && offsetof(DataInPdu, residual_count) == 44);
static_assert(offsetof(R2tPdu, r2t_sn) == 36 &&
              offsetof(R2tPdu, desired_data_transfer_length) == 44);
static_assert(offsetof(AsyncMessagePdu, event) == 36);
static_assert(offsetof(LoginRequestPdu, tsih) == 14 && offsetof(LoginRequestPdu, cid) == 20);
static_assert(offsetof(LoginResponsePdu, status) == 36);
static_assert(offsetof(LogoutRequestPdu, cid) == 20 &&
              offsetof(LogoutResponsePdu, time2wait) == 40);
static_assert(offsetof(SnackRequestPdu, begin_run) == 40);
static_assert(offsetof(RejectPdu, data_sn_or_r2t_sn) == 36);
static_assert(offsetof(NopOutPdu, cmd_sn) == 24 && offsetof(NopInPdu, stat_sn) == 24);

// --- additional header segments (11.2.2) ------------------------------------------------------

enum class AhsType : uint8_t { extended_cdb = 1, bidirectional_read_length = 2 };

// Why the additional header of a SCSI Command is unusable; the answer is Reject "invalid PDU
// field".
enum class AhsError : uint8_t { truncated, bad_length, duplicate, unknown_type };

// What the additional headers of one SCSI Command say. `extended_cdb` holds CDB bytes 16 and up and
// points into the bytes that were decoded.
struct AhsFields {
    std::span<const uint8_t> extended_cdb;
    std::optional<uint32_t> bidirectional_read_length;
};

// Decodes everything between the BHS and the header digest (TotalAHSLength * 4 bytes).
tl::expected<AhsFields, AhsError> decode_ahs(std::span<const uint8_t> bytes);

// Encodes into `out` (for tests and for our own initiator-side tools); 0 when it does not fit, else
// the number of bytes written, a multiple of four.
size_t encode_ahs(const AhsFields& fields, std::span<uint8_t> out);

}  // namespace tgt::wire
