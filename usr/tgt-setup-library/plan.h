// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/library.h"
#include "tgt-admin/command.h"
#include "tgt-setup-library/options.h"

namespace tgt::setup_library {

struct Cartridge {
    std::string barcode, path;
};

// Everything that makes a library, in order. Plain values.
struct Plan {
    std::string target_name;
    config::Library library;
    std::string changer_file;  // made empty
    std::vector<Cartridge> cartridges;
    uint64_t capacity = 0;  // of each, bytes
    uint8_t density = 0;
    std::vector<tgt_admin::Command> commands;
};

// "A00001L8": prefix, number, and the two letters that name the medium.
std::string barcode(const Options& options, unsigned number);

// `options` have been checked. Pure. `host`: for names that are no iqn.
Plan make_plan(const Options& options, int tid, const std::string& host);

// What targets.conf has to say for the same target. Nothing when no text says it.
std::optional<std::string> config_text(const Options& options, const Plan& plan);

}  // namespace tgt::setup_library
