// SPDX-License-Identifier: GPL-2.0-or-later
// Live control: tgtadm --mode logicalunit --op update --params NAME=VALUE.
#include <fmt/core.h>

#include <array>
#include <cstring>

#include "base/log.h"
#include "store/fault/fault_store.h"
#include "store/fault/options.h"
#include "store/fault/words.h"

namespace tgt::store::fault {

namespace {

constexpr auto module = log::Module::store;

std::string errno_sentence(int error) {
    return fmt::format("{} ({})", strerror(error), errno_text(error));
}

}  // namespace

// A parameter that is only to be looked at has no `set`.
struct FaultStore::Parameter {
    std::string_view name;
    Result<void> (FaultStore::*set)(std::string_view value);
};

const FaultStore::Parameter* FaultStore::find_parameter(std::string_view name) {
    static constexpr std::array<Parameter, 12> all = {{
        {"fault", &FaultStore::set_fault},
        {"release", &FaultStore::set_release},
        {"lose", &FaultStore::set_lose},
        {"cache", &FaultStore::set_cache},
        {"cache_limit", &FaultStore::set_cache_limit},
        {"engine", nullptr},
        {"matched", nullptr},
        {"hits", nullptr},
        {"hung", nullptr},
        {"held", nullptr},
        {"unflushed", nullptr},
        {"cache_memory", nullptr},
    }};
    for (const Parameter& one : all)
        if (one.name == name) return &one;
    return nullptr;
}

Result<void> FaultStore::update(std::string_view name, std::string_view value) {
    const Parameter* parameter = find_parameter(name);
    if (!parameter && is_rule_key(name))
        return fail(EINVAL,
                    fmt::format("{}={}: it belongs to a rule, but a comma ends a parameter, and "
                                "what was before it is in force; join the parts of a rule with "
                                "colons, as in fault=hang:op=write",
                                name, value));
    if (!parameter)
        return fail(ENOENT,
                    fmt::format("a fault store has no parameter '{}' (there is: fault, release, "
                                "lose, cache, cache_limit)",
                                name));
    if (!parameter->set) return fail(EINVAL, fmt::format("{}: it can be looked at, not set", name));
    return (this->*parameter->set)(trimmed(value));
}

Result<void> FaultStore::set_fault(std::string_view value) {
    auto rules = parse_rules(value);
    if (!rules) return tl::unexpected(rules.error());
    rules_.replace(*rules);
    return {};
}

Result<void> FaultStore::set_release(std::string_view value) {
    if (value == "all") {
        hung_.release(SIZE_MAX);
        return {};
    }
    auto count = parse_number(value, 1, SIZE_MAX);
    if (!count)
        return fail(EINVAL, fmt::format("release: '{}' is neither all nor the number of hung "
                                        "operations that may go on (1 or more)",
                                        value));
    hung_.release(*count);
    return {};
}

Result<void> FaultStore::set_cache(std::string_view value) {
    auto on = parse_switch(value);
    if (!on) return fail(EINVAL, fmt::format("cache: {}", on.error().text));
    if (*on && settings_.sync)
        return fail(EINVAL,
                    "cache: with the backing-store flag sync every write is on the medium at once, "
                    "so that nothing could be cached; open the store without it");
    if (*on) {
        cache_.turn_on();
        return {};
    }
    if (int error = cache_.turn_off())
        return fail(error, fmt::format("cache: it stays on, as the inner store did not take what "
                                       "is not flushed: {}; put that right, or drop it with "
                                       "lose=all",
                                       errno_sentence(error)));
    return {};
}

Result<void> FaultStore::set_cache_limit(std::string_view value) {
    auto limit = parse_cache_limit(value);
    if (!limit) return fail(EINVAL, fmt::format("cache_limit: {}", limit.error().text));
    cache_.set_limit(*limit);
    return {};
}

// "all", or "random" with "seed=N" behind a comma or colon.
Result<void> FaultStore::set_lose(std::string_view value) {
    std::string_view what = trimmed(cut(value, ",:"));
    std::string_view option = trimmed(value);
    std::optional<uint64_t> seed;
    if (what == "random") {
        std::string_view key = trimmed(cut(option, "="));
        auto number = key.empty() ? Result<uint64_t>(any_seed())
                                  : parse_number(trimmed(option), 0, UINT64_MAX);
        if (!number || (!key.empty() && key != "seed"))
            return fail(EINVAL, fmt::format("lose: '{}' is not seed=NUMBER", trimmed(value)));
        seed = *number;
    } else if (what != "all" || !option.empty()) {
        return fail(EINVAL, "lose: use all, random, or random,seed=NUMBER");
    }
    if (!cached())
        return fail(EINVAL,
                    "lose: the cache is off, so that there is nothing to lose; set cache=on before "
                    "the writes");
    const VolatileCache::Lost lost = cache_.lose(seed);
    if (lost.error)
        return fail(lost.error, fmt::format("lose: nothing is lost, as the inner store did not "
                                            "take what was to be kept: {}",
                                            errno_sentence(lost.error)));
    log::info(module, "{}: {} bytes that were not flushed are lost{}", settings_.path, lost.bytes,
              seed ? fmt::format(" (seed {})", *seed) : "");
    return {};
}

std::vector<std::pair<std::string, std::string>> FaultStore::parameters() const {
    const RuleSet::Texts texts = rules_.texts();
    const VolatileCache::Stats cache = cache_.stats();
    return {{"engine", settings_.engine},
            {"fault", texts.rules},
            {"matched", texts.matched},
            {"hits", texts.hits},
            {"hung", fmt::format("{}", hung_.count())},
            {"held", fmt::format("{}", rules_.held())},
            {"cache", cache.on ? "on" : "off"},
            {"cache_limit", fmt::format("{}", cache.limit)},
            {"cache_memory", fmt::format("{}", cache.memory)},
            {"unflushed", fmt::format("{}", cache.unflushed)}};
}

}  // namespace tgt::store::fault
