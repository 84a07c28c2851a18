// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/op_report.h"

#include "scsi/logical_unit.h"
#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr uint8_t support_none = 1;
constexpr uint8_t support_standard = 3;

enum Options : uint8_t { all_commands, without_action, with_action, either };

constexpr size_t min_task_functions = 4;

template <size_t Bytes>
void append_be(std::vector<uint8_t>& out, uint64_t value) {
    for (size_t i = Bytes; i-- > 0;) out.push_back(uint8_t(value >> (8 * i)));
}

// SPC-4 6.35.4; no recommendation is given.
void append_timeouts(std::vector<uint8_t>& out, const OpRow& row) {
    append_be<2>(out, 0x0a);
    append_be<2>(out, 0);
    append_be<4>(out, row.timeout);
    append_be<4>(out, 0);
}

bool offered(const OpRow& row, bool thin) {
    return thin || !(row.flags & op_thin_only);
}

// SPC-4 6.35.2
std::vector<uint8_t> all_rows(std::span<const OpRow> rows, bool thin, bool timeouts) {
    std::vector<uint8_t> out(4, 0);
    for (const OpRow& row : rows) {
        if (!offered(row, thin)) continue;
        const bool has_action = row.service_action >= 0;
        append_be<1>(out, row.opcode);
        append_be<1>(out, 0);
        append_be<2>(out, has_action ? uint16_t(row.service_action) : 0);
        append_be<1>(out, 0);
        append_be<1>(out, uint8_t((timeouts ? 0x02 : 0) | (has_action ? 0x01 : 0)));
        append_be<2>(out, row.cdb_length);
        if (timeouts) append_timeouts(out, row);
    }
    wire::store_be<4>(out.data(), uint32_t(out.size() - 4));
    return out;
}

// SPC-4 6.35.3
std::vector<uint8_t> one_row(const OpRow* row, bool timeouts) {
    if (!row) return {0, support_none, 0, 0};
    std::vector<uint8_t> out = {0, uint8_t((timeouts ? 0x80 : 0) | support_standard), 0,
                                row->cdb_length};
    out.insert(out.end(), row->usage.begin(), row->usage.begin() + row->cdb_length);
    if (timeouts) append_timeouts(out, *row);
    return out;
}

// What the rows say about an opcode.
struct Found {
    bool has_actions = false;
    bool plain = false;
    const OpRow* row = nullptr;
};
Found look_up(std::span<const OpRow> rows, uint8_t opcode, uint16_t service_action) {
    Found found;
    for (const OpRow& row : rows) {
        if (row.opcode != opcode) continue;
        (row.service_action >= 0 ? found.has_actions : found.plain) = true;
        if (row.service_action < 0 || row.service_action == int(service_action)) found.row = &row;
    }
    return found;
}

}  // namespace

Result<std::vector<uint8_t>, Sense> supported_operation_codes(std::span<const OpRow> rows,
                                                              bool thin,
                                                              const OpReportRequest& request) {
    if (request.options == all_commands) return all_rows(rows, thin, request.timeouts);
    if (request.options > either) return tl::unexpected<Sense>(sense::invalid_field_in_cdb(2, 2));
    Found found = look_up(rows, request.opcode, request.service_action);
    // SPC-4 table 190: the option must fit the opcode; option 011b instead says "not supported".
    if ((request.options == without_action && found.has_actions) ||
        (request.options == with_action && found.plain))
        return tl::unexpected<Sense>(sense::invalid_field_in_cdb(2, 2));
    if (request.options == either && found.plain && request.service_action != 0)
        found.row = nullptr;
    if (found.row && !offered(*found.row, thin)) found.row = nullptr;
    return one_row(found.row, request.timeouts);
}

// ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET.
std::vector<uint8_t> supported_task_functions(bool extended) {
    std::vector<uint8_t> out = {0x80 | 0x40 | 0x10 | 0x08 | 0x02, 0, 0, 0};
    if (extended) {
        out.resize(16, 0);  // TMFTMOV = 0: no timeouts
        out[3] = 0x0c;
    }
    return out;
}

Outcome run_report_supported_opcodes(Command& command) {
    const auto& cdb = command.cdb;
    OpReportRequest request;
    request.timeouts = (cdb[2] & 0x80) != 0;
    request.options = cdb[2] & 0x07;
    request.opcode = cdb[3];
    request.service_action = wire::load_be<2>(&cdb[4]);
    const DeviceType& type = command.shard->unit.type();
    auto data = supported_operation_codes(type.ops().rows(), command.state().thin, request);
    if (!data) return data.error();
    return command.reply(*data, command.extents.bytes);
}

Outcome run_report_supported_task_functions(Command& command) {
    if (command.extents.bytes < min_task_functions) return sense::invalid_field_in_cdb(6);
    return command.reply(supported_task_functions((command.cdb[2] & 0x80) != 0),
                         command.extents.bytes);
}

}  // namespace tgt::scsi
