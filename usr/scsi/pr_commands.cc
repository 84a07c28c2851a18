// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/pr_commands.h"

#include <algorithm>
#include <bit>

#include "scsi/nexus.h"
#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr uint8_t protocol_iscsi = 5;
constexpr uint8_t transport_id_device = 0x00 | protocol_iscsi;  // FORMAT CODE 00b
constexpr uint8_t transport_id_port = 0x40 | protocol_iscsi;    // FORMAT CODE 01b
constexpr std::string_view port_separator = ",i,0x";
constexpr size_t min_name_bytes = 20;
constexpr size_t isid_digits = 12;

constexpr uint8_t action_register = 0;
constexpr uint8_t action_register_and_ignore = 6;
constexpr uint8_t action_register_and_move = 7;
constexpr size_t basic_list = 24;

template <size_t Bytes>
void append_be(std::vector<uint8_t>& out, uint64_t value) {
    for (size_t i = Bytes; i-- > 0;) out.push_back(uint8_t(value >> (8 * i)));
}

// ---- PERSISTENT RESERVE IN ----

// SPC-4 6.15.2
void append_keys(std::vector<uint8_t>& out, const Reservations& reservations) {
    for (const Registration& r : reservations.registrations) append_be<8>(out, r.key);
}

// SPC-4 6.15.3: the all-registrants types have no one holder, so no key either.
void append_reservation(std::vector<uint8_t>& out, const Reservations& reservations) {
    if (!reservations.reserved()) return;
    const Registration* holder =
        reservations.holder ? reservations.find(*reservations.holder) : nullptr;
    append_be<8>(out, holder ? holder->key : 0);
    append_be<5>(out, 0);
    append_be<1>(out, uint8_t(reservations.type));
    append_be<2>(out, 0);
}

// SPC-4 6.15.5
void append_full_status(std::vector<uint8_t>& out, const Reservations& reservations) {
    for (const Registration& r : reservations.registrations) {
        const bool holder = reservations.is_holder(r.nexus);
        std::vector<uint8_t> transport_id;
        append_transport_id(transport_id, r.nexus.initiator_port);
        append_be<8>(out, r.key);
        append_be<4>(out, 0);
        append_be<1>(out, holder ? 0x01 : 0x00);  // R_HOLDER
        append_be<1>(out, holder ? uint8_t(reservations.type) : 0);
        append_be<4>(out, 0);
        append_be<2>(out, r.nexus.relative_target_port);
        append_be<4>(out, transport_id.size());
        out.insert(out.end(), transport_id.begin(), transport_id.end());
    }
}

// SPC-4 6.15.4: no CRH, SIP_C, ATP_C or PTPL_C; TMV; TEST UNIT READY passes every reservation; all
// six types.
std::vector<uint8_t> capabilities() {
    return {0x00, 0x08, 0x00, 0x80 | 0x10, 0xea, 0x01, 0x00, 0x00};
}

// ---- PERSISTENT RESERVE OUT ----

using Decoded = Result<PrOut, Sense>;

tl::unexpected<Sense> wrong(const Sense& sense) {
    return tl::unexpected<Sense>(sense);
}
tl::unexpected<Sense> wrong_parameter(size_t byte, int8_t bit = -1) {
    return wrong(sense::invalid_field_in_parameters(uint16_t(byte), bit));
}

// The highest reserved bit that is set, or -1.
int8_t reserved_bit(uint8_t byte, uint8_t defined) {
    return int8_t(std::bit_width(uint8_t(byte & ~defined)) - 1);
}

// SPC-4 6.16.3. SPEC_I_PT and persistence through power loss are not supported, nor is ALL_TG_PT,
// where they count.
Decoded decode_basic(PrOut request, std::span<const uint8_t> list) {
    const bool registers = request.service_action == action_register ||
                           request.service_action == action_register_and_ignore;
    const uint8_t flags = list[20];
    if (int8_t bit = reserved_bit(flags, 0x0d); bit >= 0) return wrong_parameter(20, bit);
    if (flags & 0x08) return wrong_parameter(20, 3);
    if (registers && (flags & 0x04)) return wrong_parameter(20, 2);
    if (registers && (flags & 0x01)) return wrong_parameter(20, 0);
    if (list.size() != basic_list) return wrong(sense::parameter_list_length_error());
    if (list[21] != 0) return wrong_parameter(21);
    return request;
}

