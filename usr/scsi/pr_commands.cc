// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/pr_commands.h"

#include <algorithm>
#include <bit>
#include <set>

#include "scsi/nexus.h"
#include "scsi/transport_id.h"
#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr uint8_t action_register = 0;
constexpr uint8_t action_register_and_ignore = 6;
constexpr uint8_t action_register_and_move = 7;
constexpr size_t basic_list = 24;
constexpr size_t ids_at = 28;       // behind the TRANSPORTID PARAMETER DATA LENGTH of SPEC_I_PT
constexpr size_t max_list = 65535;  // what a field pointer reaches

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

// SPC-4 6.15.5. One descriptor for each I_T nexus, so ALL_TG_PT is never set: that would have to be
// taken back when the logical unit gets another target port.
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

// SPC-4 6.15.4: SIP_C, ATP_C, PTPL_C, not CRH; TMV, TEST UNIT READY passes every reservation,
// PTPL_A; all six types.
std::vector<uint8_t> capabilities(const LunState& state) {
    const uint8_t keeps = state.keeps_reservations ? 0x01 : 0;
    const uint8_t kept = state.reservations.aptpl ? 0x01 : 0;
    return {0x00, 0x08, uint8_t(0x08 | 0x04 | keeps), uint8_t(0x80 | 0x10 | kept), 0xea, 0x01,
            0x00, 0x00};
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

// SPC-4 6.16.3, table 215: TransportIDs that fill what their length says, and the list.
Decoded decode_initiators(PrOut request, std::span<const uint8_t> list) {
    if (list.size() < ids_at || list.size() > max_list ||
        list.size() - ids_at != wire::load_be<4>(&list[basic_list]))
        return wrong(sense::parameter_list_length_error());
    for (size_t at = ids_at; at < list.size();) {
        const auto rest = list.subspan(at);
        const size_t length = transport_id_bytes(rest);
        if (length == 0 || length > rest.size()) return wrong_parameter(basic_list);
        auto initiator = parse_initiator(rest.first(length));
        if (!initiator) return wrong_parameter(at + initiator.error());
        request.initiators.push_back({std::move(*initiator), uint16_t(at)});
        at += length;
    }
    return request;
}

// SPC-4 6.16.3, table 216: APTPL and ALL_TG_PT count for registering only, SPEC_I_PT is for
// REGISTER alone.
Decoded decode_basic(PrOut request, std::span<const uint8_t> list) {
    const bool registers = request.service_action == action_register ||
                           request.service_action == action_register_and_ignore;
    const uint8_t flags = list[20];
    if (int8_t bit = reserved_bit(flags, 0x0d); bit >= 0) return wrong_parameter(20, bit);
    request.specify_initiators = (flags & 0x08) != 0;
    request.all_target_ports = registers && (flags & 0x04) != 0;
    request.aptpl = registers && (flags & 0x01) != 0;
    if (request.specify_initiators && request.service_action != action_register)
        return wrong_parameter(20, 3);
    if (list[21] != 0) return wrong_parameter(21);
    if (request.specify_initiators) return decode_initiators(std::move(request), list);
    if (list.size() != basic_list) return wrong(sense::parameter_list_length_error());
    return request;
}

// SPC-4 6.16.4
Decoded decode_move(PrOut request, std::span<const uint8_t> list) {
    if (list[16] != 0) return wrong_parameter(16);
    if (int8_t bit = reserved_bit(list[17], 0x03); bit >= 0) return wrong_parameter(17, bit);
    request.aptpl = (list[17] & 0x01) != 0;
    request.unregister = (list[17] & 0x02) != 0;
    request.move_to.relative_target_port = wire::load_be<2>(&list[18]);
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
    return command.reply(persistent_reserve_in_data(command.state(), action),
                         command.extents.bytes);
}

}  // namespace

std::vector<uint8_t> persistent_reserve_in_data(const LunState& state, PrIn action) {
    if (action == PrIn::report_capabilities) return capabilities(state);
    const Reservations& reservations = state.reservations;
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
                                                   std::span<const uint8_t> list) {
    PrOut request;
    request.service_action = cdb[1] & 0x1f;
    request.scope = cdb[2] >> 4;
    request.type = cdb[2] & 0x0f;
    if (list.size() < basic_list) return wrong(sense::parameter_list_length_error());
    request.key = wire::load_be<8>(&list[0]);
    request.service_action_key = wire::load_be<8>(&list[8]);
    if (request.service_action == action_register_and_move)
        return decode_move(std::move(request), list);
    return decode_basic(std::move(request), list);
}

LunChange persistent_reserve_change(const LunState& now, const NexusId& nexus, const PrOut& request,
                                    PrSurroundings surroundings) {
    LunChange change;
    surroundings.keeps_reservations = now.keeps_reservations;
    PrResult result = apply(now.reservations, nexus, request, surroundings);
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

namespace {

LogicalUnit::Build pr_build(const Command& command, PrOut request,
                            std::vector<std::string> initiator_ports = {}) {
    return [&unit = command.shard->unit, nexus = command.nexus->id(), request = std::move(request),
            known = std::move(initiator_ports)](const LunState& now) {
        return persistent_reserve_change(now, nexus, request, {unit.ports(), known, false});
    };
}

bool names_device(const PrOut& request) {
    return std::any_of(request.initiators.begin(), request.initiators.end(),
                       [](const PrOut::Initiator& i) { return !names_port(i.name); });
}

// The initiator ports that are logged in, by worker: each writes its own.
using KnownPorts = std::vector<std::vector<std::string>>;

std::vector<std::string> merged(const KnownPorts& by_worker) {
    std::set<std::string> all;
    for (const auto& ports : by_worker) all.insert(ports.begin(), ports.end());
    return {all.begin(), all.end()};
}

// A request that names devices asks the workers first which ports these have.
Step change_with_known_ports(Command& command, PrOut request) {
    LunShard& shard = *command.shard;
    auto unit = shard.unit.shared_from_this();
    auto known = std::make_shared<KnownPorts>(unit->runtime().worker_count());
    auto collect = [unit, known](io::Worker& worker) {
        unit->shard(worker.index()).nexuses.for_each([&](ItlNexus& itl) {
            (*known)[worker.index()].push_back(itl.id.initiator_port);
        });
    };
    auto change = [&command, &shard, unit, known, request = std::move(request)] {
        unit->change(pr_build(command, request, merged(*known)), shard.worker,
                     [&command](const Outcome& outcome) { complete(command, outcome); });
    };
    unit->runtime().on_every_worker(std::move(collect), std::move(change));
    return Step::pending;
}

}  // namespace

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
    auto request = decode_persistent_reserve_out(command.cdb, list);
    if (!request) {
        command.outcome = request.error();
        return Step::done;
    }
    if (names_device(*request)) return change_with_known_ports(command, std::move(*request));
    return change_state(command, pr_build(command, std::move(*request)));
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
