// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/options.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace tgt::bench {

namespace {

template <class T>
Result<void> number(std::string_view text, T& out, uint64_t low, uint64_t high) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
        return fail(EINVAL, fmt::format("{}: wants a number from {} to {}", text, low, high));
    out = static_cast<T>(value);
    return {};
}

Result<void> duration(std::string_view text, double& out) {
    const std::string copy(text);
    char* end = nullptr;
    out = std::strtod(copy.c_str(), &end);
    if (copy.empty() || *end != 0 || !std::isfinite(out) || out < 0)
        return fail(EINVAL, fmt::format("{}: wants seconds", text));
    return {};
}

Result<void> block_size(std::string_view text, uint32_t& out) {
    const auto size = parse_size(text);
    if (!size) return tl::unexpected(size.error());
    if (*size == 0 || *size > (64u << 20) || *size % 512 != 0)
        return fail(EINVAL, fmt::format("{}: wants a multiple of 512 up to 64M", text));
    out = static_cast<uint32_t>(*size);
    return {};
}

Result<void> range_size(std::string_view text, uint64_t& out) {
    return parse_size(text).map([&](uint64_t size) { out = size; });
}

Result<void> direction(std::string_view text, unsigned& read_percent) {
    if (text == "read" || text == "write") {
        read_percent = text == "read" ? 100 : 0;
        return {};
    }
    return number(text, read_percent, 0, 100);
}

struct Flag {
    std::string_view name;
    bool Options::*member;
    std::string_view help;
};

constexpr Flag flags[] = {
    {"--sequential", &Options::sequential, "one after the other (default: random)"},
    {"--digests", &Options::digests, "CRC32C for headers and data (lean only)"},
    {"--fill", &Options::fill, "write the pattern into the range before"},
    {"--verify", &Options::verify, "reads have to return the pattern that --fill writes"},
    {"--idle", &Options::idle, "log in and wait; shows what sessions cost (lean only)"},
    {"--serve", &Options::serve, "be the server (echo only)"},
    {"--json", &Options::json, "one object on one line"},
    {"--help", &Options::help, "this text"},
};

struct Setting {
    std::string_view name;
    std::string_view value;
    Result<void> (*set)(std::string_view, Options&);
    std::string_view help;
};

constexpr uint64_t many = std::numeric_limits<int32_t>::max();

const Setting settings[] = {
    {"--sessions", "N", [](auto text, Options& o) { return number(text, o.sessions, 1, 100000); },
     "sessions (1)"},
    {"--threads", "N", [](auto text, Options& o) { return number(text, o.threads, 1, 1024); },
     "threads that drive them (1)"},
    {"--depth", "N", [](auto text, Options& o) { return number(text, o.depth, 1, 4096); },
     "commands in flight per session (32)"},
    {"--block", "SIZE", [](auto text, Options& o) { return block_size(text, o.block); },
     "bytes per command (4k)"},
    {"--rw", "read|write|N", [](auto text, Options& o) { return direction(text, o.read_percent); },
     "direction, or the percentage of reads (read)"},
    {"--range", "SIZE", [](auto text, Options& o) { return range_size(text, o.range); },
     "bytes of the LUN that are used (all)"},
    {"--seconds", "S", [](auto text, Options& o) { return duration(text, o.seconds); },
     "how long is measured (5)"},
    {"--warm-up", "S", [](auto text, Options& o) { return duration(text, o.warm_up); },
     "how long before that (1)"},
    {"--server-pid", "PID",
     [](auto text, Options& o) { return number(text, o.server_pid, 1, many); },
     "the process whose CPU time is counted"},
    {"--seed", "N", [](auto text, Options& o) { return number(text, o.seed, 0, many); },
     "of the pattern and the random numbers (1)"},
    {"--file", "PATH",
     [](auto text, Options& o) {
         o.file = text;
         return Result<void>();
     },
     "what the server answers reads with (echo only; default: memory)"},
    {"--label", "TEXT",
     [](auto text, Options& o) {
         o.label = text;
         return Result<void>();
     },
     "a name for the report"},
};

