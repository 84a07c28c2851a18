// SPDX-License-Identifier: GPL-2.0-or-later
// The text of Login and Text PDUs (RFC 7143 section 6.1): NUL-separated key=value pairs and the
// value syntaxes. What comes from the wire is never trusted: lengths are bounded, control bytes
// refused, views never escape the caller's text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace tgt::iscsi {

constexpr size_t max_key_length = 63;     // 6.1: standard-label
constexpr size_t max_value_length = 255;  // 6.1: unless a key says otherwise
constexpr size_t max_large_value = 8192;  // hex or base64 constants (CHAP_C, CHAP_R) and lists
constexpr size_t max_text_keys = 256;     // in one negotiation sequence

enum class TextError : uint8_t {
    unterminated,  // the last pair lacks its NUL
    no_equals,     // a pair without '='
    bad_key,       // empty, too long, or with a byte outside the standard-label alphabet
    value_too_long,
    bad_byte,   // a control byte or broken UTF-8 in a value
    duplicate,  // the same key twice (6.2: a protocol error)
    too_many,
};
std::string_view text_error_name(TextError error);

struct KeyValue {
    std::string_view key;
    std::string_view value;
};

// The pairs of one text, in their order. Holds views into the text given to parse(), which must
// outlive it.
class TextKeys {
  public:
    static tl::expected<TextKeys, TextError> parse(std::string_view text);

    std::optional<std::string_view> find(std::string_view key) const;
    bool has(std::string_view key) const { return find(key).has_value(); }
    bool empty() const { return pairs_.empty(); }
    size_t size() const { return pairs_.size(); }
    auto begin() const { return pairs_.begin(); }
    auto end() const { return pairs_.end(); }

  private:
    std::vector<KeyValue> pairs_;
};

// Makes "key=value\0key=value\0". Callers give valid keys; values are written as they are.
class TextBuilder {
  public:
    void add(std::string_view key, std::string_view value);
    void add_number(std::string_view key, uint64_t value);
    void add_bool(std::string_view key, bool value);
    void add_hex(std::string_view key, std::span<const uint8_t> bytes);

    const std::string& text() const { return text_; }
    bool empty() const { return text_.empty(); }
    std::string take();

  private:
    std::string text_;
};

// numerical-value: decimal or 0x hex, nothing before or after it, at most 64 bits.
std::optional<uint64_t> parse_number(std::string_view value);
// numeric-range: "a~b" with a <= b.
struct NumberRange {
    uint64_t low = 0;
    uint64_t high = 0;
};
std::optional<NumberRange> parse_range(std::string_view value);
// boolean-value: exactly "Yes" or "No".
std::optional<bool> parse_bool(std::string_view value);
// binary-value: 0x hex or 0b base64; nullopt when malformed or longer than max_bytes.
std::optional<std::vector<uint8_t>> parse_binary(std::string_view value, size_t max_bytes);
// Takes the next item off a comma-separated list: nullopt at its end. Empty items are returned as
// such.
class ListReader {
  public:
    explicit ListReader(std::string_view list) : rest_(list) {}
    std::optional<std::string_view> next();

  private:
    std::string_view rest_;
    bool done_ = false;
};
std::string base64_encode(std::span<const uint8_t> bytes);

// iSCSI names (4.2.7): 1..223 bytes, no blanks or control bytes. Case folding and IDN are the
// registry's matter.
bool valid_iscsi_name(std::string_view name);

}  // namespace tgt::iscsi
