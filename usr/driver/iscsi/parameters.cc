// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/parameters.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "driver/iscsi/text.h"

namespace tgt::iscsi {

namespace {

using enum ParamId;
constexpr auto number = ParamType::number;
constexpr auto boolean = ParamType::boolean;
constexpr auto digest = ParamType::digest;
constexpr auto mark = ParamType::mark_interval;

constexpr uint32_t max_length = 16777215;
constexpr uint32_t any = 0xffffffff;
constexpr uint32_t max_int = 0x7fffffff;
constexpr uint8_t session = use_session | use_normal_only;
constexpr uint8_t both = use_session;  // session-wide in discovery sessions as well
constexpr uint8_t iser = use_iser | use_normal_only;

// clang-format off
// id, name, type, rule, use, tgt's default, the standard's default, min, max
constexpr std::array<ParamRow, param_count> table = {{
    {nop_interval, "nop_interval", number, ParamRule::local, 0, 0, 0, 0, max_int},
    {nop_count, "nop_count", number, ParamRule::local, 0, 0, 0, 0, max_int},
    {max_recv_data_segment_length, "MaxRecvDataSegmentLength", number, ParamRule::declare,
     use_full_feature, 8192, 8192, 512, max_length},
    {header_digest, "HeaderDigest", digest, ParamRule::choose, 0, digest_none, digest_none, 1, 3},
    {data_digest, "DataDigest", digest, ParamRule::choose, 0, digest_none, digest_none, 1, 3},
    {initial_r2t, "InitialR2T", boolean, ParamRule::logical_or, session, 1, 1, 0, 1},
    {max_outstanding_r2t, "MaxOutstandingR2T", number, ParamRule::minimum, session, 1, 1, 1, 65535},
    {immediate_data, "ImmediateData", boolean, ParamRule::logical_and, session, 1, 1, 0, 1},
    {first_burst_length, "FirstBurstLength", number, ParamRule::minimum, session, 65536, 65536, 512, max_length},
    {max_burst_length, "MaxBurstLength", number, ParamRule::minimum, session, 262144, 262144, 512, max_length},
    {data_pdu_in_order, "DataPDUInOrder", boolean, ParamRule::logical_or, session, 1, 1, 0, 1},
    {data_sequence_in_order, "DataSequenceInOrder", boolean, ParamRule::logical_or, session, 1, 1, 0, 1},
    {error_recovery_level, "ErrorRecoveryLevel", number, ParamRule::minimum, both, 0, 0, 0, 2},
    {if_marker, "IFMarker", boolean, ParamRule::logical_and, 0, 0, 0, 0, 1},
    {of_marker, "OFMarker", boolean, ParamRule::logical_and, 0, 0, 0, 0, 1},
    {default_time2wait, "DefaultTime2Wait", number, ParamRule::maximum, both, 2, 2, 0, 3600},
    {default_time2retain, "DefaultTime2Retain", number, ParamRule::minimum, both, 20, 20, 0, 3600},
    {of_mark_int, "OFMarkInt", mark, ParamRule::refuse, 0, 2048, 2048, 1, 65535},
    {if_mark_int, "IFMarkInt", mark, ParamRule::refuse, 0, 2048, 2048, 1, 65535},
    {max_connections, "MaxConnections", number, ParamRule::minimum, session, 1, 1, 1, 65535},
    {rdma_extensions, "RDMAExtensions", boolean, ParamRule::logical_and, use_session | use_normal_only, 1, 0, 0, 1},
    {target_recv_data_segment_length, "TargetRecvDataSegmentLength", number, ParamRule::minimum, iser, 262144, 8192, 512, max_length},
    {initiator_recv_data_segment_length, "InitiatorRecvDataSegmentLength", number, ParamRule::minimum, iser, 262144, 8192, 512, max_length},
    {max_outstanding_unexpected_pdus, "MaxOutstandingUnexpectedPDUs", number, ParamRule::declare, iser, 0, 0, 0, any},
    {max_xmit_data_segment_length, "MaxXmitDataSegmentLength", number, ParamRule::local, 0, 8192, 8192, 512, max_length},
    {max_queue_cmd, "MaxQueueCmd", number, ParamRule::local, 0, 128, 128, 1, 512},
    // Seconds, 0: no bound. Output that waits, and nothing of it can be sent.
    {send_timeout, "send_timeout", number, ParamRule::local, use_quiet, 30, 30, 0, 86400},
    // A command waits for data, and none of it comes. Longer than the time after which initiators
    // give up by themselves (Linux 30 s, Windows 60 s, often set to 120 s or 180 s), whose clocks
    // start earlier: a slow network is theirs to judge.
    {data_out_timeout, "data_out_timeout", number, ParamRule::local, use_quiet, 180, 180, 0, 86400},
}};
// clang-format on

constexpr bool in_id_order() {
    for (size_t i = 0; i < param_count; ++i)
        if (table[i].id != static_cast<ParamId>(i)) return false;
    return true;
}
constexpr bool in_range() {
    for (const ParamRow& row : table)
        if (row.fallback < row.min || row.fallback > row.max) return false;
    return true;
}
static_assert(in_id_order() && in_range());

std::optional<uint32_t> parse_digests(std::string_view value) {
    uint32_t bits = 0;
    ListReader list(value);
    while (auto item = list.next()) {
        const uint32_t bit = *item == "None" ? digest_none : *item == "CRC32C" ? digest_crc32c : 0;
        if (bit == 0) return std::nullopt;
        bits |= bit;
    }
    return bits;
}

// As strtol(3) reads it, and so tgt: blanks before the number and anything after it do not matter.
std::string_view leading_number(std::string_view value) {
    const size_t begin = value.find_first_not_of(" \t\n\v\f\r");
    if (begin == std::string_view::npos) return {};
    value.remove_prefix(begin);
    const bool hex = value.starts_with("0x") || value.starts_with("0X");
    const bool octal = !hex && value.starts_with("0");
    const std::string_view digits = hex     ? "0123456789abcdefABCDEF"
                                    : octal ? "01234567"
                                            : "0123456789";
    const size_t end = value.find_first_not_of(digits, hex ? 2 : 0);
    return value.substr(0, end);
}

std::optional<uint32_t> parse_in_row(const ParamRow& row, std::string_view value) {
    if (row.type == ParamType::digest) return parse_digests(value);
    if (row.type == ParamType::boolean) return parse_bool(value);
    // Markers are gone (RFC 7143 13.1): whatever their intervals are told to be means nothing.
    if (row.type == ParamType::mark_interval) return row.fallback;
    const auto parsed = parse_admin_number(leading_number(value));
    if (!parsed || *parsed < row.min || *parsed > row.max) return std::nullopt;
    // RFC 7145 6.7: 0 (no limit) or at least 2.
    if (row.id == max_outstanding_unexpected_pdus && *parsed == 1) return std::nullopt;
    return static_cast<uint32_t>(*parsed);
}

std::string allowed_values(const ParamRow& row) {
    if (row.type == ParamType::boolean) return "Yes or No";
    if (row.type == ParamType::digest) return "None, CRC32C or a comma-separated list of them";
    return "a number from " + std::to_string(row.min) + " to " + std::to_string(row.max);
}

}  // namespace

std::optional<uint64_t> parse_admin_number(std::string_view value) {
    if (value.size() < 2 || value[0] != '0' || value[1] == 'x' || value[1] == 'X')
        return parse_number(value);
    uint64_t result = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data() + 1, end, result, 8);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return result;
}

