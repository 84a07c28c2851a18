// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "base/result.h"
#include "store/ssc/file.h"
#include "store/tape.h"

namespace tgt::store::ssc {

// The cartridge in an image of any format. Errors say what is wrong with it, without its name.
// Blocking.
Result<std::unique_ptr<Tape>> open_image(std::unique_ptr<ImageFile> file, bool read_only);

}  // namespace tgt::store::ssc
