// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/volume_search.h"

#include <string>

namespace tgt::smc {

bool is_search(uint8_t action) {
    return action == 0x00 || action == 0x01 || action == 0x04 || action == 0x05;
}

// Goes back to the last '*' when what follows does not fit: each character is looked at once for
// each of the text's.
bool matches(std::string_view pattern, std::string_view text) {
    size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

// The tags have no sequence numbers, so those of the list do not matter.
std::vector<uint16_t> find_volumes(const store::Inventory& inventory,
                                   const std::vector<uint16_t>& elements,
                                   std::span<const uint8_t> list) {
    std::string pattern(list.begin(), list.begin() + store::max_barcode);
    while (!pattern.empty() && (pattern.back() == ' ' || pattern.back() == '\0'))
        pattern.pop_back();
    std::vector<uint16_t> found;
    for (const uint16_t address : elements) {
        const auto& cartridge = inventory.elements.at(address).cartridge;
        if (cartridge && matches(pattern, cartridge->tag())) found.push_back(address);
    }
    return found;
}

}  // namespace tgt::smc
