// SPDX-License-Identifier: GPL-2.0-or-later
// REPORT ELEMENT INFORMATION data (SMC-3).
#pragma once

#include <cstdint>
#include <vector>

#include "device/smc/model.h"

namespace tgt::smc {

enum InformationPage : uint8_t {
    supported_information = 0x00,
    static_information = 0x02,
    state_information = 0x03,
    all_information = 0x7f,
};
bool is_information_page(uint8_t code);

// A page, or all of them, about these elements. `kind`: element type code that was asked for; 0:
// all.
std::vector<uint8_t> element_information(const Changer& changer, uint8_t page, uint8_t kind,
                                         const std::vector<uint16_t>& elements);

}  // namespace tgt::smc
