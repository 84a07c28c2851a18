// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/tape.h"

#include "device/ssc/drive.h"
#include "device/ssc/mode_pages.h"
#include "device/ssc/page_rows.h"
#include "device/ssc/personality.h"
#include "device/ssc/rows.h"
#include "device/ssc/vpd.h"
#include "scsi/spc_commands.h"

namespace tgt::ssc {

namespace {

constexpr auto rows = scsi::join(scsi::join(common_rows, drive_rows), page_rows);
static_assert(scsi::valid_table(rows));

const scsi::OpIndex& ops() {
    static const scsi::OpIndex index(rows);
    return index;
}

std::unique_ptr<scsi::DeviceModel> make_model(std::unique_ptr<store::Store> store,
                                              const std::string& path) {
    return std::make_unique<Drive>(std::move(store), path);
}

constexpr uint16_t version_descriptors[] = {0x0200};  // SSC, no version claimed, as tgt says

scsi::DeviceType describe() {
    scsi::DeviceType type;
    type.name = "tape";
    type.shown = "tape";
    type.peripheral_type = 0x01;
    type.default_block_size = 0;  // variable
    type.product = "VIRTUAL-TAPE";
    type.default_store = "ssc";
    type.content = store::Content::tape;
    type.serial = true;
    type.make_model = &make_model;
    type.set_personality = &set_personality;
    type.version_descriptors = version_descriptors;
    type.ops = &ops;
    type.vpd_pages = vpd_pages;
    type.log_pages = log_pages;
    type.initial_state = &initial_state;
    type.block_descriptor = &block_descriptor;
    type.device_specific = &device_specific;
    type.mode_rules = mode_rules;
    return type;
}

}  // namespace

const scsi::DeviceType tape = describe();

}  // namespace tgt::ssc
