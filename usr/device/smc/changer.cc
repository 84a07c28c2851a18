// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/changer.h"

#include "device/smc/model.h"
#include "device/smc/personality.h"
#include "device/smc/rows.h"
#include "device/smc/state.h"
#include "scsi/spc_commands.h"

namespace tgt::smc {

namespace {

constexpr auto rows = scsi::join(scsi::spc_rows, changer_rows);
static_assert(scsi::valid_table(rows));

const scsi::OpIndex& ops() {
    static const scsi::OpIndex index(rows);
    return index;
}

// SSC-4 and SMC-3 7.2: TapeAlert, 64 flags; none of them is ever set.
void tape_alert(const scsi::Command&, std::vector<uint8_t>& out) {
    constexpr uint8_t flags = 64, list_parameter = 0x03, flag_bytes = 1;
    for (uint8_t code = 1; code <= flags; ++code)
        out.insert(out.end(), {0, code, list_parameter, flag_bytes, 0});
}

constexpr scsi::LogPage log_pages[] = {{0x2e, 0, &tape_alert}};
constexpr uint16_t version_descriptors[] = {0x0480};  // SMC-3, no version claimed

std::unique_ptr<scsi::DeviceModel> make_model(std::unique_ptr<store::Store> store,
                                              const std::string&) {
    return std::make_unique<Changer>(std::move(store));
}

scsi::DeviceType describe() {
    scsi::DeviceType type;
    type.name = "changer";
    type.shown = "changer";
    type.peripheral_type = 0x08;
    type.product = "VIRTUAL-CHANGER";
    type.default_store = "smc";
    type.content = store::Content::library;
    type.serial = true;
    type.make_model = &make_model;
    type.set_personality = &set_personality;
    type.version_descriptors = version_descriptors;
    type.ops = &ops;
    type.log_pages = log_pages;
    type.initial_state = &initial_state;
    type.block_descriptor = &block_descriptor;
    type.device_specific = &device_specific;
    return type;
}

}  // namespace

const scsi::DeviceType changer = describe();

}  // namespace tgt::smc
