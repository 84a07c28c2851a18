// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/text.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

namespace tgt::iscsi {

namespace {

constexpr std::string_view error_names[] = {
    "text does not end with NUL", "pair without '='", "malformed key", "value too long",
    "illegal byte in a value",    "key sent twice",   "too many keys",
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// standard-label (6.1): a capital letter first, then letters, digits and . - + @ _; '#' and '/'
// occur in X# and extension keys. Lower-case first letters are taken too: an unknown key is only
// NotUnderstood.
bool valid_key(std::string_view key) {
    if (key.empty() || key.size() > max_key_length || !is_letter(key[0])) return false;
    return std::all_of(key.begin(), key.end(), [](char c) {
        return is_letter(c) || is_digit(c) ||
               std::string_view(".-+@_#/:").find(c) != std::string_view::npos;
    });
}

bool starts_binary(std::string_view value) {
    return value.size() >= 2 && value[0] == '0' &&
           std::string_view("xXbB").find(value[1]) != std::string_view::npos;
}

// Length of the UTF-8 sequence at the front of `text`, 0 when it is not well formed (RFC 3629
// section 4).
size_t utf8_sequence(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t lead = byte(0);
    const size_t length = lead < 0x80                    ? 1
                          : lead >= 0xc2 && lead <= 0xdf ? 2
                          : lead >= 0xe0 && lead <= 0xef ? 3
                          : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                         : 0;
    if (length == 0 || length > text.size()) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) > 0x9f) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;
    if (lead == 0xf4 && byte(1) > 0x8f) return 0;
    return length;
}

bool valid_value_bytes(std::string_view value) {
    while (!value.empty()) {
        const auto byte = static_cast<uint8_t>(value[0]);
        if (byte < 0x20 || byte == 0x7f) return false;
        const size_t length = utf8_sequence(value);
        if (length == 0) return false;
        value.remove_prefix(length);
    }
    return true;
}

// The limit of 255 is on a simple value; a list or a large binary value is longer (6.1).
bool value_fits(std::string_view value) {
    if (value.size() <= max_value_length) return true;
    if (value.size() > max_large_value) return false;
    if (starts_binary(value)) return true;
    ListReader list(value);
    while (auto item = list.next())
        if (item->size() > max_value_length) return false;
    return true;
}

tl::expected<KeyValue, TextError> parse_pair(std::string_view pair) {
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return tl::unexpected(TextError::no_equals);
    KeyValue result{pair.substr(0, equals), pair.substr(equals + 1)};
    if (!valid_key(result.key)) return tl::unexpected(TextError::bad_key);
    if (!value_fits(result.value)) return tl::unexpected(TextError::value_too_long);
    if (!valid_value_bytes(result.value)) return tl::unexpected(TextError::bad_byte);
    return result;
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

using Bytes = std::optional<std::vector<uint8_t>>;

// hex-constant: an odd number of digits stands for a value with a leading zero.
Bytes decode_hex(std::string_view digits, size_t max_bytes) {
    if (digits.empty() || (digits.size() + 1) / 2 > max_bytes) return std::nullopt;
    std::vector<uint8_t> bytes((digits.size() + 1) / 2);
    size_t position = digits.size() % 2;
    for (char c : digits) {
        const int value = hex_value(c);
        if (value < 0) return std::nullopt;
        uint8_t& byte = bytes[position++ / 2];
        byte = static_cast<uint8_t>(byte << 4 | value);
    }
    return bytes;
}

// base64-constant (RFC 4648): whole groups of four, '=' only at the end, no stray bits.
Bytes decode_base64(std::string_view text, size_t max_bytes) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    size_t pad = 0;
    while (pad < 2 && text[text.size() - 1 - pad] == '=') ++pad;
    const size_t length = text.size() / 4 * 3 - pad;
    if (length > max_bytes) return std::nullopt;
    std::vector<uint8_t> bytes;
    bytes.reserve(length);
    uint32_t group = 0;
    unsigned bits = 0;
    for (char c : text.substr(0, text.size() - pad)) {
        const size_t value = base64_alphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        group = group << 6 | static_cast<uint32_t>(value);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes.push_back(static_cast<uint8_t>(group >> bits));
        group &= (1u << bits) - 1;
    }
    if (group != 0) return std::nullopt;
    return bytes;
}

}  // namespace