const std::array<ParamRow, param_count>& param_table() {
    return table;
}

const ParamRow& param_row(ParamId id) {
    return table[static_cast<size_t>(id)];
}

const ParamRow* find_wire_param(std::string_view name) {
    for (const ParamRow& row : table)
        if (row.rule != ParamRule::local && row.name == name) return &row;
    return nullptr;
}

const ParamRow* find_param_any_case(std::string_view name) {
    for (const ParamRow& row : table)
        if (equal_any_case(row.name, name)) return &row;
    return nullptr;
}

std::string param_text(const ParamRow& row, uint32_t value) {
    switch (row.type) {
        case ParamType::boolean:
            return value != 0 ? "Yes" : "No";
        case ParamType::digest:
            return (value & digest_crc32c) != 0 ? "CRC32C" : "None";
        case ParamType::mark_interval:
            return "Reject";
        case ParamType::number:
            break;
    }
    return std::to_string(value);
}

Parameters::Parameters() : values_{} {
    for (const ParamRow& row : table) set(row.id, row.fallback);
}

Parameters Parameters::standard() {
    Parameters result;
    for (const ParamRow& row : table) result.set(row.id, row.standard);
    return result;
}

Result<void> Parameters::update(std::string_view name, std::string_view value) {
    const ParamRow* row = find_param_any_case(name);
    if (row == nullptr) return fail(ENOENT, "there is no parameter '" + std::string(name) + "'");
    const auto parsed = parse_in_row(*row, value);
    if (!parsed) {
        return fail(EINVAL, std::string(row->name) + " cannot be '" + std::string(value) +
                                "': it takes " + allowed_values(*row));
    }
    set(row->id, *parsed);
    explicit_ |= uint64_t{1} << static_cast<unsigned>(row->id);
    return {};
}

std::vector<std::pair<std::string, std::string>> Parameters::show() const {
    std::vector<std::pair<std::string, std::string>> lines;
    for (const ParamRow& row : table)
        if (row.type == ParamType::mark_interval)
            lines.emplace_back(row.name, is_set(row.id) ? "Irrelevant" : "Reject");
        else if ((row.use & use_quiet) == 0 || is_set(row.id))
            lines.emplace_back(row.name, param_text(row, get(row.id)));
    return lines;
}

std::vector<std::pair<std::string, std::string>> Parameters::all() const {
    std::vector<std::pair<std::string, std::string>> lines;
    for (const ParamRow& row : table) lines.emplace_back(row.name, param_text(row, get(row.id)));
    return lines;
}

uint32_t Parameters::declared_max_recv() const {
    return is_set(max_recv_data_segment_length) ? get(max_recv_data_segment_length)
                                                : declared_max_recv_default;
}

}  // namespace tgt::iscsi
