// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/sbc/disk.h"

#include "device/sbc/rows.h"
#include "device/sbc/state.h"
#include "device/sbc/vpd.h"
#include "scsi/spc_commands.h"

namespace tgt::sbc {

namespace {

constexpr auto rows = scsi::join(scsi::spc_rows, disk_rows);
static_assert(scsi::valid_table(rows));

const scsi::OpIndex& ops() {
    static const scsi::OpIndex index(rows);
    return index;
}

constexpr scsi::VpdPage vpd_pages[] = {
    {0xb0, &vpd_block_limits},
    {0xb1, &vpd_characteristics},
    {0xb2, &vpd_provisioning},
};
constexpr uint16_t version_descriptors[] = {0x04c0};  // SBC-3, no version claimed

scsi::DeviceType describe() {
    scsi::DeviceType type;
    type.name = "disk";
    type.shown = "disk";
    type.peripheral_type = 0x00;
    type.product = "VIRTUAL-DISK";
    type.default_store = "rdwr";
    type.version_descriptors = version_descriptors;
    type.ops = &ops;
    type.vpd_pages = vpd_pages;
    type.initial_state = &initial_state;
    type.block_descriptor = &block_descriptor;
    type.device_specific = &device_specific;
    return type;
}

}  // namespace

const scsi::DeviceType disk = describe();

}  // namespace tgt::sbc
