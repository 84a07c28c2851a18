// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/passthrough/passthrough.h"

#include "device/passthrough/answer.h"
#include "device/passthrough/cdb_length.h"
#include "scsi/command.h"
#include "store/scsi_port.h"

namespace tgt::passthrough {

namespace {

constexpr uint8_t unknown_type = 0x1f;  // only the device knows
constexpr uint16_t additional_cdb_length_at = 7;

std::span<const iovec> pieces(const io::Buffer& buffer) {
    return buffer.segments();
}

// On a thread of the pool.
scsi::Outcome run(scsi::Command& command) {
    store::ScsiPort* port = command.store().scsi_port();
    if (!port) return scsi::sense::not_ready(0x00);  // its handle was closed: it is gone
    const auto cdb = std::span<const uint8_t>(command.cdb).first(command.cdb_length);
    const size_t length = cdb_length(cdb);
    if (length == 0) return scsi::sense::invalid_field_in_cdb(additional_cdb_length_at);
    // A device may say that it has sent more than it has.
    command.in.fill_zero(0, command.in.size());
    store::ScsiRequest request;
    request.cdb = cdb.first(std::min(length, cdb.size()));
    request.in = pieces(command.in);
    request.out = pieces(command.out);
    request.length = command.in.size() + command.out.size();
    return accept(command, port->execute(request));
}

constexpr scsi::OpRow any_command(std::string_view name, scsi::Direction direction) {
    scsi::OpRow row;
    row.name = name;
    row.direction = direction;
    row.reservation = scsi::ReservationClass::always;
    row.flags = scsi::op_with_unit_attention | scsi::op_io_lane;
    if (direction != scsi::Direction::none) row.amount = scsi::Amount::expected;
    row.kind = scsi::Kind::blocking;
    row.run = &run;
    return row;
}

constexpr scsi::OpRow without_data = any_command("command without data", scsi::Direction::none);
constexpr scsi::OpRow with_data_in = any_command("command with data in", scsi::Direction::in);
constexpr scsi::OpRow with_data_out = any_command("command with data out", scsi::Direction::out);

// The initiator knows in which direction the data of its command goes; Linux carries one.
const scsi::OpRow* choose_row(const scsi::Command& command) {
    if (command.expected_in > 0 && command.expected_out > 0) return nullptr;
    if (command.expected_in > 0) return &with_data_in;
    return command.expected_out > 0 ? &with_data_out : &without_data;
}

const scsi::OpIndex& no_ops() {
    static const scsi::OpIndex index(std::span<const scsi::OpRow>{});
    return index;
}

// What management shows: the device's own identity is behind INQUIRY.
scsi::LunState initial_state(const scsi::LunSetup& setup) {
    scsi::LunState state;
    state.identity = setup.identity;
    return state;
}

scsi::DeviceType describe() {
    scsi::DeviceType type;
    type.name = "pt";
    type.shown = "passthrough";
    type.content = store::Content::commands;
    type.peripheral_type = unknown_type;
    type.ops = &no_ops;
    type.choose_row = &choose_row;
    type.initial_state = &initial_state;
    type.block_descriptor = [](const scsi::LunState&, bool) { return std::vector<uint8_t>(); };
    type.device_specific = [](const scsi::LunState&) { return uint8_t(0); };
    return type;
}

}  // namespace

const scsi::DeviceType passthrough = describe();

}  // namespace tgt::passthrough
