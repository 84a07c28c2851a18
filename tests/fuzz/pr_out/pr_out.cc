// SPDX-License-Identifier: GPL-2.0-or-later
// Sequences of PERSISTENT RESERVE OUT from three nexuses. Beyond not crashing, after every step: a
// holder is registered, a reservation without a registration does not exist, the sender is never
// told about its own doing, and READ FULL STATUS can be built.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "scsi/pr_commands.h"

namespace {

using namespace tgt::scsi;

void require(bool fine) {
    if (!fine) std::abort();
}

void check_invariants(const Reservations& state) {
    require(!state.reserved() || !state.registrations.empty());
    require(state.reserved() || !state.holder);
    require(!state.reserved() || state.all_registrants() != state.holder.has_value());
    require(!state.holder || state.find(*state.holder));
    for (const Registration& registration : state.registrations) {
        require(registration.key != 0);
        require(std::count_if(state.registrations.begin(), state.registrations.end(),
                              [&](auto& r) { return r.nexus == registration.nexus; }) == 1);
    }
    require(persistent_reserve_in_data(state, PrIn::read_full_status).size() >= 8);
}

void check_effects(const LunChange& change, const NexusId& sender) {
    for (const auto& attention : change.attentions) require(attention.only != sender);
    for (const NexusId& nexus : change.abort_commands_of) require(nexus != sender);
}

const NexusId nexuses[] = {
    {"iqn.a,i,0x00000000000a", 1}, {"iqn.b,i,0x00000000000b", 1}, {"iqn.c,i,0x00000000000c", 1}};

// One step: who, service action, scope and type, length of the list, the list.
constexpr size_t step_header = 4;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::span<const uint8_t> input(data, size);
    LunState state;
    while (input.size() >= step_header) {
        const NexusId& nexus = nexuses[input[0] % 3];
        const uint8_t cdb[10] = {0x5f, uint8_t(input[1] & 0x1f), input[2]};
        const size_t length = std::min<size_t>(input[3], input.size() - step_header);
        const auto request = decode_persistent_reserve_out(cdb, input.subspan(step_header, length),
                                                           nexus.relative_target_port);
        input = input.subspan(step_header + length);
        if (!request) continue;
        const LunChange change = persistent_reserve_change(state, nexus, *request);
        check_effects(change, nexus);
        if (change.next) state = *change.next;
        check_invariants(state.reservations);
    }
    return 0;
}
