// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/options.h"

#include <fmt/core.h>

#include <array>
#include <string>

#include "store/fault/words.h"

namespace tgt::store::fault {

namespace {

// The rules are gathered and parsed as one text, so that they are counted and bounded as
// everywhere.
struct Parsing {
    Options options;
    std::string rules;
};

Result<void> take_engine(Parsing& parsing, std::string_view value) {
    if (value.empty()) return fail(EINVAL, "it needs the name of a backing-store type");
    parsing.options.engine = value;
    return {};
}

Result<void> take_cache(Parsing& parsing, std::string_view value) {
    auto on = parse_switch(value);
    if (!on) return tl::unexpected(on.error());
    parsing.options.cache = *on;
    return {};
}

Result<void> take_cache_limit(Parsing& parsing, std::string_view value) {
    auto limit = parse_cache_limit(value);
    if (!limit) return tl::unexpected(limit.error());
    parsing.options.cache_limit = *limit;
    return {};
}

Result<void> take_rule(Parsing& parsing, std::string_view value) {
    parsing.rules += std::string(value) + ";";
    return {};
}

struct Option {
    std::string_view name;
    Result<void> (*take)(Parsing& parsing, std::string_view value);
};
constexpr std::array<Option, 4> all_options = {{
    {"engine", take_engine},
    {"cache", take_cache},
    {"cache_limit", take_cache_limit},
    {"fault", take_rule},
}};

Result<void> take_item(Parsing& parsing, std::string_view item) {
    if (begins_as_rule(item)) return take_rule(parsing, item);
    size_t equals = item.find('=');
    std::string_view name = trimmed(item.substr(0, equals));
    for (const Option& option : all_options) {
        if (option.name != name) continue;
        std::string_view value =
            equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
        auto taken = option.take(parsing, trimmed(value));
        if (!taken) return fail(EINVAL, fmt::format("option '{}': {}", name, taken.error().text));
        return {};
    }
    return fail(EINVAL, fmt::format("'{}' is neither an option (there is: engine, cache, "
                                    "cache_limit, fault) nor a rule (error, short, delay, hang, "
                                    "reorder)",
                                    item));
}

}  // namespace

Result<uint64_t> parse_cache_limit(std::string_view text) {
    auto bytes = parse_bytes(text);
    if (!bytes) return bytes;
    if (*bytes >= VolatileCache::lowest_limit && *bytes <= VolatileCache::highest_limit)
        return bytes;
    return fail(EINVAL, fmt::format("'{}' is not from 64k to 1t", text));
}

Result<Options> parse_options(std::string_view text) {
    Parsing parsing;
    while (!text.empty()) {
        std::string_view item = trimmed(cut(text, ";"));
        if (item.empty()) continue;
        if (auto taken = take_item(parsing, item); !taken) return tl::unexpected(taken.error());
    }
    if (parsing.rules == "none;") parsing.rules.clear();
    auto rules = parse_rules(parsing.rules);
    if (!rules) return tl::unexpected(rules.error());
    parsing.options.rules = std::move(*rules);
    return std::move(parsing.options);
}

}  // namespace tgt::store::fault
