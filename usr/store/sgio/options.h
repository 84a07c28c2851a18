// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace tgt::store::sgio {

// `tgtadm --bsopts`, words with semicolons between them: timeout=SECONDS.
struct Options {
    std::optional<uint32_t> timeout;  // seconds
};
Result<Options> parse_options(std::string_view text);
Result<uint32_t> parse_timeout(std::string_view value);

// Without the option: what tgt gives a command. A tape that rewinds takes long.
uint32_t default_timeout(uint8_t peripheral_type);

}  // namespace tgt::store::sgio
