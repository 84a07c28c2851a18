// SPDX-License-Identifier: GPL-2.0-or-later
// The text that tgt prints for a result, byte for byte: tgtadm prints it, and the daemon sends it
// to an old tgtadm. Pure; never throws; members missing from `result` are rendered as empty or
// zero.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tgt::ipc {

// Empty for verbs that print nothing.
std::string render(std::string_view method, const nlohmann::json& params,
                   const nlohmann::json& result);

// What is printed of a logical unit.
struct LunLines {
    uint64_t lun = 0;
    std::string_view type, scsi_id, scsi_sn;
    uint64_t size_bytes = 0, block_size = 0;
    bool online = false, removable = false, prevent_removal = false;
    bool readonly = false, swp = false, thin_provisioning = false;
    std::string_view store, path, flags;  // without a path: "None"
};

// `target.show` in pieces, for a daemon with many units: what is before a target's units, each of
// them, and what is behind. `target` is the object of render() without its units.
void append_target_head(std::string& out, const nlohmann::json& target);
void append_lun(std::string& out, const LunLines& lun);
void append_target_tail(std::string& out, const nlohmann::json& target);

// tgt's decimal megabytes of a size in bytes.
uint64_t display_megabytes(uint64_t bytes);

}  // namespace tgt::ipc
