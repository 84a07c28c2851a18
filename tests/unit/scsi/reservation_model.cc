// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/scsi/reservation_model.h"

#include <algorithm>

namespace tgt::test::model {

namespace {

constexpr uint16_t power_on = 0x2900, lu_reset = 0x2903;
constexpr uint16_t preempted = 0x2a03, released = 0x2a04, registrations_preempted = 0x2a05;
constexpr uint32_t bad_cdb = 0x052400, bad_list = 0x052600, bad_release = 0x052604;
constexpr uint32_t unit_attention = 0x060000;

// SPC-4 table 198
constexpr int registrants_only[] = {5, 6};
constexpr int for_all[] = {7, 8};
constexpr int write_exclusive[] = {1, 5, 7};
constexpr int valid_types[] = {1, 3, 5, 6, 7, 8};

template <size_t N>
bool among(const int (&set)[N], int value) {
    return std::find(std::begin(set), std::end(set), value) != std::end(set);
}

bool has(const std::vector<int>& list, int value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

Model::Model(std::vector<int> device_of, int ports, bool keeps)
    : device_of_(std::move(device_of)), ports_(ports), keeps_(keeps) {
    for (int initiator = 0; initiator < int(device_of_.size()); ++initiator)
        for (int port = 1; port <= ports; ++port)
            nexuses.push_back({initiator, port, 0, false, {}});
}

int Model::find(int initiator, int port) const {
    for (size_t i = 0; i < nexuses.size(); ++i)
        if (nexuses[i].initiator == initiator && nexuses[i].port == port) return int(i);
    return -1;
}

bool Model::anything_registered() const {
    return std::any_of(nexuses.begin(), nexuses.end(), [](const Nexus& n) { return n.key != 0; });
}

// SPC-4 5.13.10
bool Model::is_holder(int nexus) const {
    if (type == 0) return false;
    return among(for_all, type) ? registered(nexus) : holder == nexus;
}

// --- unit attentions (SAM-5 5.14: those of group 29h first) --------------------------------------

// Nobody is told who is not there.
void Model::tell(int nexus, uint16_t attention) {
    Nexus& n = nexuses[size_t(nexus)];
    if (!n.logged_in) return;
    auto& list = n.attentions;
    if (std::find(list.begin(), list.end(), attention) != list.end()) return;
    list.push_back(attention);
    auto is_reset = [](uint16_t a) { return a >> 8 == 0x29; };
    std::stable_partition(list.begin(), list.end(), is_reset);
    std::sort(list.begin(), std::find_if_not(list.begin(), list.end(), is_reset));
}

void Model::tell_registered_but(int nexus, uint16_t attention) {
    for (int i = 0; i < int(nexuses.size()); ++i)
        if (i != nexus && registered(i)) tell(i, attention);
}

// --- nexuses that come and go
// ---------------------------------------------------------------------

void Model::login(int nexus) {
    nexuses[size_t(nexus)].logged_in = true;
    tell(nexus, power_on);
}

// SPC-2 5.5.1: RESERVE ends with its nexus; SPC-4 5.13.5: the rest stays.
void Model::logout(int nexus) {
    nexuses[size_t(nexus)].logged_in = false;
    nexuses[size_t(nexus)].attentions.clear();
    if (legacy == nexus) legacy = -1;
}

void Model::reset() {
    legacy = -1;
    for (int i = 0; i < int(nexuses.size()); ++i) tell(i, lu_reset);
}

// SPC-4 5.13.5.1, 6.15.2
void Model::restart() {
    for (int i = 0; i < int(nexuses.size()); ++i) logout(i);
    generation = 0;
    if (aptpl) return;
    for (Nexus& n : nexuses) n.key = 0;
    end_reservation();
}

// --- admission
// ------------------------------------------------------------------------------------

// SPC-4 table 65 with SBC-3's READ and WRITE; SPC-2 table 8.
Expected Model::admission(int nexus, Access kind) const {
    if (kind == Access::inquire) return good;
    if (legacy >= 0 && legacy != nexus) return conflict;
    if (kind == Access::test || type == 0 || is_holder(nexus)) return good;
    if (among(registrants_only, type) && registered(nexus)) return good;
    return kind == Access::read && among(write_exclusive, type) ? good : conflict;
}

Expected Model::access(int nexus, Access kind) {
    auto& attentions = nexuses[size_t(nexus)].attentions;
    if (attentions.empty() || kind == Access::inquire) return admission(nexus, kind);
    const uint32_t first = attentions.front();
    attentions.erase(attentions.begin());
    return check(unit_attention | first);
}

Expected Model::persistent_reserve_in(int nexus) {
    if (const Expected seen = access(nexus, Access::test); !(seen == good)) return seen;
    return legacy >= 0 ? conflict : good;
}

// SPC-2 5.5.1: registrations and RESERVE exclude each other.
Expected Model::reserve(int nexus) {
    if (const Expected seen = access(nexus, Access::test); !(seen == good)) return seen;
    if (anything_registered()) return conflict;
    legacy = nexus;
    return good;
}

Expected Model::release(int nexus) {
    if (!nexuses[size_t(nexus)].attentions.empty()) return access(nexus, Access::test);
    if (anything_registered()) return conflict;
    if (legacy == nexus) legacy = -1;
    return good;
}

// --- PERSISTENT RESERVE OUT
// -----------------------------------------------------------------------

void Model::end_reservation() {
    type = 0;
    holder = -1;
}

void Model::begin_reservation(int nexus, int new_type) {
    type = new_type;
    holder = among(for_all, new_type) ? -1 : nexus;
}

Expected Model::counted() {
    ++generation;
    return good;
}

Expected Model::persistent_reserve_out(int nexus, const Request& request) {
    if (const Expected seen = access(nexus, Access::test); !(seen == good)) return seen;
    const bool registers = request.action == 0 || request.action == 6;
    const bool moves = request.action == 7;
    if (request.specify && request.action != 0 && !moves) return check(bad_list);
    if (legacy >= 0) return conflict;
    if (request.aptpl && (registers || moves) && !keeps_) return check(bad_list);
    if (registers) return do_register(nexus, request, request.action == 6);
    // SPC-4 table 66 and 5.13.11.2.1: all the others are for those that are registered.
    if (!registered(nexus) || key_of(nexus) != request.key) return conflict;
    switch (request.action) {
        case 1:
            return do_reserve(nexus, request);
        case 2:
            return do_release(nexus, request);
        case 3:
            return do_clear(nexus, request);
        case 7:
            return do_move(nexus, request);
        default:
            return do_preempt(nexus, request);
    }
}

// Table 69.
Model::List Model::ports_of(int initiator, int nexus, bool all) const {
    List list;
    for (int port = 1; port <= ports_; ++port)
        if (all || port == nexuses[size_t(nexus)].port) list.push_back(find(initiator, port));
    return list;
}

Model::List Model::known_ports(const Request::Named& named) const {
    if (!named.device) return {named.initiator};
    List list;
    for (const Nexus& n : nexuses)
        if (n.logged_in && device_of_[size_t(n.initiator)] == device_of_[size_t(named.initiator)] &&
            !has(list, n.initiator))
            list.push_back(n.initiator);
    return list;
}

// Tables 67 and 68.
Expected Model::do_register(int nexus, const Request& request, bool ignore) {
    if (!ignore && request.key != key_of(nexus)) return conflict;
    if (request.specify && registered(nexus)) return check(bad_list);
    List entering = ports_of(nexuses[size_t(nexus)].initiator, nexus, request.all_ports);
    for (int i : entering)
        if (!ignore && registered(i) && key_of(i) != request.key) return conflict;
    if (request.action_key == 0) return do_unregister(nexus, entering, request.aptpl);
    if (request.specify) {
        for (const Request::Named& named : request.named) {
            const List initiators = known_ports(named);
            if (initiators.empty()) return check(bad_list);
            for (int initiator : initiators) {
                for (int i : ports_of(initiator, nexus, request.all_ports)) {
                    if (registered(i)) return check(bad_list);
                    entering.push_back(i);
                }
            }
        }
    }
    for (int i : entering) nexuses[size_t(i)].key = request.action_key;
    aptpl = request.aptpl;
    return counted();
}

// 5.13.11.2.3
Expected Model::do_unregister(int nexus, const List& leaving, bool aptpl_now) {
    bool any = false, held = false;
    for (int i : leaving) {
        any = any || registered(i);
        held = held || (type != 0 && holder == i);
        nexuses[size_t(i)].key = 0;
    }
    if (!any) return good;
    const int was = type;
    if (held || !anything_registered()) end_reservation();
    if (held && among(registrants_only, was)) tell_registered_but(nexus, released);
    aptpl = aptpl_now;
    return counted();
}

// 5.13.9
Expected Model::do_reserve(int nexus, const Request& request) {
    if (request.scope != 0 || !among(valid_types, request.type)) return check(bad_cdb);
    if (type == 0) {
        begin_reservation(nexus, request.type);
        return good;
    }
    return is_holder(nexus) && type == request.type ? good : conflict;
}

// 5.13.11.2.2
Expected Model::do_release(int nexus, const Request& request) {
    if (!is_holder(nexus)) return good;
    if (request.scope != 0 || request.type != type) return check(bad_release);
    const int was = type;
    end_reservation();
    if (among(registrants_only, was) || among(for_all, was)) tell_registered_but(nexus, released);
    return good;
}

// 5.13.11.2.7
Expected Model::do_clear(int nexus, const Request&) {
    tell_registered_but(nexus, preempted);
    for (Nexus& n : nexuses) n.key = 0;
    end_reservation();
    return counted();
}

// Figure 9 and table 72
Expected Model::do_preempt(int nexus, const Request& request) {
    const uint64_t victim = request.action_key;
    if (type == 0) return remove(nexus, victim);
    List victims;
    for (int i = 0; i < int(nexuses.size()); ++i)
        if (i != nexus && registered(i) && (victim == 0 || key_of(i) == victim))
            victims.push_back(i);
    if (among(for_all, type))
        return victim == 0 ? take_over(nexus, request, victims) : remove(nexus, victim);
    if (victim == 0) return check(bad_list);
    return key_of(holder) == victim ? take_over(nexus, request, victims) : remove(nexus, victim);
}

// 5.13.11.2.4.3
Expected Model::take_over(int nexus, const Request& request, const List& victims) {
    if (request.scope != 0 || !among(valid_types, request.type)) return check(bad_cdb);
    const int was = type;
    for (int i : victims) {
        nexuses[size_t(i)].key = 0;
        tell(i, registrations_preempted);
    }
    begin_reservation(nexus, request.type);
    if (was != request.type) tell_registered_but(nexus, released);
    return counted();
}

// 5.13.11.2.5
Expected Model::remove(int nexus, uint64_t key) {
    bool any = false;
    for (int i = 0; i < int(nexuses.size()); ++i) {
        if (!registered(i) || key_of(i) != key) continue;
        any = true;
        nexuses[size_t(i)].key = 0;
        if (i != nexus) tell(i, registrations_preempted);
    }
    if (!any) return conflict;
    if (!anything_registered()) end_reservation();
    return counted();
}

// 5.13.8, table 70
Expected Model::do_move(int nexus, const Request& request) {
    if (type == 0) return check(bad_cdb);
    if (among(for_all, type) || holder != nexus) return conflict;
    const int destination = find(request.to_initiator, request.to_port);
    if (request.action_key == 0 || destination < 0) return check(bad_list);
    if (request.to_initiator == nexuses[size_t(nexus)].initiator) return check(bad_list);
    nexuses[size_t(destination)].key = request.action_key;
    holder = destination;
    if (request.unregister) nexuses[size_t(nexus)].key = 0;
    aptpl = request.aptpl;
    return counted();
}

}  // namespace tgt::test::model
