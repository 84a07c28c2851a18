// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>

namespace tgt::store::posix {

// Two words for one thing become one; what the kernel should have kept to itself becomes what it
// means.
constexpr int plain_error(int error) {
    constexpr int kernel_enotsupp = 524;
    if (error == EDQUOT) return ENOSPC;
    return error == kernel_enotsupp ? EOPNOTSUPP : error;
}

}  // namespace tgt::store::posix
