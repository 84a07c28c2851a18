// SPDX-License-Identifier: GPL-2.0-or-later
// What a person asks for: "hang,op=write,range=1m+64k;error,op=read,errno=EIO,count=3".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace tgt::store::fault {

enum class Fault : uint8_t {
    error,    // fails without touching the medium
    short_,   // moves a part of the data, then fails
    delay,    // begins late; the search for a rule goes on behind it
    hang,     // waits for `release`
    reorder,  // waits for others and goes on in another order
};
inline constexpr size_t fault_count = 5;

// Sets of OpKind as bits. Hints never fail, so that no rule speaks of them.
using OpSet = uint8_t;
constexpr OpSet op_bit(OpKind kind) {
    return OpSet(1u << unsigned(kind));
}
inline constexpr OpSet transfers = op_bit(OpKind::read) | op_bit(OpKind::write);
inline constexpr OpSet every_op =
    transfers | op_bit(OpKind::flush) | op_bit(OpKind::discard) | op_bit(OpKind::write_zeroes);

// One rule. Plain data.
struct Rule {
    Fault what = Fault::error;
    OpSet ops = every_op;
    // Bytes, both inclusive. It meets operations that touch one of them. A flush without a length
    // is of everything.
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
    uint64_t after = 0;           // so many matching operations are left alone first
    uint64_t count = UINT64_MAX;  // then so many are hit
    double probability = 1;       // of being hit, for each that is left
    std::optional<uint64_t> seed;
    int error = 0;  // error, short: an errno value; 0: EIO, for a short write ENOSPC
    std::optional<uint64_t> bytes;  // short: moved before the failure; else half
    std::optional<uint32_t> ms;     // delay: how long. hang, reorder: for how long at most
    unsigned window = 0;            // reorder: so many are gathered
    bool cancellable = false;       // delay, hang, reorder: an abort takes it back

    bool operator==(const Rule&) const = default;
};

inline constexpr size_t max_rules = 64;
inline constexpr size_t max_rules_text = 8192;  // bytes

// Rules separated by ';', each a fault and its keys separated by ',' or ':'. Nothing, or "none", is
// no rule. Errors name the rule, the word and what is allowed.
Result<std::vector<Rule>> parse_rules(std::string_view text);
// One rule; EINVAL with a text that says nothing of where it stands.
Result<Rule> parse_rule(std::string_view text);
// Whether `text` begins with the name of a fault.
bool begins_as_rule(std::string_view text);
// Whether `name` is a key of some rule.
bool is_rule_key(std::string_view name);

// The way back: parse_rule(text_of(rule)) == rule.
std::string text_of(const Rule& rule);

// Whether the rule speaks of such an operation, counters and chance apart.
bool matches(const Rule& rule, const Op& op);
// Bytes that a short transfer of `op` moves; less than op.length.
uint64_t short_bytes(const Rule& rule, const Op& op);
// The errno value that `op` fails with.
int error_of(const Rule& rule, const Op& op);

}  // namespace tgt::store::fault
