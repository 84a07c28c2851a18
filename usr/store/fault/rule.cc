// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/rule.h"

#include <fmt/core.h>

#include "store/fault/words.h"

namespace tgt::store::fault {

namespace {

constexpr uint32_t default_reorder_ms = 100;
constexpr unsigned default_window = 8;
constexpr unsigned max_window = 1024;
constexpr uint32_t max_ms = 3600 * 1000;

constexpr std::string_view rule_separator = ";";
// A comma ends a parameter of tgtadm, hence the colon.
constexpr std::string_view key_separators = ",:";

using FaultSet = uint8_t;
constexpr FaultSet bit(Fault fault) {
    return FaultSet(1u << unsigned(fault));
}
constexpr FaultSet all_faults = (1u << fault_count) - 1;
constexpr FaultSet waiting_faults = bit(Fault::delay) | bit(Fault::hang) | bit(Fault::reorder);
constexpr FaultSet failing_faults = bit(Fault::error) | bit(Fault::short_);

constexpr std::array<std::string_view, fault_count> fault_names = {"error", "short", "delay",
                                                                   "hang", "reorder"};

struct OpName {
    std::string_view name;
    OpSet ops;
};
constexpr std::array<OpName, 6> op_names = {{
    {"any", every_op},
    {"read", op_bit(OpKind::read)},
    {"write", op_bit(OpKind::write)},
    {"flush", op_bit(OpKind::flush)},
    {"discard", op_bit(OpKind::discard)},
    {"write_zeroes", op_bit(OpKind::write_zeroes)},
}};

OpSet default_ops(Fault what) {
    return what == Fault::short_ ? transfers : every_op;
}

// --- the values of the keys --------------------------------------------------------------------

Result<void> failed(const Error& error) {
    return tl::unexpected(error);
}

Result<void> take_op(Rule& rule, std::string_view text) {
    rule.ops = 0;
    while (true) {
        bool last = text.find('+') == std::string_view::npos;
        std::string_view word = trimmed(cut(text, "+"));
        OpSet ops = 0;
        for (const OpName& one : op_names)
            if (one.name == word) ops = one.ops;
        if (!ops)
            return fail(EINVAL,
                        fmt::format("'{}' is none of read, write, flush, discard, write_zeroes and "
                                    "any; several are joined with +",
                                    word));
        rule.ops |= ops;
        if (last) return {};
    }
}

std::string op_text(const Rule& rule) {
    if (rule.ops == default_ops(rule.what)) return "";
    std::string text;
    for (const OpName& one : op_names) {
        if ((rule.ops & one.ops) != one.ops) continue;
        text += (text.empty() ? "" : "+") + std::string(one.name);
        if (one.ops == every_op) break;
    }
    return text;
}

// FIRST-LAST, FIRST- (to the end) or FIRST+LENGTH.
Result<void> take_range(Rule& rule, std::string_view text) {
    size_t sign = text.find_first_of("-+");
    if (sign == std::string_view::npos)
        return fail(EINVAL,
                    fmt::format("'{}' is no range: use FIRST-LAST (both inclusive) or FIRST+LENGTH "
                                "in bytes, as 0-511 or 1m+64k",
                                text));
    std::string_view end = trimmed(text.substr(sign + 1));
    auto first = parse_bytes(trimmed(text.substr(0, sign)));
    if (!first) return failed(first.error());
    rule.first = *first;
    rule.last = UINT64_MAX;
    if (text[sign] == '-' && end.empty()) return {};
    auto value = parse_bytes(end);
    if (!value) return failed(value.error());
    if (text[sign] == '-') {
        rule.last = *value;
        if (rule.last >= rule.first) return {};
        return fail(EINVAL, fmt::format("'{}' ends before it begins", text));
    }
    if (*value == 0) return fail(EINVAL, fmt::format("'{}' has no length", text));
    if (*value - 1 > UINT64_MAX - rule.first)
        return fail(EINVAL, fmt::format("'{}' ends behind 64 bits", text));
    rule.last = rule.first + (*value - 1);
    return {};
}

std::string range_text(const Rule& rule) {
    if (rule.first == 0 && rule.last == UINT64_MAX) return "";
    if (rule.last == UINT64_MAX) return fmt::format("{}-", rule.first);
    return fmt::format("{}-{}", rule.first, rule.last);
}

template <auto Rule::*member>
Result<void> take_number(Rule& rule, std::string_view text, uint64_t lowest, uint64_t highest) {
    auto value = parse_number(text, lowest, highest);
    if (!value) return failed(value.error());
    rule.*member = static_cast<std::remove_reference_t<decltype(rule.*member)>>(*value);
    return {};
}

Result<void> take_after(Rule& rule, std::string_view text) {
    return take_number<&Rule::after>(rule, text, 0, UINT64_MAX);
}
std::string after_text(const Rule& rule) {
    return rule.after ? fmt::format("{}", rule.after) : "";
}

Result<void> take_count(Rule& rule, std::string_view text) {
    return take_number<&Rule::count>(rule, text, 1, UINT64_MAX);
}
std::string count_text(const Rule& rule) {
    return rule.count != UINT64_MAX ? fmt::format("{}", rule.count) : "";
}

Result<void> take_probability(Rule& rule, std::string_view text) {
    auto value = parse_probability(text);
    if (!value) return failed(value.error());
    rule.probability = *value;
    return {};
}
std::string probability_text(const Rule& rule) {
    return rule.probability != 1 ? fmt::format("{}", rule.probability) : "";
}

Result<void> take_seed(Rule& rule, std::string_view text) {
    return take_number<&Rule::seed>(rule, text, 0, UINT64_MAX);
}
std::string seed_text(const Rule& rule) {
    return rule.seed ? fmt::format("{}", *rule.seed) : "";
}

Result<void> take_errno(Rule& rule, std::string_view text) {
    auto value = parse_errno(text);
    if (!value) return failed(value.error());
    rule.error = *value;
    return {};
}
std::string error_text(const Rule& rule) {
    return rule.error ? errno_text(rule.error) : "";
}

Result<void> take_bytes(Rule& rule, std::string_view text) {
    auto value = parse_bytes(text);
    if (!value) return failed(value.error());
    rule.bytes = *value;
    return {};
}
std::string bytes_text(const Rule& rule) {
    return rule.bytes ? fmt::format("{}", *rule.bytes) : "";
}

Result<void> take_ms(Rule& rule, std::string_view text) {
    return take_number<&Rule::ms>(rule, text, 1, max_ms);
}
std::string ms_text(const Rule& rule) {
    return rule.ms ? fmt::format("{}", *rule.ms) : "";
}

Result<void> take_window(Rule& rule, std::string_view text) {
    return take_number<&Rule::window>(rule, text, 2, max_window);
}
std::string window_text(const Rule& rule) {
    return rule.window ? fmt::format("{}", rule.window) : "";
}

Result<void> take_cancellable(Rule& rule, std::string_view text) {
    auto value = parse_switch(text);
    if (!value) return failed(value.error());
    rule.cancellable = *value;
    return {};
}
std::string cancellable_text(const Rule& rule) {
    return rule.cancellable ? "1" : "";
}

// --- the keys ------------------------------------------------------------------------------------

struct Key {
    std::string_view name;
    FaultSet fits;
    Result<void> (*take)(Rule& rule, std::string_view value);
    std::string (*text)(const Rule& rule);  // empty when it need not be said
};
constexpr std::array<Key, 11> keys = {{
    {"op", all_faults, take_op, op_text},
    {"range", all_faults, take_range, range_text},
    {"errno", failing_faults, take_errno, error_text},
    {"bytes", bit(Fault::short_), take_bytes, bytes_text},
    {"ms", waiting_faults, take_ms, ms_text},
    {"window", bit(Fault::reorder), take_window, window_text},
    {"cancellable", waiting_faults, take_cancellable, cancellable_text},
    {"after", all_faults, take_after, after_text},
    {"count", all_faults, take_count, count_text},
    {"probability", all_faults, take_probability, probability_text},
    {"seed", all_faults, take_seed, seed_text},
}};

const Key* find_key(std::string_view name) {
    for (const Key& key : keys)
        if (key.name == name) return &key;
    return nullptr;
}

std::optional<Fault> find_fault(std::string_view name) {
    for (size_t i = 0; i < fault_names.size(); ++i)
        if (fault_names[i] == name) return Fault(i);
    return std::nullopt;
}

std::string joined_faults(FaultSet set) {
    std::string text;
    for (size_t i = 0; i < fault_names.size(); ++i)
        if (set & bit(Fault(i))) text += (text.empty() ? "" : ", ") + std::string(fault_names[i]);
    return text;
}

std::string joined_keys(Fault what) {
    std::string text;
    for (const Key& key : keys)
        if (key.fits & bit(what)) text += (text.empty() ? "" : ", ") + std::string(key.name);
    return text;
}

Result<void> take_item(Rule& rule, std::string_view item, uint16_t& seen) {
    size_t equals = item.find('=');
    std::string_view name = trimmed(item.substr(0, equals));
    std::string_view what = fault_names[size_t(rule.what)];
    const Key* key = find_key(name);
    if (!key)
        return fail(EINVAL, fmt::format("there is no key '{}' (for {} there is: {})", name, what,
                                        joined_keys(rule.what)));
    if (!(key->fits & bit(rule.what)))
        return fail(EINVAL, fmt::format("the key '{}' is for {}, not for {}", name,
                                        joined_faults(key->fits), what));
    if (equals == std::string_view::npos)
        return fail(EINVAL, fmt::format("the key '{}' needs a value: {}=...", name, name));
    const auto mark = uint16_t(1u << (key - keys.data()));
    if (seen & mark) return fail(EINVAL, fmt::format("the key '{}' is given twice", name));
    seen |= mark;
    auto taken = key->take(rule, trimmed(item.substr(equals + 1)));
    if (!taken) return fail(EINVAL, fmt::format("{}: {}", name, taken.error().text));
    return {};
}

// What only the whole rule shows.
Result<void> complete(Rule& rule) {
    if (rule.what == Fault::delay && !rule.ms)
        return fail(EINVAL, "a delay needs its length in milliseconds: ms=...");
    if (rule.what == Fault::short_ && (rule.ops & ~transfers))
        return fail(EINVAL, "op: only read and write move data that can be short");
    if (rule.what != Fault::reorder) return {};
    if (!rule.ms) rule.ms = default_reorder_ms;
    if (!rule.window) rule.window = default_window;
    return {};
}

}  // namespace

bool begins_as_rule(std::string_view text) {
    std::string_view name = trimmed(cut(text, key_separators));
    return find_fault(name).has_value();
}

bool is_rule_key(std::string_view name) {
    return find_key(name) != nullptr;
}

Result<Rule> parse_rule(std::string_view text) {
    std::string_view name = trimmed(cut(text, key_separators));
    auto what = find_fault(name);
    if (!what)
        return fail(EINVAL, fmt::format("there is no fault '{}' (there is: {})", name,
                                        joined_faults(all_faults)));
    Rule rule;
    rule.what = *what;
    rule.ops = default_ops(*what);
    uint16_t seen = 0;
    while (!text.empty())
        if (auto taken = take_item(rule, trimmed(cut(text, key_separators)), seen); !taken)
            return tl::unexpected(taken.error());
    if (auto whole = complete(rule); !whole) return tl::unexpected(whole.error());
    return rule;
}

Result<std::vector<Rule>> parse_rules(std::string_view text) {
    std::vector<Rule> rules;
    if (text.size() > max_rules_text)
        return fail(EINVAL, fmt::format("fault: {} bytes of rules are more than {}", text.size(),
                                        max_rules_text));
    if (trimmed(text) == "none") return rules;
    for (unsigned place = 1; !text.empty(); ++place) {
        std::string_view one = trimmed(cut(text, rule_separator));
        if (one.empty()) continue;
        auto rule = parse_rule(one);
        if (!rule)
            return fail(EINVAL,
                        fmt::format("fault: rule {}, '{}': {}", place, one, rule.error().text));
        if (rules.size() == max_rules)
            return fail(EINVAL, fmt::format("fault: there are more than {} rules", max_rules));
        rules.push_back(*rule);
    }
    return rules;
}

std::string text_of(const Rule& rule) {
    std::string text(fault_names[size_t(rule.what)]);
    for (const Key& key : keys)
        if (std::string value = key.text(rule); !value.empty())
            text += fmt::format(":{}={}", key.name, value);
    return text;
}

bool matches(const Rule& rule, const Op& op) {
    if (!(rule.ops & op_bit(op.kind))) return false;
    if (rule.what == Fault::short_ && op.length <= rule.bytes.value_or(0)) return false;
    if (op.kind == OpKind::flush && op.length == 0) return true;
    uint64_t behind = op.length > UINT64_MAX - op.offset ? UINT64_MAX : op.offset + op.length;
    return op.length > 0 && op.offset <= rule.last && behind > rule.first;
}

uint64_t short_bytes(const Rule& rule, const Op& op) {
    return rule.bytes.value_or(op.length / 2);
}

int error_of(const Rule& rule, const Op& op) {
    if (rule.error) return rule.error;
    return rule.what == Fault::short_ && op.kind == OpKind::write ? ENOSPC : EIO;
}

}  // namespace tgt::store::fault
