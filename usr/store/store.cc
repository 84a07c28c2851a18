// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/store.h"

#include <fmt/core.h>

#include <cerrno>

namespace tgt::store {

Result<void> Store::update(std::string_view name, std::string_view) {
    return fail(ENOENT, fmt::format("the backing store has no parameter '{}'", name));
}

}  // namespace tgt::store
