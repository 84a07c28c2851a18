// SPDX-License-Identifier: GPL-2.0-or-later
// The disk's own rows of the op table; disk.cc joins them with those of SPC.
#pragma once

#include "device/sbc/handlers.h"
#include "scsi/op_table.h"
#include "scsi/spc_commands.h"

namespace tgt::sbc {

// CDB usage data by CDB length: LBA, length and group number are read whole, the control byte must
// be zero, byte 1 is the command's own.
constexpr std::array<uint8_t, 16> usage_6(uint8_t opcode) {
    return {opcode, 0x1f, 0xff, 0xff, 0xff, 0};
}
constexpr std::array<uint8_t, 16> usage_10(uint8_t opcode, uint8_t byte1) {
    return {opcode, byte1, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0};
}
constexpr std::array<uint8_t, 16> usage_12(uint8_t opcode, uint8_t byte1) {
    return {opcode, byte1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0};
}
constexpr std::array<uint8_t, 16> usage_16(uint8_t opcode, uint8_t byte1) {
    return {opcode, byte1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff,   0xff,  0xff, 0xff, 0xff, 0xff, 0x1f, 0};
}

// Byte 1. The protection fields (bits 7-5) stay reserved: there is no protection information.
constexpr uint8_t dpo_fua = 0x1a;     // DPO, FUA, FUA_NV
constexpr uint8_t dpo_bytchk = 0x16;  // DPO, BYTCHK
constexpr uint8_t immed = 0x02;
constexpr uint8_t immed_sync_nv = 0x06;  // SYNC_NV asks for no more than what is done anyway

namespace detail {

using scsi::Amount;
using scsi::Direction;
using scsi::Kind;
using scsi::OpRow;
using scsi::Range;
using scsi::ReservationClass;

constexpr Range range_of(uint8_t length) {
    return length == 6    ? Range::cdb6
           : length == 10 ? Range::cdb10
           : length == 12 ? Range::cdb12
                          : Range::cdb16;
}
constexpr std::array<uint8_t, 16> usage_of(uint8_t opcode, uint8_t length, uint8_t byte1) {
    return length == 6    ? usage_6(opcode)
           : length == 10 ? usage_10(opcode, byte1)
           : length == 12 ? usage_12(opcode, byte1)
                          : usage_16(opcode, byte1);
}

constexpr OpRow base(std::string_view name, uint8_t opcode, uint8_t length, uint8_t byte1) {
    OpRow row;
    row.name = name;
    row.opcode = opcode;
    row.cdb_length = length;
    row.usage = usage_of(opcode, length, byte1);
    row.range = range_of(length);
    row.reach = &scsi::reach_of_range;
    row.timeout = 30;
    return row;
}
constexpr OpRow read(std::string_view name, uint8_t opcode, uint8_t length) {
    OpRow row = base(name, opcode, length, dpo_fua);
    row.direction = Direction::in;
    row.reservation = ReservationClass::read;
    row.flags = scsi::op_repeatable;
    row.amount = Amount::blocks;
    row.kind = Kind::io;
    row.start = &start_read;
    return row;
}
constexpr OpRow write(std::string_view name, uint8_t opcode, uint8_t length) {
    OpRow row = base(name, opcode, length, dpo_fua);
    row.direction = Direction::out;
    row.reservation = ReservationClass::write;
    row.flags = scsi::op_writes | scsi::op_repeatable;
    row.amount = Amount::blocks;
    row.kind = Kind::io;
    row.start = &start_write;
    return row;
}
// A blocking command that writes.
constexpr OpRow change(std::string_view name, uint8_t opcode, uint8_t length, uint8_t byte1,
                       Amount amount, scsi::Run run, uint16_t flags) {
    OpRow row = base(name, opcode, length, byte1);
    row.direction = Direction::out;
    row.reservation = ReservationClass::write;
    row.flags = uint16_t(scsi::op_writes | flags);
    row.amount = amount;
    row.timeout = 60;
    row.kind = Kind::blocking;
    row.run = run;
    return row;
}
constexpr OpRow verify_row(std::string_view name, uint8_t opcode, uint8_t length) {
    OpRow row = base(name, opcode, length, dpo_bytchk);
    row.direction = Direction::out;
    row.reservation = ReservationClass::read;
    row.flags = scsi::op_repeatable;
    row.amount = Amount::verify_bytes;
    row.timeout = 60;
    row.kind = Kind::blocking;
    row.run = &verify;
    return row;
}
constexpr OpRow range_only(std::string_view name, uint8_t opcode, uint8_t length, uint8_t byte1,
                           ReservationClass reservation, scsi::Start start) {
    OpRow row = base(name, opcode, length, byte1);
    row.reservation = reservation;
    row.flags = scsi::op_zero_is_rest | scsi::op_repeatable;
    row.timeout = 60;
    row.kind = Kind::io;
    row.start = start;
    row.reach = nullptr;
    return row;
}
// No LBA range; byte by byte usage.
constexpr OpRow other(std::string_view name, std::array<uint8_t, 16> usage, uint8_t length,
                      scsi::Run run) {
    OpRow row;
    row.name = name;
    row.opcode = usage[0];
    row.usage = usage;
    row.cdb_length = length;
    row.run = run;
    return row;
}

constexpr OpRow read_capacity_10_row() {
    OpRow row = other("READ CAPACITY(10)", {0x25, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01, 0}, 10,
                      &read_capacity_10);
    row.direction = Direction::in;
    row.flags = scsi::op_repeatable;
    return row;
}
constexpr OpRow read_capacity_16_row() {
    OpRow row = other("READ CAPACITY(16)",
                      {0x9e, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                       0xff, 0x01, 0},
                      16, &read_capacity_16);
    row.service_action = 0x10;
    row.direction = Direction::in;
    row.flags = scsi::op_repeatable;
    row.amount = Amount::field;
    row.length_at = 10;
    row.length_bytes = 4;
    return row;
}
constexpr OpRow get_lba_status_row() {
    OpRow row = read_capacity_16_row();
    row.name = "GET LBA STATUS";
    row.service_action = 0x12;
    row.usage[1] = 0x12;
    row.usage[14] = 0;
    row.reservation = ReservationClass::read;
    row.range = Range::cdb16_lba;
    row.reach = nullptr;
    row.kind = Kind::blocking;
    row.run = &get_lba_status;
    return row;
}
constexpr OpRow unmap_row() {
    OpRow row = other("UNMAP", {0x42, 0, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0}, 10, &unmap);
    row.direction = Direction::out;
    row.reservation = ReservationClass::write;
    row.flags = scsi::op_writes | scsi::op_thin_only | scsi::op_repeatable;
    row.amount = Amount::field;
    row.length_at = 7;
    row.length_bytes = 2;
    row.timeout = 60;
    row.kind = Kind::blocking;
    row.reach = &unmap_reach;
    return row;
}
constexpr OpRow compare_and_write_row() {
    OpRow row = change("COMPARE AND WRITE", 0x89, 16, dpo_fua, Amount::two_times,
                       &compare_and_write, scsi::op_exclusive | scsi::op_short_job);
    row.range = Range::cdb16_byte;
    for (size_t i = 10; i < 13; ++i) row.usage[i] = 0;
    return row;
}
constexpr OpRow format_row() {
    OpRow row = other("FORMAT UNIT", {0x04, 0, 0, 0, 0, 0}, 6, &format_unit);
    row.reservation = ReservationClass::write;
    row.flags = scsi::op_writes;
    row.timeout = 28800;
    row.kind = Kind::blocking;
    row.reach = &whole_medium;
    return row;
}
// Its reservation rules depend on START: the handler knows them.
constexpr OpRow start_stop_row() {
    OpRow row = other("START STOP UNIT", {0x1b, 0x01, 0, 0x0f, 0xf7, 0}, 6, nullptr);
    row.flags = scsi::op_not_ready;
    row.timeout = 60;
    row.kind = Kind::control;
    row.start = &start_stop_unit;
    return row;
}

}  // namespace detail

inline constexpr std::array disk_rows{
    detail::format_row(),
    detail::read("READ(6)", 0x08, 6),
    detail::write("WRITE(6)", 0x0a, 6),
    detail::start_stop_row(),
    scsi::prevent_allow_row,
    detail::read_capacity_10_row(),
    detail::read("READ(10)", 0x28, 10),
    detail::write("WRITE(10)", 0x2a, 10),
    detail::change("WRITE AND VERIFY(10)", 0x2e, 10, dpo_bytchk, scsi::Amount::blocks,
                   &write_and_verify, scsi::op_repeatable),
    detail::verify_row("VERIFY(10)", 0x2f, 10),
    detail::range_only("PRE-FETCH(10)", 0x34, 10, immed, scsi::ReservationClass::read,
                       &start_prefetch),
    detail::range_only("SYNCHRONIZE CACHE(10)", 0x35, 10, immed_sync_nv,
                       scsi::ReservationClass::write, &start_synchronize_cache),
    detail::change("WRITE SAME(10)", 0x41, 10, 0x08, scsi::Amount::one_block, &write_same,
                   scsi::op_exclusive | scsi::op_zero_is_rest | scsi::op_repeatable),
    detail::unmap_row(),
    detail::read("READ(16)", 0x88, 16),
    detail::compare_and_write_row(),
    detail::write("WRITE(16)", 0x8a, 16),
    detail::change("ORWRITE(16)", 0x8b, 16, dpo_fua, scsi::Amount::blocks, &or_write,
                   scsi::op_exclusive | scsi::op_short_job | scsi::op_repeatable),
    detail::change("WRITE AND VERIFY(16)", 0x8e, 16, dpo_bytchk, scsi::Amount::blocks,
                   &write_and_verify, scsi::op_repeatable),
    detail::verify_row("VERIFY(16)", 0x8f, 16),
    detail::range_only("PRE-FETCH(16)", 0x90, 16, immed, scsi::ReservationClass::read,
                       &start_prefetch),
    detail::range_only("SYNCHRONIZE CACHE(16)", 0x91, 16, immed_sync_nv,
                       scsi::ReservationClass::write, &start_synchronize_cache),
    detail::change("WRITE SAME(16)", 0x93, 16, 0x09, scsi::Amount::one_block, &write_same,
                   scsi::op_exclusive | scsi::op_zero_is_rest | scsi::op_repeatable),
    detail::read_capacity_16_row(),
    detail::get_lba_status_row(),
    detail::read("READ(12)", 0xa8, 12),
    detail::write("WRITE(12)", 0xaa, 12),
    detail::change("WRITE AND VERIFY(12)", 0xae, 12, dpo_bytchk, scsi::Amount::blocks,
                   &write_and_verify, scsi::op_repeatable),
    detail::verify_row("VERIFY(12)", 0xaf, 12),
};
static_assert(scsi::valid_table(disk_rows));

}  // namespace tgt::sbc
