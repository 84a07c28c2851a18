// SPDX-License-Identifier: GPL-2.0-or-later
// READ ELEMENT STATUS data (SMC-3 6.10).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "device/smc/model.h"

namespace tgt::smc {

struct StatusRequest {
    uint8_t kind = 0;  // element type code; 0: all
    uint16_t start = 0;
    uint16_t count = 0;
    bool volume_tags = false;
    bool device_ids = false;
};

// What byte 2 of a descriptor tells (SMC-3 tables 27, 29, 31, 33).
struct ElementFlags {
    enum Bits : uint8_t {
        full = 0x01,
        by_operator = 0x02,
        exception = 0x04,
        access = 0x08,
        exports = 0x10,
        imports = 0x20,
    };
    uint8_t bits = 0;
    uint16_t code = 0;  // of the exception: additional sense code and qualifier
};
ElementFlags element_flags(const Changer& changer, uint16_t address);

// The elements that a request is for, in order of address.
std::vector<uint16_t> select_elements(const Changer& changer, const StatusRequest& request);

// Header, pages and descriptors, cut after the last descriptor that `room` bytes hold.
// `send_action`: the field of REQUEST VOLUME ELEMENT ADDRESS.
std::vector<uint8_t> element_status(const Changer& changer, const StatusRequest& request,
                                    const std::vector<uint16_t>& elements, uint64_t room,
                                    uint8_t send_action = 0);

}  // namespace tgt::smc
