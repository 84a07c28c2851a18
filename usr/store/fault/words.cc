// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/words.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cstring>
#include <system_error>

namespace tgt::store::fault {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr int errno_limit = 4096;  // where the kernel's error numbers end

struct Unit {
    char letter;
    unsigned shift;
};
constexpr std::array<Unit, 4> units = {{{'k', 10}, {'m', 20}, {'g', 30}, {'t', 40}}};

unsigned shift_of(char letter) {
    for (const Unit& unit : units)
        if (unit.letter == (letter | 0x20)) return unit.shift;
    return 0;
}

struct Switch {
    std::string_view word;
    bool on;
};
constexpr std::array<Switch, 6> switches = {
    {{"on", true}, {"off", false}, {"1", true}, {"0", false}, {"yes", true}, {"no", false}}};

// All of `text`, or nothing.
template <class Number>
bool read_whole(std::string_view text, Number& value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view cut(std::string_view& text, std::string_view separators) {
    size_t end = text.find_first_of(separators);
    std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return word;
}

Result<uint64_t> parse_number(std::string_view text, uint64_t lowest, uint64_t highest) {
    uint64_t value = 0;
    if (read_whole(text, value) && value >= lowest && value <= highest) return value;
    if (highest == UINT64_MAX)
        return fail(EINVAL, fmt::format("'{}' is not a whole number of {} or more", text, lowest));
    return fail(EINVAL,
                fmt::format("'{}' is not a whole number from {} to {}", text, lowest, highest));
}

Result<uint64_t> parse_bytes(std::string_view text) {
    unsigned shift = text.empty() ? 0 : shift_of(text.back());
    std::string_view digits = shift ? text.substr(0, text.size() - 1) : text;
    uint64_t value = 0;
    if (!read_whole(digits, value))
        return fail(
            EINVAL,
            fmt::format("'{}' is not a number of bytes, as 4096, 4k, 1m, 2g and 1t are", text));
    if (value > (UINT64_MAX >> shift))
        return fail(EINVAL, fmt::format("'{}' is more than 64 bits can hold", text));
    return value << shift;
}

Result<bool> parse_switch(std::string_view text) {
    for (const Switch& one : switches)
        if (one.word == text) return one.on;
    return fail(EINVAL, fmt::format("'{}' is neither on nor off", text));
}

Result<double> parse_probability(std::string_view text) {
    double value = 0;
    // Not a number compares false.
    if (read_whole(text, value) && value >= 0 && value <= 1) return value;
    return fail(EINVAL, fmt::format("'{}' is not a probability from 0.0 to 1.0", text));
}

Result<int> parse_errno(std::string_view text) {
    int value = 0;
    if (read_whole(text, value) && value > 0 && value < errno_limit) return value;
    for (int error = 1; error < errno_limit; ++error) {
        const char* name = strerrorname_np(error);
        if (name && text == name) return error;
    }
    return fail(EINVAL,
                fmt::format("'{}' is not an error of this system, as EIO, ENOSPC and 5 are", text));
}

std::string errno_text(int error) {
    const char* name = strerrorname_np(error);
    return name ? name : fmt::format("{}", error);
}

}  // namespace tgt::store::fault
