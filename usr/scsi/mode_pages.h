// SPDX-License-Identifier: GPL-2.0-or-later
// MODE SENSE and MODE SELECT (SPC-5 6.13 to 6.16, 7.5), as pure functions from LunState to bytes
// and back, and the handlers around them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "scsi/command.h"
#include "scsi/device_type.h"

namespace tgt::scsi {

struct ModeSenseRequest {
    bool long_header = false;  // MODE SENSE(10)
    bool long_lba = false;     // LLBAA
    bool no_descriptors = false;
    uint8_t control = 0;  // PC: 0 current, 1 changeable, 2 default, 3 saved
    uint8_t page = 0;
    uint8_t subpage = 0;
};
// What MODE SENSE tells.
struct ModeView {
    uint8_t medium_type = 0;
    uint8_t device_specific = 0;
    std::vector<uint8_t> descriptor;
    const std::vector<ModePage>& pages;
};
// The parameter list, or why the CDB is wrong.
Result<std::vector<uint8_t>, Sense> mode_sense_data(const ModeView& view,
                                                    const ModeSenseRequest& request);
Result<std::vector<uint8_t>, Sense> mode_sense_data(const DeviceType& type, const LunState& state,
                                                    const ModeSenseRequest& request);

// The state after a MODE SELECT with this parameter list: all of it, or the reason why nothing
// changes.
Result<LunState, Sense> mode_select(const DeviceType& type, const LunState& now, bool long_header,
                                    std::span<const uint8_t> list);

// `mode_page=page:subpage:length:b0:b1:...` of tgtadm: the pages with this one put in place (or
// added). Bytes that are not given are zero; which bits MODE SELECT may change stays as it was.
Result<std::vector<ModePage>> replace_mode_page(const std::vector<ModePage>& pages,
                                                std::string_view text);

ModeSenseRequest mode_sense_request(const Command& command);
Outcome run_mode_sense_6(Command& command);
Outcome run_mode_sense_10(Command& command);
Step start_mode_select_6(Command& command);
Step start_mode_select_10(Command& command);

}  // namespace tgt::scsi