Result<void> set_one(std::string_view name, std::string_view value, Options& options) {
    for (const Setting& setting : settings) {
        if (setting.name != name) continue;
        return setting.set(value, options).map_error([&](Error error) {
            return Error{error.code, fmt::format("{} {}", name, error.text)};
        });
    }
    return fail(EINVAL, fmt::format("{}: no such option", name));
}

bool set_flag(std::string_view name, Options& options) {
    for (const Flag& flag : flags)
        if (flag.name == name) return options.*flag.member = true;
    return false;
}

Result<Options> checked(Options options) {
    if (options.help) return options;
    if (options.host.empty()) return fail(EINVAL, "the address is missing");
    if (options.threads > options.sessions) options.threads = options.sessions;
    return options;
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
    unsigned shift = 0;
    constexpr std::string_view units = "kMGT";
    if (const size_t unit = text.empty() ? text.npos : units.find(text.back()); unit != text.npos) {
        shift = 10 * (static_cast<unsigned>(unit) + 1);
        text.remove_suffix(1);
    }
    uint64_t value = 0;
    const auto parsed = number(text, value, 0, std::numeric_limits<uint64_t>::max() >> shift);
    if (!parsed) return tl::unexpected(parsed.error());
    return value << shift;
}

Result<void> parse_address(std::string_view text, Options& options) {
    const std::string whole(text);
    const auto bad = [&] { return fail(EINVAL, whole + ": wants iscsi://HOST:PORT/TARGET/LUN"); };
    constexpr std::string_view scheme = "iscsi://";
    const bool iscsi = text.substr(0, scheme.size()) == scheme;
    if (iscsi) text.remove_prefix(scheme.size());
    const size_t slash = text.find('/');
    if (iscsi != (slash != text.npos)) return bad();
    std::string_view portal = text.substr(0, slash);
    // The colon of the port is the one behind the brackets of an IPv6 address.
    const size_t bracket = portal.rfind(']');
    const size_t colon = portal.find(':', bracket == portal.npos ? 0 : bracket);
    if (colon != portal.npos) options.port = portal.substr(colon + 1);
    portal = portal.substr(0, colon);
    if (!portal.empty() && portal.front() == '[') portal = portal.substr(1, portal.size() - 2);
    options.host = portal;
    if (options.host.empty() || options.port.empty()) return bad();
    if (!iscsi) return {};
    const size_t last = text.rfind('/');
    if (last == slash) return bad();
    options.target = text.substr(slash + 1, last - slash - 1);
    if (options.target.empty()) return bad();
    return number(text.substr(last + 1), options.lun, 0, 0xffffff);
}

Result<Options> parse_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        Result<void> parsed;
        if (word.substr(0, 2) != "--") {
            parsed = parse_address(word, options);
        } else if (!set_flag(word, options)) {
            if (i + 1 == argc) return fail(EINVAL, fmt::format("{}: a value is missing", word));
            parsed = set_one(word, argv[++i], options);
        }
        if (!parsed) return tl::unexpected(parsed.error());
    }
    return checked(std::move(options));
}

Result<void> names_target(const Options& options) {
    if (!options.target.empty()) return {};
    return fail(EINVAL, options.host + ": wants iscsi://HOST:PORT/TARGET/LUN");
}

std::string usage(std::string_view program) {
    std::string text = fmt::format("Usage: {} [OPTION]... ADDRESS\n", program);
    for (const Setting& setting : settings)
        text += fmt::format("  {:26}{}\n", fmt::format("{} {}", setting.name, setting.value),
                            setting.help);
    for (const Flag& flag : flags) text += fmt::format("  {:26}{}\n", flag.name, flag.help);
    return text;
}

}  // namespace tgt::bench