std::string_view text_error_name(TextError error) {
    return error_names[static_cast<size_t>(error)];
}

tl::expected<TextKeys, TextError> TextKeys::parse(std::string_view text) {
    TextKeys result;
    std::unordered_set<std::string_view> seen;
    while (!text.empty()) {
        const size_t end = text.find('\0');
        if (end == std::string_view::npos) return tl::unexpected(TextError::unterminated);
        const std::string_view item = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (item.empty()) continue;  // padding that was counted as data
        auto pair = parse_pair(item);
        if (!pair) return tl::unexpected(pair.error());
        if (!seen.insert(pair->key).second) return tl::unexpected(TextError::duplicate);
        if (result.pairs_.size() == max_text_keys) return tl::unexpected(TextError::too_many);
        result.pairs_.push_back(*pair);
    }
    return result;
}

std::optional<std::string_view> TextKeys::find(std::string_view key) const {
    for (const KeyValue& pair : pairs_)
        if (pair.key == key) return pair.value;
    return std::nullopt;
}

void TextBuilder::add(std::string_view key, std::string_view value) {
    text_.append(key).append(1, '=').append(value).append(1, '\0');
}
void TextBuilder::add_number(std::string_view key, uint64_t value) {
    add(key, std::to_string(value));
}
void TextBuilder::add_bool(std::string_view key, bool value) {
    add(key, value ? "Yes" : "No");
}
void TextBuilder::add_hex(std::string_view key, std::span<const uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string value = "0x";
    for (uint8_t byte : bytes) {
        value += digits[byte >> 4];
        value += digits[byte & 15];
    }
    add(key, value);
}
std::string TextBuilder::take() {
    std::string text = std::move(text_);
    text_.clear();
    return text;
}

std::optional<uint64_t> parse_number(std::string_view value) {
    int base = 10;
    if (value.size() > 2 && value[0] == '0' && (value[1] == 'x' || value[1] == 'X')) {
        base = 16;
        value.remove_prefix(2);
    }
    if (value.empty() || hex_value(value[0]) < 0) return std::nullopt;  // no sign, no blank
    uint64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number, base);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

std::optional<NumberRange> parse_range(std::string_view value) {
    const size_t tilde = value.find('~');
    if (tilde == std::string_view::npos) return std::nullopt;
    const auto low = parse_number(value.substr(0, tilde));
    const auto high = parse_number(value.substr(tilde + 1));
    if (!low || !high || *low > *high) return std::nullopt;
    return NumberRange{*low, *high};
}

std::optional<bool> parse_bool(std::string_view value) {
    if (value == "Yes") return true;
    if (value == "No") return false;
    return std::nullopt;
}

std::optional<std::vector<uint8_t>> parse_binary(std::string_view value, size_t max_bytes) {
    if (!starts_binary(value)) return std::nullopt;
    const bool hex = value[1] == 'x' || value[1] == 'X';
    value.remove_prefix(2);
    return hex ? decode_hex(value, max_bytes) : decode_base64(value, max_bytes);
}

std::optional<std::string_view> ListReader::next() {
    if (done_) return std::nullopt;
    const size_t comma = rest_.find(',');
    const std::string_view item = rest_.substr(0, comma);
    done_ = comma == std::string_view::npos;
    if (!done_) rest_.remove_prefix(comma + 1);
    return item;
}

std::string base64_encode(std::span<const uint8_t> bytes) {
    std::string text;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t have = std::min<size_t>(3, bytes.size() - i);
        uint32_t group = 0;
        for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? bytes[i + k] : 0);
        for (size_t k = 0; k < 4; ++k)
            text += k <= have ? base64_alphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

bool valid_iscsi_name(std::string_view name) {
    if (name.empty() || name.size() > 223) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        const auto byte = static_cast<uint8_t>(c);
        return byte > 0x20 && byte != 0x7f && c != ',';
    });
}

}  // namespace tgt::iscsi
