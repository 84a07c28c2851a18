// SPDX-License-Identifier: GPL-2.0-or-later
// Rows of the op table for pages and data about drive and cartridge; tape.cc joins them with the
// others. Where the cartridge is concerned they run on the strand, SPC's own commands included.
#pragma once

#include <initializer_list>

#include "device/ssc/page_handlers.h"
#include "scsi/spc_commands.h"

namespace tgt::ssc {

namespace detail {

using scsi::OpRow;
using scsi::ReservationClass;

constexpr OpRow page_in(OpRow row) {
    row.kind = scsi::Kind::blocking;
    row.flags = scsi::op_not_ready;
    return row;
}
constexpr OpRow page_out(OpRow row, scsi::Run run) {
    row.kind = scsi::Kind::blocking;
    row.start = nullptr;
    row.run = run;
    return row;
}
constexpr OpRow read_attribute_row(std::string_view name, uint8_t action) {
    return scsi::spc::with_action(
        page_in(scsi::spc::parameter_in(
            name, 0x8c,
            {0x8c, action, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 16,
            10, 4, ReservationClass::write, 0, &read_attribute)),
        action);
}
constexpr bool among(uint8_t opcode, std::initializer_list<uint8_t> opcodes) {
    for (uint8_t one : opcodes)
        if (one == opcode) return true;
    return false;
}
// The rows whose opcodes are not among those.
template <size_t Left, size_t Rows>
constexpr std::array<OpRow, Left> without(const std::array<OpRow, Rows>& rows,
                                          std::initializer_list<uint8_t> opcodes) {
    std::array<OpRow, Left> left{};
    size_t count = 0;
    for (const OpRow& row : rows)
        if (!among(row.opcode, opcodes)) left[count++] = row;
    return left;
}

}  // namespace detail

// Those of SPC that know nothing of the cartridge.
inline constexpr auto common_rows =
    detail::without<scsi::spc_rows.size() - 3>(scsi::spc_rows, {0x1a, 0x4d, 0x5a});

inline constexpr std::array page_rows{
    detail::page_in(scsi::spc::parameter_in("MODE SENSE(6)", 0x1a, {0x1a, 0x08, 0xff, 0xff, 0xff},
                                            6, 4, 1, scsi::ReservationClass::write, 0,
                                            &mode_sense)),
    detail::page_in(scsi::spc::parameter_in(
        "REPORT DENSITY SUPPORT", 0x44, {0x44, 0x03, 0, 0, 0, 0, 0, 0xff, 0xff}, 10, 7, 2,
        scsi::ReservationClass::status, 0, &report_density_support)),
    detail::page_out(
        scsi::spc::parameter_out("LOG SELECT", 0x4c, {0x4c, 0x03, 0xff, 0xff, 0, 0, 0, 0xff, 0xff},
                                 10, 7, 2, scsi::ReservationClass::write, nullptr),
        &log_select),
    detail::page_in(scsi::spc::parameter_in("LOG SENSE", 0x4d,
                                            {0x4d, 0, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff}, 10, 7,
                                            2, scsi::ReservationClass::status, 0, &log_sense)),
    detail::page_in(scsi::spc::parameter_in("MODE SENSE(10)", 0x5a,
                                            {0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff}, 10, 7, 2,
                                            scsi::ReservationClass::write, 0, &mode_sense)),
    detail::read_attribute_row("READ ATTRIBUTE (ATTRIBUTE VALUES)", 0),
    detail::read_attribute_row("READ ATTRIBUTE (ATTRIBUTE LIST)", 1),
    detail::read_attribute_row("READ ATTRIBUTE (LOGICAL VOLUME LIST)", 2),
    detail::read_attribute_row("READ ATTRIBUTE (PARTITION LIST)", 3),
    detail::read_attribute_row("READ ATTRIBUTE (SUPPORTED ATTRIBUTES)", 5),
    detail::page_out(
        scsi::spc::parameter_out("WRITE ATTRIBUTE", 0x8d,
                                 {0x8d, 0x01, 0, 0, 0, 0xff, 0, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff},
                                 16, 10, 4, scsi::ReservationClass::write, nullptr),
        &write_attribute),
    detail::page_in(scsi::spc::parameter_in(
        "SECURITY PROTOCOL IN", 0xa2, {0xa2, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff}, 12, 6,
        4, scsi::ReservationClass::write, 0, &security_protocol_in)),
    detail::page_out(
        scsi::spc::parameter_out("SECURITY PROTOCOL OUT", 0xb5,
                                 {0xb5, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff}, 12, 6, 4,
                                 scsi::ReservationClass::write, nullptr),
        &security_protocol_out),
};

}  // namespace tgt::ssc
