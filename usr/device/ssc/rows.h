// SPDX-License-Identifier: GPL-2.0-or-later
// The tape drive's own rows of the op table (SSC-4 clause 5 to 7); tape.cc joins them with those of
// SPC. Whatever moves the medium conflicts as a write does, reading included: the holder of a write
// exclusive reservation relies on the position. Nothing is repeatable: a command does something
// else from another position.
#pragma once

#include "device/ssc/handlers.h"
#include "scsi/op_table.h"
#include "scsi/spc_commands.h"

namespace tgt::ssc {

namespace detail {

using scsi::Amount;
using scsi::Direction;
using scsi::Kind;
using scsi::OpRow;
using scsi::ReservationClass;
using Usage = std::array<uint8_t, 16>;

constexpr uint16_t half_an_hour = 1800, six_hours = 21600;  // what initiators grant real drives

constexpr OpRow on_strand(std::string_view name, uint8_t cdb_length, Usage usage, scsi::Run run,
                          uint16_t timeout = half_an_hour) {
    OpRow row;
    row.name = name;
    row.opcode = usage[0];
    row.usage = usage;
    row.cdb_length = cdb_length;
    row.reservation = ReservationClass::write;
    row.timeout = timeout;
    row.kind = Kind::blocking;
    row.run = run;
    return row;
}
constexpr OpRow transfer(std::string_view name, Usage usage, Direction direction, scsi::Run run) {
    OpRow row = on_strand(name, 6, usage, run);
    row.direction = direction;
    row.amount = Amount::tape_6;
    row.length_at = 2;
    return row;
}
constexpr OpRow read_row() {
    OpRow row = transfer("READ(6)", {0x08, 0x03, 0xff, 0xff, 0xff}, Direction::in, &read_6);
    row.run_now = &read_6_now;
    return row;
}
constexpr OpRow verify_row() {
    OpRow row = transfer("VERIFY(6)", {0x13, 0x07, 0xff, 0xff, 0xff}, Direction::out, &verify_6);
    row.amount = Amount::tape_verify_6;
    row.timeout = six_hours;
    return row;
}
constexpr OpRow read_position(std::string_view name, uint8_t action, bool has_length,
                              scsi::Run run) {
    Usage usage{0x34, action};
    if (has_length) usage[7] = usage[8] = 0xff;
    OpRow row = on_strand(name, 10, usage, run, 60);
    row.service_action = int8_t(action);
    row.direction = Direction::in;
    row.reservation = ReservationClass::status;
    if (has_length) {
        row.amount = Amount::field;
        row.length_at = 7;
        row.length_bytes = 2;
    }
    return row;
}
constexpr OpRow load_unload_row() {
    OpRow row = on_strand("LOAD UNLOAD", 6, {0x1b, 0x01, 0, 0, 0x0f}, &load_unload);
    row.flags = scsi::op_not_ready;
    return row;
}
constexpr OpRow read_block_limits_row() {
    OpRow row;
    row.name = "READ BLOCK LIMITS";
    row.opcode = 0x05;
    row.cdb_length = 6;
    row.usage = {0x05, 0x01};
    row.direction = Direction::in;
    row.flags = scsi::op_not_ready | scsi::op_repeatable;
    row.run = &read_block_limits;
    return row;
}

}  // namespace detail

inline constexpr std::array drive_rows{
    detail::on_strand("REWIND", 6, {0x01, 0x01}, &rewind),
    detail::on_strand("FORMAT MEDIUM", 6, {0x04, 0x01, 0x0f, 0xff, 0xff}, &format_medium,
                      detail::six_hours),
    detail::read_block_limits_row(),
    detail::read_row(),
    detail::transfer("WRITE(6)", {0x0a, 0x01, 0xff, 0xff, 0xff}, scsi::Direction::out, &write_6),
    detail::on_strand("SET CAPACITY", 6, {0x0b, 0x01, 0, 0xff, 0xff}, &set_capacity),
    detail::on_strand("WRITE FILEMARKS(6)", 6, {0x10, 0x01, 0xff, 0xff, 0xff}, &write_filemarks_6),
    detail::on_strand("SPACE(6)", 6, {0x11, 0x0f, 0xff, 0xff, 0xff}, &space_6),
    detail::verify_row(),
    detail::on_strand("ERASE(6)", 6, {0x19, 0x03}, &erase_6, detail::six_hours),
    detail::load_unload_row(),
    scsi::prevent_allow_row,
    detail::on_strand("LOCATE(10)", 10, {0x2b, 0x07, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff},
                      &locate_10),
    detail::on_strand("ALLOW OVERWRITE", 16,
                      {0x82, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                      &allow_overwrite, 60),
    detail::read_position("READ POSITION (SHORT FORM)", 0x00, false, &read_position_short),
    detail::read_position("READ POSITION (SHORT FORM, VENDOR SPECIFIC)", 0x01, false,
                          &read_position_short),
    detail::read_position("READ POSITION (LONG FORM)", 0x06, false, &read_position_long),
    detail::read_position("READ POSITION (EXTENDED FORM)", 0x08, true, &read_position_extended),
    detail::on_strand("SPACE(16)", 16,
                      {0x91, 0x0f, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                      &space_16),
    detail::on_strand("LOCATE(16)", 16,
                      {0x92, 0x3b, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                      &locate_16),
};
static_assert(scsi::valid_table(drive_rows));

}  // namespace tgt::ssc
