// SPDX-License-Identifier: GPL-2.0-or-later
// A tape library as targets.conf says it, <library FOLDER>, and the logical units that it stands
// for. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/targets_conf.h"

namespace tgt::config {

constexpr unsigned max_library_drives = 250, max_library_slots = 10000, max_library_ports = 250;

// Its cartridges' files are in the folder, and so is the changer's. The drives are the logical
// units from first_lun on, the changer is the one behind them.
struct Library {
    std::string folder;
    uint64_t first_lun = 1;
    unsigned drives = 2;
    unsigned slots = 20;
    unsigned ports = 4;  // import/export elements
    std::string media = "LTO-8";
    std::string personality;        // of the changer; empty: its own
    std::string drive_personality;  // empty: that of the media
};

// What a folder must be, or nothing when it is that.
std::string_view folder_fault(std::string_view folder);
// "lto8" of "LTO-8"; nothing when there is no such medium.
std::optional<std::string> personality_for(std::string_view media);
std::string changer_file(std::string_view folder);

// `folder` and `media` are good.
std::vector<LogicalUnit> library_units(const Library& library, const Position& at);

// The block, as the parser reads it. Nothing when no text says it.
std::optional<std::string> write_library(std::string_view indent, const Library& library);

}  // namespace tgt::config