// SPC-4 6.16.4
Decoded decode_move(PrOut request, std::span<const uint8_t> list, uint16_t relative_port) {
    if (list[16] != 0) return wrong_parameter(16);
    if (int8_t bit = reserved_bit(list[17], 0x03); bit >= 0) return wrong_parameter(17, bit);
    if (list[17] & 0x01) return wrong_parameter(17, 0);  // APTPL
    request.unregister = (list[17] & 0x02) != 0;
    request.move_to.relative_target_port = wire::load_be<2>(&list[18]);
    if (request.move_to.relative_target_port != relative_port) return wrong_parameter(18);
    if (list.size() - basic_list != wire::load_be<4>(&list[20]))
        return wrong(sense::parameter_list_length_error());
    auto port = parse_transport_id(list.subspan(basic_list));
    if (!port) return wrong_parameter(basic_list + port.error());
    request.move_to.initiator_port = *port;
    return request;
}

Outcome run_pr_in(Command& command, PrIn action) {
    const Reservations& reservations = command.state().reservations;
    // SPC-2 5.5.1: the two kinds of reservations exclude each other.
    if (reservations.reserve6_holder) return Status::reservation_conflict;
    return command.reply(persistent_reserve_in_data(reservations, action), command.extents.bytes);
}

}  // namespace

void append_transport_id(std::vector<uint8_t>& out, std::string_view initiator_port) {
    const bool is_port = initiator_port.find(port_separator) != std::string_view::npos;
    const size_t padded = (initiator_port.size() + 1 + 3) / 4 * 4;  // a NUL at least
    const size_t length = std::max(padded, min_name_bytes);
    out.insert(out.end(), {is_port ? transport_id_port : transport_id_device, 0,
                           uint8_t(length >> 8), uint8_t(length)});
    out.insert(out.end(), initiator_port.begin(), initiator_port.end());
    out.insert(out.end(), length - initiator_port.size(), 0);
}

Result<std::string, size_t> parse_transport_id(std::span<const uint8_t> bytes) {
    auto bad = [](size_t offset) { return tl::unexpected<size_t>(offset); };
    if (bytes.size() < 4 + min_name_bytes || bytes[0] != transport_id_port) return bad(0);
    if (wire::load_be<2>(&bytes[2]) != bytes.size() - 4 || bytes.size() % 4 != 0) return bad(2);
    const auto name = bytes.subspan(4);
    const auto end = std::find(name.begin(), name.end(), 0);
    if (end == name.end() || std::any_of(end, name.end(), [](uint8_t b) { return b != 0; }))
        return bad(4);
    std::string port(name.begin(), end);
    const size_t separator = port.find(port_separator);
    if (separator == 0 || separator == std::string::npos) return bad(4);
    const size_t digits = separator + port_separator.size();
    if (port.size() - digits != isid_digits) return bad(4);
    for (size_t i = digits; i < port.size(); ++i) {
        if (port[i] >= 'A' && port[i] <= 'F') port[i] = char(port[i] - 'A' + 'a');
        const bool digit = (port[i] >= '0' && port[i] <= '9') || (port[i] >= 'a' && port[i] <= 'f');
        if (!digit) return bad(4);
    }
    return port;
}

std::vector<uint8_t> persistent_reserve_in_data(const Reservations& reservations, PrIn action) {
    if (action == PrIn::report_capabilities) return capabilities();
    std::vector<uint8_t> out;
    append_be<4>(out, reservations.generation);
    append_be<4>(out, 0);
    if (action == PrIn::read_keys) append_keys(out, reservations);
    if (action == PrIn::read_reservation) append_reservation(out, reservations);
    if (action == PrIn::read_full_status) append_full_status(out, reservations);
    wire::store_be<4>(&out[4], uint32_t(out.size() - 8));
    return out;
}

