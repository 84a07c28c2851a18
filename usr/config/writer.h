// SPDX-License-Identifier: GPL-2.0-or-later
// The way back: text that the parser (and Config::General) reads as the same key and value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tgt::config {

// "<indent>key value\n", quoted, escaped or as a here-document where it must be. Nothing when no
// text says it (a NUL byte, CR before LF, a key that is no word).
std::optional<std::string> write_entry(std::string_view indent, std::string_view key,
                                       std::string_view value);

// "<indent><name argument>\n". Nothing when no text says it.
std::optional<std::string> write_block_start(std::string_view indent, std::string_view name,
                                             std::string_view argument);

}  // namespace tgt::config
