// SPDX-License-Identifier: GPL-2.0-or-later
// What tgt-setup-lun has to know of the targets that are there. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tgt::setup_lun {

struct TargetView {
    uint64_t tid = 0;
    std::string name;
    std::vector<uint64_t> luns;
    std::vector<std::string> rules;  // address rules and initiator names
};

// From the result of target.show, and from the text that an old daemon sends for it.
std::vector<TargetView> targets_of(const nlohmann::json& result);
std::vector<TargetView> targets_of(std::string_view text);

// The lowest number from `first` on that is not in `taken`, which is in any order.
uint64_t lowest_free(uint64_t first, std::vector<uint64_t> taken);

}  // namespace tgt::setup_lun
