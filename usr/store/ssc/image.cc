// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/image.h"

#include "store/ssc/tape2.h"
#include "store/ssc/tape3.h"

namespace tgt::store::ssc {

Result<std::unique_ptr<Tape>> open_image(std::unique_ptr<ImageFile> file, bool read_only) {
    if (looks_like_tape3(*file)) return Tape3::open(std::move(file), read_only);
    if (Tape2::looks_like_one(*file)) return Tape2::open(std::move(file), read_only);
    return fail(EINVAL, "it begins like none; make one with tgtimg");
}

}  // namespace tgt::store::ssc
