// SPDX-License-Identifier: GPL-2.0-or-later
// What is done with texts everywhere. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tgt {

// A whole non-negative number in C notation (10, 0xa, 012), nothing before or after it, at most
// `max`.
std::optional<uint64_t> parse_number(std::string_view text, uint64_t max = UINT64_MAX);

// Equal but for the case of ASCII letters.
bool equal_any_case(std::string_view a, std::string_view b);

// What is between the separators: one piece more than there are of them.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace tgt
