// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "store/ssc/create.h"

namespace tgt::tgtimg {

// Makes a blank cartridge. Never touches what is there under that name. Error::code is the exit
// status that tgt has for the step that failed.
Result<void> create_tape(const std::string& path, const store::ssc::CartridgeSpec& spec,
                         int format);

// Prints what is on a cartridge as tgt does: one line for each object. Error::code is the exit
// status.
Result<void> show_tape(const std::string& path);

}  // namespace tgt::tgtimg
