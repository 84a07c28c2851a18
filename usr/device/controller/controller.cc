// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/controller/controller.h"

#include "scsi/spc_commands.h"

namespace tgt::controller {

namespace {

// VERIFY has no meaning here, but has always been answered as TEST UNIT READY is; some initiators
// probe with it.
constexpr scsi::OpRow verify(std::string_view name, uint8_t opcode, uint8_t cdb_length) {
    scsi::OpRow row;
    row.name = name;
    row.opcode = opcode;
    row.cdb_length = cdb_length;
    row.usage[0] = opcode;
    for (size_t i = 1; i + 1 < cdb_length; ++i) row.usage[i] = 0xff;
    row.flags = scsi::op_repeatable;
    row.run = &scsi::run_test_unit_ready;
    return row;
}

// TEST UNIT READY, REQUEST SENSE, INQUIRY, REPORT LUNS, and the two reports of A3h.
constexpr auto rows =
    scsi::join(scsi::pick_rows<6>(scsi::spc_rows, {0x00, 0x03, 0x12, 0xa0, 0xa3}),
               std::array{verify("VERIFY(10)", 0x2f, 10), verify("VERIFY(12)", 0xaf, 12),
                          verify("VERIFY(16)", 0x8f, 16)});
static_assert(scsi::valid_table(rows));

const scsi::OpIndex& ops() {
    static const scsi::OpIndex index(rows);
    return index;
}

constexpr uint16_t version_descriptors[] = {0x04c0, 0x01fb};  // SBC-3 and SCC-2, as tgt says

scsi::LunState initial_state(const scsi::LunSetup& setup) {
    scsi::LunState state;
    state.identity = setup.identity;
    if (state.identity.vendor.empty()) state.identity.vendor = "IET";
    if (state.identity.product.empty()) state.identity.product = "Controller";
    if (state.identity.revision.empty()) state.identity.revision = "0001";
    return state;
}

std::vector<uint8_t> no_block_descriptor(const scsi::LunState&, bool) {
    return {};
}

uint8_t nothing_specific(const scsi::LunState&) {
    return 0;
}

scsi::DeviceType describe() {
    scsi::DeviceType type;
    type.name = "controller";
    type.shown = "controller";
    type.peripheral_type = 0x0c;
    type.product = "Controller";
    type.default_store = "null";
    type.version_descriptors = version_descriptors;
    type.ops = &ops;
    type.initial_state = &initial_state;
    type.block_descriptor = &no_block_descriptor;
    type.device_specific = &nothing_specific;
    return type;
}

}  // namespace

const scsi::DeviceType controller = describe();

}  // namespace tgt::controller
