// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/reservations.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "scsi/transport_id.h"

namespace tgt::scsi {

namespace {

// More than any cluster has paths; READ KEYS of that many fits its 16-bit allocation length.
constexpr size_t max_registrations = 4096;
constexpr size_t max_port_bytes = 240;  // an iSCSI name of 223 bytes with an ISID

bool is_all_registrants(ReservationType type) {
    return type == ReservationType::write_exclusive_all_registrants ||
           type == ReservationType::exclusive_access_all_registrants;
}

bool is_registrants_only(ReservationType type) {
    return type == ReservationType::write_exclusive_registrants_only ||
           type == ReservationType::exclusive_access_registrants_only;
}

bool is_write_exclusive(ReservationType type) {
    return type == ReservationType::write_exclusive ||
           type == ReservationType::write_exclusive_registrants_only ||
           type == ReservationType::write_exclusive_all_registrants;
}

bool is_valid_type(uint8_t type) {
    return type == 1 || type == 3 || (type >= 5 && type <= 8);
}

bool contains(const std::vector<NexusId>& nexuses, const NexusId& nexus) {
    return std::find(nexuses.begin(), nexuses.end(), nexus) != nexuses.end();
}

// The port itself, or the known ports of a device. A registration belongs to a port, whatever names
// it (SPC-4 5.13.7), so a device of which no port is known names nothing.
std::vector<std::string> ports_of(const std::string& initiator,
                                  const std::vector<std::string>& known) {
    if (names_port(initiator)) return {initiator};
    std::vector<std::string> ports;
    for (const std::string& port : known)
        if (device_of(port) == initiator) ports.push_back(port);
    return ports;
}

// One PERSISTENT RESERVE OUT that is being carried out: the state on its way to the next one, who
// asks, and what else has to happen.
class Transition {
  public:
    Transition(PrResult& result, const NexusId& nexus, const PrOut& request,
               const PrSurroundings& surroundings)
        : result_(result), nexus_(nexus), request_(request), surroundings_(surroundings) {}

    PrStatus register_key(bool ignore_existing);
    PrStatus reserve();
    PrStatus release();
    PrStatus clear();
    PrStatus preempt(bool abort);
    PrStatus register_and_move();
    PrStatus check(const Sense& sense) {
        result_.sense = sense;
        return PrStatus::check;
    }

  private:
    Reservations& next() { return result_.next; }
    Registration* find(const NexusId& nexus) {
        return const_cast<Registration*>(next().find(nexus));
    }
    Registration* own() { return find(nexus_); }
    // Every service action but the registering ones starts with this (SPC-4 5.13.11.2.1).
    bool key_matches() { return own() && own()->key == request_.key; }

    PrStatus done_with_generation() {
        ++next().generation;
        return PrStatus::good;
    }
    void attention(const NexusId& nexus, UnitAttention attention) {
        if (nexus != nexus_) result_.effects.attentions.push_back({nexus, attention});
    }
    void attention_for_registered(UnitAttention code) {
        for (const Registration& registration : next().registrations)
            attention(registration.nexus, code);
    }
    void drop_reservation() {
        next().type = ReservationType::none;
        next().holder.reset();
    }
    void take_reservation() {
        next().type = ReservationType(request_.type);
        next().holder.reset();
        if (!is_all_registrants(next().type)) next().holder.emplace(nexus_);
    }

    std::vector<NexusId> at_requested_ports(const std::string& initiator_port) const;
    PrStatus enter(const std::vector<NexusId>& nexuses);
    PrStatus enter_also_specified(std::vector<NexusId> nexuses);
    void unregister(const std::vector<NexusId>& nexuses);
    bool holder_has_key(uint64_t key) const;
    size_t remove_registrations(uint64_t key, bool all, bool keep_own, bool abort);
    PrStatus preempt_registrations(bool abort);
    PrStatus preempt_reservation(bool all, bool abort);
    std::optional<Sense> bad_scope_or_type() const;

