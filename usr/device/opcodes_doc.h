// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace tgt::scsi {

// The text of doc/opcodes.md, made from the op tables of all device types.
std::string opcodes_document();

}  // namespace tgt::scsi
