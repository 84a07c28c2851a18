// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tgt::tgtimg {

// Makes a file of so many zero bytes, with space set aside for all of them or (`thin`) for none.
// Never touches what is there under that name. A file that cannot be made whole is removed again.
// Error::code is the exit status that tgt has for the step that failed.
Result<void> create_disk(const std::string& path, uint64_t size, bool thin);

}  // namespace tgt::tgtimg
