// SPDX-License-Identifier: GPL-2.0-or-later
// tgt-setup-lun's command line as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tgt::setup_lun {

struct Options {
    std::string name;    // of the target, as given
    std::string device;  // empty only with the store null
    std::string bstype;  // empty: the driver's default
    std::optional<uint32_t> block_size;
    std::string lld = "iscsi";
    std::optional<unsigned> control_port;
    std::vector<std::string> initiators;  // empty: all
    bool show_help = false;
    bool show_version = false;
    bool show_usage = false;  // -h, which ends with status 1 as in tgt
};

// A failure's text is complete. Reads up to the first word that is no option. getopt's own
// complaints are on standard error when this returns; may be called once.
Result<Options> parse_options(int argc, char** argv);

// What is missing or does not go together, in tgt's words.
Result<void> check_options(const Options& options);

std::string usage_text();

}  // namespace tgt::setup_lun
