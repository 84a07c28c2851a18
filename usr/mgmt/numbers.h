// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "io/clock.h"

namespace tgt::mgmt {

// A whole non-negative number in C notation (10, 0xa, 012), nothing before or after it, at most
// `max`.
std::optional<uint64_t> parse_number(std::string_view text, uint64_t max = UINT64_MAX);

// For texts.
inline uint64_t whole_seconds(io::Duration duration) {
    return uint64_t(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

// Equal but for the case of ASCII letters.
bool equal_any_case(std::string_view a, std::string_view b);

}  // namespace tgt::mgmt