Result<PrOut, Sense> decode_persistent_reserve_out(std::span<const uint8_t> cdb,
                                                   std::span<const uint8_t> list,
                                                   uint16_t relative_port) {
    PrOut request;
    request.service_action = cdb[1] & 0x1f;
    request.scope = cdb[2] >> 4;
    request.type = cdb[2] & 0x0f;
    if (list.size() < basic_list) return wrong(sense::parameter_list_length_error());
    request.key = wire::load_be<8>(&list[0]);
    request.service_action_key = wire::load_be<8>(&list[8]);
    if (request.service_action == action_register_and_move)
        return decode_move(std::move(request), list, relative_port);
    return decode_basic(std::move(request), list);
}

LunChange persistent_reserve_change(const LunState& now, const NexusId& nexus,
                                    const PrOut& request) {
    LunChange change;
    PrResult result = apply(now.reservations, nexus, request);
    if (result.status == PrStatus::conflict) change.outcome = Status::reservation_conflict;
    if (result.status == PrStatus::check) change.outcome = result.sense;
    if (result.status != PrStatus::good) return change;
    if (result.next != now.reservations) {
        change.next = std::make_shared<LunState>(now);
        change.next->reservations = std::move(result.next);
    }
    for (auto& attention : result.effects.attentions)
        change.attentions.push_back({attention.attention, attention.nexus, std::nullopt});
    change.abort_commands_of = std::move(result.effects.abort_commands_of);
    return change;
}

// SPC-2 5.5.1 (CRH = 0): any registration shuts RESERVE and RELEASE out, whoever asks.
LunChange reserve_change(const LunState& now, const NexusId& nexus) {
    LunChange change;
    const Reservations& reservations = now.reservations;
    const bool others = reservations.reserve6_holder && reservations.reserve6_holder != nexus;
    if (others || !reservations.registrations.empty()) {
        change.outcome = Status::reservation_conflict;
    } else if (!reservations.reserve6_holder) {
        change.next = std::make_shared<LunState>(now);
        change.next->reservations.reserve6_holder.emplace(nexus);
    }
    return change;
}

LunChange release_change(const LunState& now, const NexusId& nexus) {
    LunChange change;
    if (!now.reservations.registrations.empty()) {
        change.outcome = Status::reservation_conflict;
    } else if (now.reservations.reserve6_holder == nexus) {
        change.next = std::make_shared<LunState>(now);
        change.next->reservations.reserve6_holder.reset();
    }
    return change;
}

Outcome run_read_keys(Command& command) {
    return run_pr_in(command, PrIn::read_keys);
}
Outcome run_read_reservation(Command& command) {
    return run_pr_in(command, PrIn::read_reservation);
}
Outcome run_report_capabilities(Command& command) {
    return run_pr_in(command, PrIn::report_capabilities);
}
Outcome run_read_full_status(Command& command) {
    return run_pr_in(command, PrIn::read_full_status);
}

Step start_persistent_reserve_out(Command& command) {
    auto list = command.parameter_list();
    if (list.size() < command.out_total) list.clear();  // less came than the CDB says
    const NexusId& nexus = command.nexus->id();
    auto request = decode_persistent_reserve_out(command.cdb, list, nexus.relative_target_port);
    if (!request) {
        command.outcome = request.error();
        return Step::done;
    }
    return change_state(command, [nexus, request = std::move(*request)](const LunState& now) {
        return persistent_reserve_change(now, nexus, request);
    });
}

Step start_reserve(Command& command) {
    return change_state(command, [nexus = command.nexus->id()](const LunState& now) {
        return reserve_change(now, nexus);
    });
}

Step start_release(Command& command) {
    return change_state(command, [nexus = command.nexus->id()](const LunState& now) {
        return release_change(now, nexus);
    });
}

}  // namespace tgt::scsi