    PrResult& result_;
    const NexusId& nexus_;
    const PrOut& request_;
    const PrSurroundings& surroundings_;
};

std::optional<Sense> Transition::bad_scope_or_type() const {
    if (request_.scope != 0) return sense::invalid_field_in_cdb(2, 7);
    if (!is_valid_type(request_.type)) return sense::invalid_field_in_cdb(2, 3);
    return std::nullopt;
}

// SPC-4 5.13.11.2.3: the reservation of the holder, or of the last of all registrants, goes with
// the registration. Only registrants-only types tell the others.
void Transition::unregister(const std::vector<NexusId>& nexuses) {
    const bool held = next().holder && contains(nexuses, *next().holder);
    std::erase_if(next().registrations,
                  [&](const Registration& r) { return contains(nexuses, r.nexus); });
    if (held && is_registrants_only(next().type))
        attention_for_registered(ua::reservations_released);
    if (held || (next().all_registrants() && next().registrations.empty())) drop_reservation();
}

// SPC-4 table 69: the target ports that a registering request is for. First the one it came
// through.
std::vector<NexusId> Transition::at_requested_ports(const std::string& initiator_port) const {
    std::vector<NexusId> nexuses{{initiator_port, nexus_.relative_target_port}};
    if (!request_.all_target_ports) return nexuses;
    for (uint16_t port : surroundings_.target_ports)
        if (port != nexus_.relative_target_port) nexuses.push_back({initiator_port, port});
    return nexuses;
}

PrStatus Transition::enter(const std::vector<NexusId>& nexuses) {
    for (const NexusId& nexus : nexuses) {
        if (Registration* known = find(nexus))
            known->key = request_.service_action_key;
        else
            next().registrations.push_back({nexus, request_.service_action_key});
    }
    if (next().registrations.size() > max_registrations)
        return check(sense::insufficient_registration_resources());
    next().aptpl = request_.aptpl;
    return done_with_generation();
}

// SPEC_I_PT: none of those that the list names may be registered yet (SPC-4 table 67, note b).
// Naming one twice, or the sender, asks for nothing more.
PrStatus Transition::enter_also_specified(std::vector<NexusId> nexuses) {
    for (const PrOut::Initiator& initiator : request_.initiators) {
        const auto ports = ports_of(initiator.name, surroundings_.initiator_ports);
        if (ports.empty()) return check(sense::invalid_field_in_parameters(initiator.offset));
        for (const std::string& port : ports) {
            for (NexusId& nexus : at_requested_ports(port)) {
                if (find(nexus)) return check(sense::invalid_field_in_parameters(initiator.offset));
                nexuses.push_back(std::move(nexus));
            }
        }
    }
    return enter(nexuses);
}

// SPC-4 5.13.7, tables 67 and 68. With ALL_TG_PT the request is made through every target port, and
// made as a whole or not at all; a port where nothing is registered does not stand in its way.
PrStatus Transition::register_key(bool ignore_existing) {
    const Registration* mine = own();
    if (!ignore_existing && request_.key != (mine ? mine->key : 0)) return PrStatus::conflict;
    if (mine && request_.specify_initiators)
        return check(sense::invalid_field_in_parameters(20, 3));
    const auto nexuses = at_requested_ports(nexus_.initiator_port);
    bool any_registered = false;
    for (const NexusId& nexus : nexuses) {
        const Registration* registration = find(nexus);
        any_registered |= registration != nullptr;
        if (registration && !ignore_existing && registration->key != request_.key)
            return PrStatus::conflict;
    }
    if (request_.service_action_key != 0) return enter_also_specified(nexuses);
    if (!any_registered) return PrStatus::good;
    unregister(nexuses);
    next().aptpl = request_.aptpl;
    return done_with_generation();
}

// SPC-4 5.13.9
PrStatus Transition::reserve() {
    if (!key_matches()) return PrStatus::conflict;
    if (auto sense = bad_scope_or_type()) return check(*sense);
    if (!next().reserved())
        take_reservation();
    else if (!next().is_holder(nexus_) || uint8_t(next().type) != request_.type)
        return PrStatus::conflict;
    return PrStatus::good;
}

// SPC-4 5.13.11.2.2
PrStatus Transition::release() {
    if (!key_matches()) return PrStatus::conflict;
    if (!next().is_holder(nexus_)) return PrStatus::good;
    if (request_.scope != 0 || request_.type != uint8_t(next().type))
        return check(sense::invalid_release_of_reservation());
    if (next().all_registrants() || is_registrants_only(next().type))
        attention_for_registered(ua::reservations_released);
    drop_reservation();
    return PrStatus::good;
}

// SPC-4 5.13.11.2.7
PrStatus Transition::clear() {
    if (!key_matches()) return PrStatus::conflict;
    attention_for_registered(ua::reservations_preempted);
    next().registrations.clear();
    drop_reservation();
    return done_with_generation();
}

bool Transition::holder_has_key(uint64_t key) const {
    const Reservations& now = result_.next;
    if (!now.reserved() || !now.holder) return false;
    const Registration* holder = now.find(*now.holder);
    return holder && holder->key == key;
}

// Removes the registrations with `key` (or all), tells those that lost one, and names them for
// abortion. Returns how many there were.
size_t Transition::remove_registrations(uint64_t key, bool all, bool keep_own, bool abort) {
    auto goes = [&](const Registration& r) {
        return (all || r.key == key) && !(keep_own && r.nexus == nexus_);
    };
    for (const Registration& registration : next().registrations) {
        if (!goes(registration)) continue;
        attention(registration.nexus, ua::registrations_preempted);
        if (abort && registration.nexus != nexus_)
            result_.effects.abort_commands_of.push_back(registration.nexus);
    }
    return std::erase_if(next().registrations, goes);
}

// SPC-4 5.13.11.2.5: scope and type are ignored.
PrStatus Transition::preempt_registrations(bool abort) {
    if (remove_registrations(request_.service_action_key, false, false, abort) == 0)
        return PrStatus::conflict;
    if (next().all_registrants() && next().registrations.empty()) drop_reservation();
    return done_with_generation();
}

// SPC-4 5.13.11.2.4.3
PrStatus Transition::preempt_reservation(bool all, bool abort) {
    if (auto sense = bad_scope_or_type()) return check(*sense);
    const ReservationType before = next().type;
    remove_registrations(request_.service_action_key, all, true, abort);
    take_reservation();
    if (next().type != before) attention_for_registered(ua::reservations_released);
    return done_with_generation();
}

// SPC-4 5.13.11.2.4, figure 9
PrStatus Transition::preempt(bool abort) {
    if (!key_matches()) return PrStatus::conflict;
    const uint64_t victim = request_.service_action_key;
    if (victim == 0 && next().all_registrants()) return preempt_reservation(true, abort);
    if (victim == 0 && next().reserved()) return check(sense::invalid_field_in_parameters(8));
    if (holder_has_key(victim)) return preempt_reservation(false, abort);
    return preempt_registrations(abort);
}

// SPC-4 5.13.8
PrStatus Transition::register_and_move() {
    if (!key_matches()) return PrStatus::conflict;
    if (!next().reserved()) return check(sense::invalid_field_in_cdb(1, 4));
    if (next().all_registrants() || !next().is_holder(nexus_)) return PrStatus::conflict;
    if (request_.service_action_key == 0) return check(sense::invalid_field_in_parameters(8));
    // Another target port does not make it another initiator port.
    if (request_.move_to.initiator_port == nexus_.initiator_port)
        return check(sense::invalid_field_in_parameters(24));
    const auto& ports = surroundings_.target_ports;
    if (std::find(ports.begin(), ports.end(), request_.move_to.relative_target_port) == ports.end())
        return check(sense::invalid_field_in_parameters(18));
    next().holder.emplace(request_.move_to);
    if (request_.unregister)
        std::erase_if(next().registrations,
                      [&](const Registration& r) { return r.nexus == nexus_; });
    return enter({request_.move_to});
}

// APTPL is refused as soon as it cannot be honoured (SPC-4 6.16.3, 6.16.4).
std::optional<Sense> bad_aptpl(const PrOut& request, const PrSurroundings& surroundings) {
    if (!request.aptpl || surroundings.keeps_reservations) return std::nullopt;
    const bool moves = request.service_action == 7;
    return sense::invalid_field_in_parameters(moves ? 17 : 20, 0);
}

PrStatus carry_out(Transition& transition, uint8_t service_action) {
    switch (service_action) {
        case 0:
            return transition.register_key(false);
        case 1:
            return transition.reserve();
        case 2:
            return transition.release();
        case 3:
            return transition.clear();
        case 4:
            return transition.preempt(false);
        case 5:
            return transition.preempt(true);
        case 6:
            return transition.register_key(true);
        case 7:
            return transition.register_and_move();
        default:
            return transition.check(sense::invalid_field_in_cdb(1, 4));
    }
}

}  // namespace

const Registration* Reservations::find(const NexusId& nexus) const {
    auto found = std::find_if(registrations.begin(), registrations.end(),
                              [&](const Registration& r) { return r.nexus == nexus; });
    return found == registrations.end() ? nullptr : &*found;
}

bool Reservations::all_registrants() const {
    return is_all_registrants(type);
}

bool Reservations::is_holder(const NexusId& nexus) const {
    if (!reserved()) return false;
    return all_registrants() ? find(nexus) != nullptr : holder == nexus;
}

bool consistent(const Reservations& reservations) {
    std::set<std::pair<std::string_view, uint16_t>> seen;
    for (const Registration& r : reservations.registrations) {
        const std::string& port = r.nexus.initiator_port;
        if (r.key == 0 || r.nexus.relative_target_port == 0) return false;
        if (port.empty() || port.size() > max_port_bytes || port.find('\0') != port.npos)
            return false;
        if (!seen.emplace(port, r.nexus.relative_target_port).second) return false;
    }
    if (seen.size() > max_registrations) return false;
    if (reservations.reserve6_holder && !seen.empty()) return false;
    const auto& holder = reservations.holder;
    if (!reservations.reserved()) return !holder;
    if (!is_valid_type(uint8_t(reservations.type))) return false;
    if (reservations.all_registrants()) return !holder && !seen.empty();
    return holder && seen.count({holder->initiator_port, holder->relative_target_port}) > 0;
}

ClassMask forbidden_classes(const Reservations& reservations, const NexusId& nexus) {
    constexpr ClassMask write = class_bit(ReservationClass::write);
    constexpr ClassMask read_write = write | class_bit(ReservationClass::read);
    if (reservations.reserve6_holder && reservations.reserve6_holder != nexus)
        return read_write | class_bit(ReservationClass::status);
    if (!reservations.reserved() || reservations.is_holder(nexus)) return 0;
    if (is_registrants_only(reservations.type) && reservations.find(nexus)) return 0;
    return is_write_exclusive(reservations.type) ? write : read_write;
}

PrResult apply(const Reservations& now, const NexusId& nexus, const PrOut& request,
               const PrSurroundings& surroundings) {
    PrResult result;
    result.next = now;
    Transition transition(result, nexus, request, surroundings);
    // SPC-2 5.5.1: the two kinds of reservations exclude each other, whoever asks.
    if (now.reserve6_holder)
        result.status = PrStatus::conflict;
    else if (auto sense = bad_aptpl(request, surroundings))
        result.status = transition.check(*sense);
    else
        result.status = carry_out(transition, request.service_action);
    return result;
}

}  // namespace tgt::scsi
