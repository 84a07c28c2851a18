// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes of a file that is said to keep reservations. What is believed must be something that
// commands can have led to, and must survive being written again.
#include "mgmt/reservation_file.h"

#include <cstdint>
#include <cstdlib>

#include "scsi/pr_commands.h"

namespace {

using namespace tgt;

const std::string key = "medium";

void require(bool fine) {
    if (!fine) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto reservations = mgmt::decode_reservation_file(text, key);
    if (!reservations) {
        require(!reservations.error().text.empty());
        return 0;
    }
    require(scsi::consistent(*reservations));
    require(reservations->aptpl && reservations->generation == 0);
    scsi::LunState state;
    state.reservations = *reservations;
    require(persistent_reserve_in_data(state, scsi::PrIn::read_full_status).size() >= 8);
    const std::string again = mgmt::encode_reservation_file(key, {text, text}, *reservations);
    require(mgmt::decode_reservation_file(again, key) == *reservations);
    return 0;
}
