// SPDX-License-Identifier: GPL-2.0-or-later
// Sequences of PERSISTENT RESERVE OUT from four nexuses at two target ports. Beyond not crashing,
// after every step: the state is consistent, the sender is never told about its own doing, a
// request that failed changed nothing, what is reported can be built, and the state can be saved
// and restored.
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

void check_state(const LunState& state) {
    require(consistent(state.reservations));
    for (PrIn action : {PrIn::read_keys, PrIn::read_reservation, PrIn::report_capabilities,
                        PrIn::read_full_status})
        require(persistent_reserve_in_data(state, action).size() >= 8);
    const auto restored = restore_reservations(snapshot_reservations(state.reservations));
    require(restored && *restored == state.reservations);
}

void check_effects(const LunChange& change, const NexusId& sender) {
    for (const auto& attention : change.attentions) require(attention.only != sender);
    for (const NexusId& nexus : change.abort_commands_of) require(nexus != sender);
    if (!change.outcome.good())
        require(!change.next && change.attentions.empty() && change.abort_commands_of.empty());
}

const NexusId nexuses[] = {{"iqn.a,i,0x00000000000a", 1},
                           {"iqn.b,i,0x00000000000b", 1},
                           {"iqn.a,i,0x00000000000a", 2},
                           {"iqn.c,i,0x00000000000c", 2}};
const PrSurroundings surroundings = {
    {1, 2}, {"iqn.a,i,0x00000000000a", "iqn.b,i,0x00000000000b"}, false};

// One step: who and whether APTPL can be kept, service action, scope and type, length of the list,
// the list.
constexpr size_t step_header = 4;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::span<const uint8_t> input(data, size);
    LunState state;
    while (input.size() >= step_header) {
        const NexusId& nexus = nexuses[input[0] % 4];
        state.keeps_reservations = (input[0] & 0x80) != 0;
        const uint8_t cdb[10] = {0x5f, uint8_t(input[1] & 0x1f), input[2]};
        const size_t length = std::min<size_t>(input[3], input.size() - step_header);
        const auto request = decode_persistent_reserve_out(cdb, input.subspan(step_header, length));
        input = input.subspan(step_header + length);
        if (!request) continue;
        const LunChange change = persistent_reserve_change(state, nexus, *request, surroundings);
        check_effects(change, nexus);
        if (change.next) state = *change.next;
        check_state(state);
    }
    return 0;
}
