// SPDX-License-Identifier: GPL-2.0-or-later
// SEND VOLUME TAG (SMC-3 6.13): cartridges by template.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "store/library.h"

namespace tgt::smc {

constexpr size_t search_list_bytes = 40;

// The SEND ACTION CODEs that look for tags: 0h, 1h, 4h and 5h. Those for alternate tags, and those
// that change tags, are not there.
bool is_search(uint8_t action);
// '*' stands for any characters, '?' for one.
bool matches(std::string_view pattern, std::string_view text);
// Which of these elements have a cartridge that the parameter list describes.
std::vector<uint16_t> find_volumes(const store::Inventory& inventory,
                                   const std::vector<uint16_t>& elements,
                                   std::span<const uint8_t> list);

}  // namespace tgt::smc
