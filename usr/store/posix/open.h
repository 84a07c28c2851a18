// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "base/unique_fd.h"
#include "store/store.h"

namespace tgt::store::posix {

// A backing file or device as the system gave it to us.
struct Opened {
    UniqueFd fd;
    bool block_device = false;
    bool read_only = false;
};

// Direct I/O in words for the user: who asks for it, and what to do where there is none.
struct DirectWish {
    std::string_view by;
    std::string_view instead;
};
constexpr DirectWish wish_by_flag = {.by = "the flag direct", .instead = "leave the flag out"};

// Opens for reading and writing, or for reading only where that is refused or wished, and locks it.
// Blocking.
Result<Opened> open_backing(const OpenRequest& request, const DirectWish& wish = wish_by_flag);

}  // namespace tgt::store::posix
