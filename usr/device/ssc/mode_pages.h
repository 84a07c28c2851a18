// SPDX-License-Identifier: GPL-2.0-or-later
// The mode pages of a tape drive (SSC-4 8.3) as pure functions. The LunState has what MODE SELECT
// has set; what MODE SENSE tells of the cartridge comes on top when it is asked (shown_modes).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "device/ssc/personality.h"
#include "scsi/mode_pages.h"
#include "store/tape.h"

namespace tgt::ssc {

// Of a new drive: fixed values, and defaults.
std::vector<scsi::ModePage> mode_pages(const Personality& drive);
// For the DeviceType.
std::vector<uint8_t> block_descriptor(const scsi::LunState& state, bool long_lba);
uint8_t device_specific(const scsi::LunState& state);
std::optional<scsi::ModeFault> select_header(scsi::LunState& state, const scsi::ModeHeader& header);
bool takes_length(const scsi::ModePage& page, size_t length);
std::optional<scsi::ModeFault> page_selected(scsi::LunState& state, scsi::ModePage& page);
void reset_modes(scsi::LunState& state);
constexpr scsi::ModeRules mode_rules = {select_header, takes_length, page_selected, reset_modes};

// What of the cartridge MODE SENSE tells.
struct MediumModes {
    uint8_t density = 0;
    store::TapeKind kind = store::TapeKind::data;
    bool write_protected = false;
    unsigned max_partitions = 1;          // of medium and drive
    std::vector<uint64_t> partitions{0};  // capacity of each
    uint32_t active_partition = 0;
};
// Header, descriptor and pages; without a medium what the LunState has. `pages` receives the
// pages, which the view refers to.
scsi::ModeView shown_modes(const scsi::LunState& state, const std::optional<MediumModes>& medium,
                           std::vector<scsi::ModePage>& pages);

// ---- what the rest of the drive asks of the state
// The length of blocks in fixed-block mode, 0: variable (block descriptor).
uint32_t fixed_block_bytes(const scsi::LunState& state);
// Blocks may be acknowledged before they are on the medium (BUFFERED MODE).
bool buffered(const scsi::LunState& state);
bool compresses(const scsi::LunState& state);   // page 0Fh, DCE
bool append_only(const scsi::LunState& state);  // page 10h/01h, WRITE MODE
// Programmable early warning: bytes in front of early warning (page 10h/01h, PEWS).
uint64_t programmable_early_warning(const scsi::LunState& state);
struct ProtectionModes {
    Protection method = Protection::none;
    bool writes = false;    // LBP_W: blocks come with protection information
    bool reads = false;     // LBP_R: READ gives it
    bool recovers = false;  // RBDP: RECOVER BUFFERED DATA does
};
ProtectionModes protection_modes(const scsi::LunState& state);  // page 0Ah/F0h

// What page 11h asks FORMAT MEDIUM to make of a cartridge of this capacity: sizes of the
// partitions, one at least. The rest after rounding goes to the last one that was to be filled up,
// else stays unused.
Result<std::vector<uint64_t>, scsi::Sense> planned_partitions(const scsi::LunState& state,
                                                              unsigned max_partitions,
                                                              uint64_t capacity);

}  // namespace tgt::ssc
