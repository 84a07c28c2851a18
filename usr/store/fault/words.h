// SPDX-License-Identifier: GPL-2.0-or-later
// The small words that rules and options are made of. What a person typed is judged here: every
// error says what is wrong with the word and what is allowed; the caller says where it stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tgt::store::fault {

// Without blanks at both ends.
std::string_view trimmed(std::string_view text);
// The text before the first of `separators`; `text` keeps what follows it.
std::string_view cut(std::string_view& text, std::string_view separators);

// Decimal digits, lowest to highest.
Result<uint64_t> parse_number(std::string_view text, uint64_t lowest, uint64_t highest);
// Bytes, with k, m, g or t for powers of 1024 (either case).
Result<uint64_t> parse_bytes(std::string_view text);
Result<bool> parse_switch(std::string_view text);  // on, off, 1, 0, yes, no
// 0.0 to 1.0
Result<double> parse_probability(std::string_view text);
// EIO or 5: the name or number of an error of this system.
Result<int> parse_errno(std::string_view text);
// "EIO"; the number where it has no name.
std::string errno_text(int error);

}  // namespace tgt::store::fault
