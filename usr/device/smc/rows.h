// SPDX-License-Identifier: GPL-2.0-or-later
// The changer's own rows of the op table; changer.cc joins them with those of SPC. Reservation
// classes: SMC-3 table 3.
#pragma once

#include "device/smc/handlers.h"
#include "scsi/op_table.h"

namespace tgt::smc {

constexpr uint16_t move_timeout = 300;

constexpr scsi::OpRow action(std::string_view name, std::array<uint8_t, 16> usage,
                             uint8_t cdb_length, scsi::Run run) {
    scsi::OpRow row;
    row.name = name;
    row.opcode = usage[0];
    row.cdb_length = cdb_length;
    row.usage = usage;
    row.reservation = scsi::ReservationClass::write;
    row.timeout = move_timeout;
    row.kind = scsi::Kind::blocking;
    row.run = run;
    return row;
}

constexpr scsi::OpRow report(std::string_view name, std::array<uint8_t, 16> usage, scsi::Run run) {
    scsi::OpRow row = action(name, usage, 12, run);
    row.direction = scsi::Direction::in;
    row.reservation = scsi::ReservationClass::read;
    row.flags = scsi::op_repeatable;
    row.amount = scsi::Amount::field;
    row.length_at = 7;
    row.length_bytes = 3;
    return row;
}

constexpr scsi::OpRow information_row() {
    scsi::OpRow row =
        report("REPORT ELEMENT INFORMATION",
               {0x9e, 0x10, 0xff, 0x3f, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
               &report_element_information);
    row.service_action = 0x10;
    row.cdb_length = 16;
    row.length_at = 10;
    row.length_bytes = 4;
    return row;
}

constexpr scsi::OpRow send_tag() {
    scsi::OpRow row = action("SEND VOLUME TAG", {0xb6, 0x0f, 0xff, 0xff, 0, 0x1f, 0, 0, 0xff, 0xff},
                             12, &send_volume_tag);
    row.direction = scsi::Direction::out;
    row.amount = scsi::Amount::field;
    row.length_at = 8;
    row.length_bytes = 2;
    return row;
}

// Of the status class: that PREVENT conflicts and ALLOW does not, the handler knows.
constexpr scsi::OpRow prevent_row() {
    scsi::OpRow row;
    row.name = "PREVENT ALLOW MEDIUM REMOVAL";
    row.opcode = 0x1e;
    row.cdb_length = 6;
    row.usage = {0x1e, 0, 0, 0, 0x03};
    row.reservation = scsi::ReservationClass::status;
    row.flags = scsi::op_not_ready;
    row.run = &prevent_allow;
    return row;
}

// INITIALIZE ELEMENT STATUS WITH RANGE is 37h in SMC-3, and E7h in libraries older than that. The
// control byte of MOVE MEDIUM is where mtx tells some libraries what to do with their door; its
// vendor specific bits mean nothing here.
inline constexpr std::array<scsi::OpRow, 12> changer_rows = {
    action("INITIALIZE ELEMENT STATUS", {0x07}, 6, &initialize_element_status),
    action("OPEN/CLOSE IMPORT/EXPORT ELEMENT", {0x1b, 0, 0xff, 0xff, 0x1f}, 6, &open_close_element),
    prevent_row(),
    action("POSITION TO ELEMENT", {0x2b, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01}, 10,
           &position_to_element),
    action("INITIALIZE ELEMENT STATUS WITH RANGE", {0x37, 0x03, 0xff, 0xff, 0, 0, 0xff, 0xff}, 10,
           &initialize_range),
    information_row(),
    action("MOVE MEDIUM", {0xa5, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01, 0xc0}, 12,
           &move_medium),
    action("EXCHANGE MEDIUM", {0xa6, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03}, 12,
           &exchange_medium),
    report("REQUEST VOLUME ELEMENT ADDRESS",
           {0xb5, 0x1f, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff},
           &request_volume_element_address),
    send_tag(),
    // Bits 7 to 5 of byte 1 were the LUN once, and mtx still sends it there.
    report("READ ELEMENT STATUS", {0xb8, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03, 0xff, 0xff, 0xff},
           &read_element_status),
    action("INITIALIZE ELEMENT STATUS WITH RANGE", {0xe7, 0x03, 0xff, 0xff, 0, 0, 0xff, 0xff}, 10,
           &initialize_range),
};

}  // namespace tgt::smc
