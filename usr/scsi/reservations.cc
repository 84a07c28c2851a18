// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/reservations.h"

#include <algorithm>
#include <set>
#include <string_view>

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

// One PERSISTENT RESERVE OUT that is being carried out: the state on its way to the next one, who
// asks, and what else has to happen.
class Transition {
  public:
    Transition(PrResult& result, const NexusId& nexus, const PrOut& request)
        : result_(result), nexus_(nexus), request_(request) {}

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
    Registration* own() { return const_cast<Registration*>(next().find(nexus_)); }
    // Every service action but the registering ones starts with this (SPC-4 5.9.11.1).
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

    void unregister_own();
    bool holder_has_key(uint64_t key) const;
    size_t remove_registrations(uint64_t key, bool all, bool keep_own, bool abort);
    PrStatus preempt_registrations(bool abort);
    PrStatus preempt_reservation(bool all, bool abort);
    std::optional<Sense> bad_scope_or_type() const;

    PrResult& result_;
    const NexusId& nexus_;
    const PrOut& request_;
};

std::optional<Sense> Transition::bad_scope_or_type() const {
    if (request_.scope != 0) return sense::invalid_field_in_cdb(2, 7);
    if (!is_valid_type(request_.type)) return sense::invalid_field_in_cdb(2, 3);
    return std::nullopt;
}

// SPC-4 5.9.11.3: the reservation of the holder, or of the last of all registrants, goes with the
// registration. Only registrants-only types tell the others.
void Transition::unregister_own() {
    const bool held = next().holder == nexus_;
    std::erase_if(next().registrations, [&](const Registration& r) { return r.nexus == nexus_; });
    if (held && is_registrants_only(next().type))
        attention_for_registered(ua::reservations_released);
    if (held || (next().all_registrants() && next().registrations.empty())) drop_reservation();
}

// SPC-4 5.9.7, tables 53 and 54
PrStatus Transition::register_key(bool ignore_existing) {
    Registration* mine = own();
    if (!ignore_existing && request_.key != (mine ? mine->key : 0)) return PrStatus::conflict;
    if (request_.service_action_key == 0) {
        if (!mine) return PrStatus::good;
        unregister_own();
        return done_with_generation();
    }
    if (mine) {
        mine->key = request_.service_action_key;
    } else if (next().registrations.size() >= max_registrations) {
        return check(sense::insufficient_registration_resources());
    } else {
        next().registrations.push_back({nexus_, request_.service_action_key});
    }
    next().aptpl = request_.aptpl;
    return done_with_generation();
}

// SPC-4 5.9.9
PrStatus Transition::reserve() {
    if (!key_matches()) return PrStatus::conflict;
    if (auto sense = bad_scope_or_type()) return check(*sense);
    if (!next().reserved())
        take_reservation();
    else if (!next().is_holder(nexus_) || uint8_t(next().type) != request_.type)
        return PrStatus::conflict;
    return PrStatus::good;
}

// SPC-4 5.9.11.2
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

// SPC-4 5.9.11.6
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

// SPC-4 5.9.11.4.4: scope and type are ignored.
PrStatus Transition::preempt_registrations(bool abort) {
    if (remove_registrations(request_.service_action_key, false, false, abort) == 0)
        return PrStatus::conflict;
    if (next().all_registrants() && next().registrations.empty()) drop_reservation();
    return done_with_generation();
}

// SPC-4 5.9.11.4.3
PrStatus Transition::preempt_reservation(bool all, bool abort) {
    if (auto sense = bad_scope_or_type()) return check(*sense);
    const ReservationType before = next().type;
    remove_registrations(request_.service_action_key, all, true, abort);
    take_reservation();
    if (next().type != before) attention_for_registered(ua::reservations_released);
    return done_with_generation();
}

// SPC-4 5.9.11.4, figure 9
PrStatus Transition::preempt(bool abort) {
    if (!key_matches()) return PrStatus::conflict;
    const uint64_t victim = request_.service_action_key;
    if (victim == 0) {
        if (next().all_registrants()) return preempt_reservation(true, abort);
        return check(sense::invalid_field_in_parameters(8));
    }
    if (holder_has_key(victim)) return preempt_reservation(false, abort);
    return preempt_registrations(abort);
}

// SPC-4 5.9.8
PrStatus Transition::register_and_move() {
    if (!key_matches()) return PrStatus::conflict;
    if (!next().reserved()) return check(sense::invalid_field_in_cdb(1, 4));
    if (next().all_registrants() || !next().is_holder(nexus_)) return PrStatus::conflict;
    if (request_.service_action_key == 0) return check(sense::invalid_field_in_parameters(8));
    if (request_.move_to == nexus_) return check(sense::invalid_field_in_parameters(24));
    auto& registrations = next().registrations;
    if (request_.unregister)
        std::erase_if(registrations, [&](const Registration& r) { return r.nexus == nexus_; });
    if (auto* other = const_cast<Registration*>(next().find(request_.move_to)))
        other->key = request_.service_action_key;
    else if (registrations.size() >= max_registrations)
        return check(sense::insufficient_registration_resources());
    else
        registrations.push_back({request_.move_to, request_.service_action_key});
    next().holder.emplace(request_.move_to);
    next().aptpl = request_.aptpl;
    return done_with_generation();
}

PrStatus carry_out(Transition transition, uint8_t service_action) {
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

PrResult apply(const Reservations& now, const NexusId& nexus, const PrOut& request) {
    PrResult result;
    result.next = now;
    // SPC-2 5.5.1: the two kinds of reservations exclude each other, whoever asks.
    result.status = now.reserve6_holder
                        ? PrStatus::conflict
                        : carry_out(Transition(result, nexus, request), request.service_action);
    return result;
}

}  // namespace tgt::scsi
