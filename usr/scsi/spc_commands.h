// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of SPC as op rows: device types join them with their own.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "scsi/command.h"
#include "scsi/inquiry.h"
#include "scsi/log_pages.h"
#include "scsi/mode_pages.h"
#include "scsi/op_report.h"
#include "scsi/op_table.h"
#include "scsi/pr_commands.h"

namespace tgt::scsi {

// REPORT LUNS parameter data (SPC-4 6.33) for LUNs in ascending order.
std::vector<uint8_t> report_luns_data(const std::vector<uint64_t>& luns);
// What a unit in this state has to say when nothing else is pending: 0/00h/00h, or why it is not
// ready.
Sense readiness(const LunState& state);
// The same, with what the model of the command's unit has published of its medium.
Sense medium_readiness(const Command& command);

Outcome run_test_unit_ready(Command& command);
Outcome run_request_sense(Command& command);
Outcome run_report_luns(Command& command);
Outcome run_send_diagnostic(Command& command);
Outcome run_prevent_allow_medium_removal(Command& command);

namespace spc {

// They tell an initiator what is there, so nothing stands in their way.
inline constexpr uint16_t discovery =
    op_with_unit_attention | op_not_ready | op_head_of_queue | op_repeatable | op_any_lun;
inline constexpr uint16_t query = op_not_ready | op_repeatable;

constexpr OpRow parameter_in(std::string_view name, uint8_t opcode, std::array<uint8_t, 16> usage,
                             uint8_t cdb_length, uint8_t length_at, uint8_t length_bytes,
                             ReservationClass reservation, uint16_t flags, Run run) {
    OpRow row;
    row.name = name;
    row.opcode = opcode;
    row.cdb_length = cdb_length;
    row.usage = usage;
    row.direction = Direction::in;
    row.reservation = reservation;
    row.flags = flags;
    row.amount = Amount::field;
    row.length_at = length_at;
    row.length_bytes = length_bytes;
    row.run = run;
    return row;
}

constexpr OpRow with_action(OpRow row, uint8_t service_action) {
    row.service_action = int8_t(service_action);
    return row;
}

constexpr OpRow parameter_out(std::string_view name, uint8_t opcode, std::array<uint8_t, 16> usage,
                              uint8_t cdb_length, uint8_t length_at, uint8_t length_bytes,
                              ReservationClass reservation, Start start) {
    OpRow row;
    row.name = name;
    row.opcode = opcode;
    row.cdb_length = cdb_length;
    row.usage = usage;
    row.direction = Direction::out;
    row.reservation = reservation;
    row.flags = op_not_ready;
    row.amount = Amount::field;
    row.length_at = length_at;
    row.length_bytes = length_bytes;
    row.kind = Kind::control;
    row.start = start;
    return row;
}

constexpr OpRow no_data(std::string_view name, uint8_t opcode, std::array<uint8_t, 16> usage,
                        ReservationClass reservation, uint16_t flags, Run run) {
    OpRow row;
    row.name = name;
    row.opcode = opcode;
    row.cdb_length = 6;
    row.usage = usage;
    row.reservation = reservation;
    row.flags = flags;
    row.run = run;
    return row;
}

constexpr OpRow reserve_release(std::string_view name, uint8_t opcode, uint8_t cdb_length,
                                ReservationClass reservation, Start start) {
    OpRow row;
    row.name = name;
    row.opcode = opcode;
    row.cdb_length = cdb_length;
    row.usage = {opcode};
    row.reservation = reservation;
    row.flags = op_not_ready;
    row.kind = Kind::control;
    row.start = start;
    return row;
}

constexpr OpRow pr_in(std::string_view name, uint8_t action, Run run) {
    return with_action(parameter_in(name, 0x5e, {0x5e, action, 0, 0, 0, 0, 0, 0xff, 0xff}, 10, 7, 2,
                                    ReservationClass::status, query, run),
                       action);
}

// Whom a PERSISTENT RESERVE OUT meets is decided where it is carried out (SPC-4 table 66).
constexpr OpRow pr_out(std::string_view name, uint8_t action) {
    return with_action(
        parameter_out(name, 0x5f, {0x5f, action, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff}, 10, 5, 4,
                      ReservationClass::status, start_persistent_reserve_out),
        action);
}

constexpr OpRow maintenance_in(std::string_view name, uint8_t action, std::array<uint8_t, 16> usage,
                               Run run) {
    return with_action(
        parameter_in(name, 0xa3, usage, 12, 6, 4, ReservationClass::write, query, run), action);
}

}  // namespace spc

// Reservation classes: SPC-4 table 65. MODE SENSE, SEND DIAGNOSTIC and the reports on commands do
// conflict with write exclusive there.
inline constexpr std::array<OpRow, 28> spc_rows = {
    spc::no_data("TEST UNIT READY", 0x00, {0x00}, ReservationClass::status, op_repeatable,
                 run_test_unit_ready),
    spc::parameter_in("REQUEST SENSE", 0x03, {0x03, 0x01, 0, 0, 0xff}, 6, 4, 1,
                      ReservationClass::always, spc::discovery, run_request_sense),
    spc::parameter_in("INQUIRY", 0x12, {0x12, 0x01, 0xff, 0xff, 0xff}, 6, 3, 2,
                      ReservationClass::always, spc::discovery, run_inquiry),
    spc::parameter_out("MODE SELECT(6)", 0x15, {0x15, 0x10, 0, 0, 0xff}, 6, 4, 1,
                       ReservationClass::write, start_mode_select_6),
    spc::reserve_release("RESERVE(6)", 0x16, 6, ReservationClass::status, start_reserve),
    spc::reserve_release("RELEASE(6)", 0x17, 6, ReservationClass::always, start_release),
    spc::parameter_in("MODE SENSE(6)", 0x1a, {0x1a, 0x08, 0xff, 0xff, 0xff}, 6, 4, 1,
                      ReservationClass::write, spc::query, run_mode_sense_6),
    spc::no_data("SEND DIAGNOSTIC", 0x1d, {0x1d, 0x17}, ReservationClass::write, op_repeatable,
                 run_send_diagnostic),
    spc::parameter_in("LOG SENSE", 0x4d, {0x4d, 0, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff}, 10, 7, 2,
                      ReservationClass::status, spc::query, run_log_sense),
    spc::parameter_out("MODE SELECT(10)", 0x55, {0x55, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff}, 10, 7, 2,
                       ReservationClass::write, start_mode_select_10),
    spc::reserve_release("RESERVE(10)", 0x56, 10, ReservationClass::status, start_reserve),
    spc::reserve_release("RELEASE(10)", 0x57, 10, ReservationClass::always, start_release),
    spc::parameter_in("MODE SENSE(10)", 0x5a, {0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff}, 10, 7,
                      2, ReservationClass::write, spc::query, run_mode_sense_10),
    spc::pr_in("PERSISTENT RESERVE IN (READ KEYS)", 0, run_read_keys),
    spc::pr_in("PERSISTENT RESERVE IN (READ RESERVATION)", 1, run_read_reservation),
    spc::pr_in("PERSISTENT RESERVE IN (REPORT CAPABILITIES)", 2, run_report_capabilities),
    spc::pr_in("PERSISTENT RESERVE IN (READ FULL STATUS)", 3, run_read_full_status),
    spc::pr_out("PERSISTENT RESERVE OUT (REGISTER)", 0),
    spc::pr_out("PERSISTENT RESERVE OUT (RESERVE)", 1),
    spc::pr_out("PERSISTENT RESERVE OUT (RELEASE)", 2),
    spc::pr_out("PERSISTENT RESERVE OUT (CLEAR)", 3),
    spc::pr_out("PERSISTENT RESERVE OUT (PREEMPT)", 4),
    spc::pr_out("PERSISTENT RESERVE OUT (PREEMPT AND ABORT)", 5),
    spc::pr_out("PERSISTENT RESERVE OUT (REGISTER AND IGNORE EXISTING KEY)", 6),
    spc::pr_out("PERSISTENT RESERVE OUT (REGISTER AND MOVE)", 7),
    spc::parameter_in("REPORT LUNS", 0xa0, {0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 12, 6,
                      4, ReservationClass::always, spc::discovery, run_report_luns),
    spc::maintenance_in("REPORT SUPPORTED OPERATION CODES", 0x0c,
                        {0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                        run_report_supported_opcodes),
    spc::maintenance_in("REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", 0x0d,
                        {0xa3, 0x0d, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
                        run_report_supported_task_functions),
};
static_assert(valid_table(spc_rows));

// PREVENT ALLOW MEDIUM REMOVAL, for device types with a medium. Its reservation rules depend on
// PREVENT: the handler knows them.
inline constexpr OpRow prevent_allow_row =
    spc::no_data("PREVENT ALLOW MEDIUM REMOVAL", 0x1e, {0x1e, 0, 0, 0, 0x01, 0},
                 ReservationClass::always, op_not_ready, run_prevent_allow_medium_removal);

// For device types that do not take every SPC command (the controller): the rows of these opcodes.
template <size_t N, size_t Rows>
constexpr std::array<OpRow, N> pick_rows(const std::array<OpRow, Rows>& rows,
                                         std::initializer_list<uint8_t> opcodes) {
    std::array<OpRow, N> picked{};
    size_t count = 0;
    for (const OpRow& row : rows)
        for (uint8_t opcode : opcodes)
            if (row.opcode == opcode) picked[count++] = row;
    return picked;
}

}  // namespace tgt::scsi
