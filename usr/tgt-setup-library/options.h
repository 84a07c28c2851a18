// SPDX-License-Identifier: GPL-2.0-or-later
// tgt-setup-library's command line as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tgt::setup_library {

struct Options {
    std::string name;    // of the target
    std::string folder;  // of the cartridges and the changer's file
    unsigned drives = 2;
    unsigned slots = 20;
    unsigned ports = 4;             // import/export elements
    std::optional<unsigned> tapes;  // nothing: one for each slot
    std::string media = "LTO-8";
    std::optional<uint64_t> megabytes;  // of a cartridge; nothing: what the medium has
    std::string prefix = "A";           // of the barcodes
    std::string personality;            // of the changer
    std::string drive_personality;      // empty: that of the media
    std::string lld = "iscsi";
    std::optional<unsigned> control_port;
    std::vector<std::string> initiators;  // empty: all
    bool dry_run = false;
    bool show_config = false;  // the block for targets.conf
    bool show_help = false;
    bool show_version = false;
};

// getopt's own complaints are on standard error when this returns. May be called once.
Result<Options> parse_options(int argc, char** argv);

// What is missing, or cannot be.
Result<void> check_options(const Options& options);

std::string help_text();

}  // namespace tgt::setup_library
