// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/scsi/test_device.h"

#include "scsi/spc_commands.h"
#include "wire/endian.h"

namespace tgt::test {

using namespace scsi;

namespace {

constexpr uint16_t versions[] = {0x04c0};

const OpIndex& ops() {
    static const OpIndex index(spc_rows);
    return index;
}

constexpr VpdPage vpd_pages[] = {
    {0xb1, [](const Command&, std::vector<uint8_t>& body) { body.assign(60, 0); }}};

// Two parameters, 0000h and 0001h, of two bytes each.
constexpr LogPage log_pages[] = {{0x0d, 0, [](const Command&, std::vector<uint8_t>& parameters) {
                                      parameters = {0, 0, 3, 2, 0, 0x20, 0, 1, 3, 2, 0, 0x41};
                                  }}};

ModePage page(uint8_t code, uint8_t subcode, std::vector<uint8_t> values,
              std::vector<uint8_t> changeable) {
    ModePage made;
    made.code = code;
    made.subcode = subcode;
    changeable.resize(values.size());
    made.current = made.defaults = std::move(values);
    made.changeable = std::move(changeable);
    return made;
}

LunState initial_state(const LunSetup&) {
    LunState state;
    state.identity = {"IET     00010001", "beaf11", "IET", "VIRTUAL-DISK", "0001"};
    state.geometry.blocks = 2048;
    std::vector<uint8_t> caching(18, 0), control(10, 0), extension(28, 0);
    caching[0] = 0x04;
    control[0] = 0x20;
    state.mode_pages = {page(0x00, 0, {}, {}), page(0x08, 0, caching, {0x04}),
                        page(0x0a, 0, control, {0x04, 0, 0x08, 0x40}),
                        page(0x0a, 1, extension, {})};
    return state;
}

std::vector<uint8_t> block_descriptor(const LunState& state, bool long_lba) {
    std::vector<uint8_t> bytes(long_lba ? 16 : 8);
    if (long_lba) {
        wire::store_be<8>(&bytes[0], state.geometry.blocks);
        wire::store_be<4>(&bytes[12], state.geometry.block_size);
    } else {
        wire::store_be<4>(&bytes[0], uint32_t(state.geometry.blocks));
        wire::store_be<3>(&bytes[5], state.geometry.block_size);
    }
    return bytes;
}

uint8_t device_specific(const LunState& state) {
    return state.write_protected() ? 0x90 : 0x10;
}

const DeviceType type = {
    .name = "disk",
    .shown = "disk",
    .peripheral_type = 0,
    .product = "VIRTUAL-DISK",
    .default_store = "rdwr",
    .version_descriptors = versions,
    .ops = ops,
    .vpd_pages = vpd_pages,
    .log_pages = log_pages,
    .initial_state = initial_state,
    .block_descriptor = block_descriptor,
    .device_specific = device_specific,
};

}  // namespace

const DeviceType& spc_device() {
    return type;
}

}  // namespace tgt::test
