// SPDX-License-Identifier: GPL-2.0-or-later
// Every iSCSI parameter of a target as one table: the same rows serve login negotiation, `tgtadm
// --mode target
// --op update --name X --value Y` and the output of `--mode target --op show --tid N`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tgt::iscsi {

// In the order in which `target show --tid` prints them; the index into the table and into
// Parameters.
enum class ParamId : uint8_t {
    nop_interval,
    nop_count,
    max_recv_data_segment_length,
    header_digest,
    data_digest,
    initial_r2t,
    max_outstanding_r2t,
    immediate_data,
    first_burst_length,
    max_burst_length,
    data_pdu_in_order,
    data_sequence_in_order,
    error_recovery_level,
    if_marker,
    of_marker,
    default_time2wait,
    default_time2retain,
    of_mark_int,
    if_mark_int,
    max_connections,
    rdma_extensions,
    target_recv_data_segment_length,
    initiator_recv_data_segment_length,
    max_outstanding_unexpected_pdus,
    max_xmit_data_segment_length,
    max_queue_cmd,
    send_timeout,
    data_out_timeout,
    count_,
};
constexpr size_t param_count = static_cast<size_t>(ParamId::count_);

enum class ParamType : uint8_t { number, boolean, digest, mark_interval };

// How two sides come to one value (RFC 7143 6.2 and chapter 13).
enum class ParamRule : uint8_t {
    local,    // never on the wire
    declare,  // each side states its own; no answer
    minimum,
    maximum,
    logical_and,
    logical_or,
    choose,  // the acceptor takes the first item of the list that it supports
    refuse,  // obsolete: always answered Reject (13.25)
};

// Flags of a row.
enum ParamUse : uint8_t {
    use_session = 1,       // session-wide and leading-login only (LO); otherwise connection-wide
    use_normal_only = 2,   // Irrelevant when SessionType=Discovery
    use_full_feature = 4,  // may also be sent in the full feature phase (ALL)
    use_iser = 8,          // means something only with RDMAExtensions=Yes
    use_quiet = 16,        // not one of tgt's: `show` prints it only when it was set
};

struct ParamRow {
    ParamId id;
    std::string_view name;
    ParamType type;
    ParamRule rule;
    uint8_t use;
    uint32_t fallback;  // value that a new target has (tgt's; what `show` prints)
    uint32_t standard;  // value in force when the key is not negotiated (chapter 13, RFC 7145)
    uint32_t min;
    uint32_t max;
};

constexpr uint32_t digest_none = 1;  // bits of a digest parameter
constexpr uint32_t digest_crc32c = 2;

const std::array<ParamRow, param_count>& param_table();
const ParamRow& param_row(ParamId id);
// Exact name, as keys on the wire are compared; nullptr when there is no such row or it is local.
const ParamRow* find_wire_param(std::string_view name);
// Any case, as tgtadm compares them.
const ParamRow* find_param_any_case(std::string_view name);

// A value as text: Yes/No, decimal, None/CRC32C, Reject.
std::string param_text(const ParamRow& row, uint32_t value);

// What MaxRecvDataSegmentLength a target declares in login when the administrator has not set one.
// `show` keeps printing tgt's 8192 then, for the programs that compare it; the declaration is what
// initiators obey.
constexpr uint32_t declared_max_recv_default = 262144;
// In force on both sides until the other has declared its own (13.12).
constexpr uint32_t standard_max_recv = 8192;

// strtoul's base detection as tgt's tgtadm users know it: 0x hex, 0 octal, else decimal.
std::optional<uint64_t> parse_admin_number(std::string_view value);

// One value per parameter; plain data, copied whole. A target has one (offers and limits), a
// connection has one (results).
class Parameters {
  public:
    Parameters();                  // a new target's values
    static Parameters standard();  // what the standard says when nothing was negotiated

    uint32_t get(ParamId id) const { return values_[static_cast<size_t>(id)]; }
    bool flag(ParamId id) const { return get(id) != 0; }
    void set(ParamId id, uint32_t value) { values_[static_cast<size_t>(id)] = value; }

    // `tgtadm update`: checks name and value, stores. Numbers are read with C base detection; the
    // whole value must be the number. Error codes: ENOENT no such parameter, EINVAL bad value.
    // (state, Redirect* and RedirectCallback are the target's own and not known here.)
    Result<void> update(std::string_view name, std::string_view value);
    // Set by update() and not merely a default.
    bool is_set(ParamId id) const { return (explicit_ >> static_cast<unsigned>(id) & 1) != 0; }

    // The lines of `target show --tid N`, in order; the nop lines included. What tgt does not have
    // is left out until it is set.
    std::vector<std::pair<std::string, std::string>> show() const;
    std::vector<std::pair<std::string, std::string>> all() const;  // nothing is left out

    // MaxRecvDataSegmentLength to declare in login.
    uint32_t declared_max_recv() const;

    bool operator==(const Parameters&) const = default;

  private:
    std::array<uint32_t, param_count> values_;
    uint64_t explicit_ = 0;
};

// The outcome of a login: what the session code obeys.
struct NegotiatedParameters {
    Parameters values = Parameters::standard();
    uint32_t send_limit = standard_max_recv;     // the initiator's MaxRecvDataSegmentLength
    uint32_t receive_limit = standard_max_recv;  // ours, once declared
    bool header_digest() const { return values.get(ParamId::header_digest) == digest_crc32c; }
    bool data_digest() const { return values.get(ParamId::data_digest) == digest_crc32c; }
    bool operator==(const NegotiatedParameters&) const = default;
};

}  // namespace tgt::iscsi
