// SPDX-License-Identifier: GPL-2.0-or-later
// MODE SELECT parameter lists from an initiator. Beyond not crashing: a list that is accepted
// changes nothing but changeable bits of current values, and what MODE SENSE then returns is
// accepted back without a change.
#include <cstdint>
#include <cstdlib>

#include "scsi/mode_pages.h"
#include "tests/unit/scsi/test_device.h"

namespace {

using namespace tgt::scsi;

void require(bool fine) {
    if (!fine) std::abort();
}

// `next` with every changeable bit put back to what it was.
LunState put_back(LunState next, const LunState& now) {
    for (size_t i = 0; i < next.mode_pages.size(); ++i) {
        ModePage& page = next.mode_pages[i];
        for (size_t byte = 0; byte < page.current.size(); ++byte) {
            const uint8_t mask = page.changeable[byte];
            page.current[byte] =
                uint8_t((page.current[byte] & ~mask) | (now.mode_pages[i].current[byte] & mask));
        }
    }
    return next;
}

void accepts_what_it_returns(const DeviceType& type, const LunState& state, bool long_header) {
    ModeSenseRequest all;
    all.long_header = all.long_lba = long_header;
    all.page = 0x3f;
    all.subpage = 0xff;
    const auto data = mode_sense_data(type, state, all);
    require(data.has_value());
    const auto again = mode_select(type, state, long_header, *data);
    require(again && *again == state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const bool long_header = data[0] & 1;
    const DeviceType& type = tgt::test::spc_device();
    static const LunState now = type.initial_state({});
    const auto next = mode_select(type, now, long_header, {data + 1, size - 1});
    if (!next) {
        require(next.error().key == SenseKey::illegal_request);
        return 0;
    }
    require(put_back(*next, now) == now);
    accepts_what_it_returns(type, *next, long_header);
    return 0;
}
