// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/bench/measure.h"

namespace tgt::bench {

namespace {

struct Figures {
    explicit Figures(const Report& report)
        : ios(report.tally.latency.total()),
          iops(static_cast<double>(ios) / report.seconds),
          mib_per_s(static_cast<double>(report.tally.bytes) / report.seconds / (1 << 20)),
          server_us(per_io(report.server_cpu_ns)),
          own_us(per_io(report.own_cpu_ns)),
          own_user_us(per_io(report.own_user_ns)),
          machine_us(per_io(report.machine_cpu_ns)),
          server_load(static_cast<double>(report.server_cpu_ns) / 1e9 / report.seconds) {
        const auto& each = report.tally.by_session;
        if (each.empty()) return;
        const auto [least, most] = std::minmax_element(each.begin(), each.end());
        least_of_session = *least;
        most_of_session = *most;
    }

    double per_io(uint64_t ns) const {
        return ios == 0 ? 0 : static_cast<double>(ns) / 1e3 / static_cast<double>(ios);
    }

    uint64_t ios;
    double iops;
    double mib_per_s;
    double server_us;
    double own_us;
    double own_user_us;
    double machine_us;
    double server_load;
    uint64_t least_of_session = 0;
    uint64_t most_of_session = 0;
};

double microseconds(const Histogram& latency, double fraction) {
    return static_cast<double>(latency.percentile(fraction)) / 1e3;
}

std::string direction(const Options& options) {
    if (options.read_percent == 100) return "read";
    if (options.read_percent == 0) return "write";
    return fmt::format("mix {}/{}", options.read_percent, 100 - options.read_percent);
}

std::string size_text(uint32_t size) {
    if (size % (1u << 20) == 0) return fmt::format("{}M", size >> 20);
    return size % 1024 == 0 ? fmt::format("{}k", size >> 10) : fmt::format("{}", size);
}

}  // namespace

std::string as_text(const Options& options, const Report& report) {
    const Figures figures(report);
    const Histogram& latency = report.tally.latency;
    std::string text = fmt::format(
        "{}{} {} {}, {} x QD{}{}\n"
        "  {:.0f} IOPS, {:.1f} MiB/s in {:.2f} s\n"
        "  latency us: p50 {:.1f}, p99 {:.1f}, p99.9 {:.1f}, max {:.1f}\n",
        options.label.empty() ? "" : options.label + ": ",
        options.sequential ? "sequential" : "random", direction(options), size_text(options.block),
        options.sessions, options.depth, options.digests ? ", digests" : "", figures.iops,
        figures.mib_per_s, report.seconds, microseconds(latency, 0.5), microseconds(latency, 0.99),
        microseconds(latency, 0.999), static_cast<double>(latency.max()) / 1e3);
    if (options.sessions > 1)
        text += fmt::format("  I/Os of each session: {} to {}\n", figures.least_of_session,
                            figures.most_of_session);
    text += fmt::format("  CPU us per I/O: own {:.2f}, whole machine {:.2f}", figures.own_us,
                        figures.machine_us);
    if (options.server_pid != 0)
        text += fmt::format(", server {:.2f} ({:.0f} % of a core)", figures.server_us,
                            100 * figures.server_load);
    for (const auto& [name, value] : report.more) text += fmt::format("\n  {} {:.2f}", name, value);
    if (report.tally.errors != 0)
        text += fmt::format("\n  {} ERRORS, the first: {}", report.tally.errors,
                            report.tally.first_error);
    return text;
}

std::string as_json(const Options& options, const Report& report) {
    const Figures figures(report);
    const Histogram& latency = report.tally.latency;
    nlohmann::ordered_json json = {
        {"label", options.label},
        {"rw", direction(options)},
        {"sequential", options.sequential},
        {"block", options.block},
        {"sessions", options.sessions},
        {"depth", options.depth},
        {"digests", options.digests},
        {"seconds", report.seconds},
        {"completed", report.tally.completed},
        {"ios", figures.ios},
        {"session_ios_least", figures.least_of_session},
        {"session_ios_most", figures.most_of_session},
        {"iops", figures.iops},
        {"mib_per_s", figures.mib_per_s},
        {"p50_us", microseconds(latency, 0.5)},
        {"p99_us", microseconds(latency, 0.99)},
        {"p999_us", microseconds(latency, 0.999)},
        {"max_us", static_cast<double>(latency.max()) / 1e3},
        {"server_cpu_us", figures.server_us},
        {"server_load", figures.server_load},
        {"own_cpu_us", figures.own_us},
        {"own_user_us", figures.own_user_us},
        {"machine_cpu_us", figures.machine_us},
        {"errors", report.tally.errors},
        {"first_error", report.tally.first_error},
    };
    for (const auto& [name, value] : report.more) json[name] = value;
    return json.dump();
}

int print(const Options& options, const Report& report) {
    std::puts((options.json ? as_json(options, report) : as_text(options, report)).c_str());
    return report.tally.errors == 0 && report.tally.completed > 0 ? 0 : 1;
}

}  // namespace tgt::bench
