// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sgio/options.h"

#include <fmt/core.h>

#include <charconv>

namespace tgt::store::sgio {

namespace {

constexpr std::string_view timeout_word = "timeout=";
constexpr uint32_t max_timeout = 7 * 24 * 3600;  // the kernel counts milliseconds in 32 bits
constexpr uint32_t usual_timeout = 30, tape_timeout = 14000;
constexpr uint8_t sequential_access = 0x01;

}  // namespace

Result<uint32_t> parse_timeout(std::string_view value) {
    uint32_t seconds = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, seconds);
    if (error == std::errc() && stop == end && seconds >= 1 && seconds <= max_timeout)
        return seconds;
    return fail(EINVAL, fmt::format("timeout={} is refused: the value must be seconds from 1 to {}",
                                    value, max_timeout));
}

Result<Options> parse_options(std::string_view text) {
    Options options;
    while (!text.empty()) {
        const size_t end = text.find(';');
        const std::string_view word = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (word.empty()) continue;
        if (word.substr(0, timeout_word.size()) != timeout_word)
            return fail(EINVAL,
                        fmt::format("'{}' is not an option of a pass-through device: the only "
                                    "one is timeout=SECONDS",
                                    word));
        auto seconds = parse_timeout(word.substr(timeout_word.size()));
        if (!seconds) return tl::unexpected(seconds.error());
        options.timeout = *seconds;
    }
    return options;
}

uint32_t default_timeout(uint8_t peripheral_type) {
    return peripheral_type == sequential_access ? tape_timeout : usual_timeout;
}

}  // namespace tgt::store::sgio
