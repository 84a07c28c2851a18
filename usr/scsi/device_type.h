// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "scsi/lun_state.h"
#include "scsi/op_table.h"
#include "store/store.h"

namespace tgt::scsi {

class Command;
class DeviceModel;

// One VPD page: `build` appends the bytes after the 4-byte page header.
struct VpdPage {
    uint8_t code;
    void (*build)(const Command& command, std::vector<uint8_t>& body);
};

// One log page: `build` appends the log parameters.
struct LogPage {
    uint8_t code;
    uint8_t subcode;
    void (*build)(const Command& command, std::vector<uint8_t>& parameters);
};

// What a MODE SELECT parameter list says in front of its pages (SPC-5 7.5.6, 7.5.7).
struct ModeHeader {
    uint8_t medium_type = 0;
    uint8_t device_specific = 0;
    std::span<const uint8_t> descriptor;  // empty: none
};

// What is wrong in a part of such a list: the byte, counted from where the part begins (a page's
// header does not count), and the bit, or -1.
struct ModeFault {
    enum class Part : uint8_t { medium_type, device_specific, descriptor, page };
    Part part = Part::page;
    uint16_t byte = 0;
    int8_t bit = -1;
};

// For device types where MODE SELECT changes more than the masked bits of pages. Pure functions;
// null where the general rules will do.
struct ModeRules {
    // Takes header and block descriptor (of 8 bytes, if any) into the state.
    std::optional<ModeFault> (*select_header)(LunState& state, const ModeHeader& header) = nullptr;
    // A list may give the page in this length; what is missing is zero.
    bool (*takes_length)(const ModePage& page, size_t length) = nullptr;
    // A page has new values: judges them, and makes other pages of the state agree.
    std::optional<ModeFault> (*selected)(LunState& state, ModePage& page) = nullptr;
    // A reset has brought the defaults of the pages back.
    void (*reset)(LunState& state) = nullptr;
};

// What a new LUN of this type starts from.
struct LunSetup {
    LunIdentity identity;                // empty fields are filled with the type's defaults
    const store::Info* store = nullptr;  // null: no medium
    uint32_t block_size = 0;             // 0: the type's default
};

// Constant description of a device type: one per folder below usr/device.
struct DeviceType {
    std::string_view name;   // tgtadm --device-type
    std::string_view shown;  // in `tgtadm --op show`
    uint8_t peripheral_type = 0;
    uint32_t default_block_size = 512;
    std::string_view product;  // default PRODUCT IDENTIFICATION
    std::string_view default_store;
    store::Content content = store::Content::bytes;  // of the stores that it can use
    // Its blocking commands run one after another on the unit's strand, those of one nexus in the
    // order of their coming.
    bool serial = false;
    // Not null: its units have a model, which owns the store. `store` is null without a medium.
    std::unique_ptr<DeviceModel> (*make_model)(std::unique_ptr<store::Store> store,
                                               const std::string& path) = nullptr;
    // Not null: `personality=`; the state as a device of that name has it, or why it cannot be.
    Result<void> (*set_personality)(LunState& state, std::string_view name) = nullptr;
    std::span<const uint16_t> version_descriptors;
    const OpIndex& (*ops)();
    // Not null: every CDB goes to the store's ScsiPort, and this picks the row instead of `ops`;
    // null when a command like this cannot be carried. The unit has no unit attentions,
    // reservations or fences of its own.
    const OpRow* (*choose_row)(const Command& command) = nullptr;
    bool passes_through() const { return choose_row != nullptr; }
    std::span<const VpdPage> vpd_pages;  // in order of page code
    std::span<const LogPage> log_pages;  // in order of page code
    LunState (*initial_state)(const LunSetup& setup);
    // Bytes of a MODE SENSE block descriptor for the state (8 or 0 bytes; long form when
    // `long_lba`).
    std::vector<uint8_t> (*block_descriptor)(const LunState& state, bool long_lba);
    // The DEVICE-SPECIFIC PARAMETER byte of the mode parameter header.
    uint8_t (*device_specific)(const LunState& state);
    ModeRules mode_rules = {};
};

// All device types of this build, in the order tgtadm shows them.
std::span<const DeviceType* const> device_types();
const DeviceType* find_device_type(std::string_view name);

}  // namespace tgt::scsi
