// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/medium_key.h"

#include <cstdlib>
#include <memory>

namespace tgt::mgmt {

std::string medium_key(const store::Info& info, const std::string& path) {
    if (!info.lasting_id.empty()) return info.lasting_id;
    if (!info.identity.known) return {};
    const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
    return "path:" + (real ? std::string(real.get()) : path);
}

}  // namespace tgt::mgmt
