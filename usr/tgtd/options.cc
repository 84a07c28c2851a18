// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "base/text.h"
#include "driver/iscsi/parameters.h"
#include "mgmt/registry.h"

namespace tgt::tgtd {

namespace {

constexpr std::string_view try_help = "Try `tgtd --help' for more information.\n";
constexpr size_t min_memory = size_t(16) << 20;

using Problem = std::optional<UsageError>;

UsageError usage(std::string_view line, int status = 1) {
    UsageError error;
    if (!line.empty()) error.text = fmt::format("{}\n", line);
    error.text += try_help;
    error.status = status;
    return error;
}

// An integer in C notation; below or above the range, or not a number, as tgt says it.
Problem set_number(unsigned& out, std::string_view option, std::string_view value, uint64_t min,
                   uint64_t max) {
    const auto number = parse_number(value);
    if (!number) return usage(fmt::format("{} argument value '{}' invalid", option, value), EINVAL);
    if (*number < min || *number > max)
        return usage(fmt::format("{} argument value '{}' out of range", option, value), ERANGE);
    out = unsigned(*number);
    return {};
}

Problem control_port(Options& options, std::string_view value) {
    return set_number(options.control_port, "-C", value, 0, UINT16_MAX);
}
Problem io_threads(Options& options, std::string_view value) {
    return set_number(options.io_threads, "-t", value, 1, INT_MAX);
}
Problem debug(Options& options, std::string_view value) {
    unsigned on = 0;
    auto problem = set_number(on, "-d", value, 0, 1);
    options.debug = on != 0;
    return problem;
}
Problem workers(Options& options, std::string_view value) {
    return set_number(options.workers, "--workers", value, 1, 1024);
}

Problem busy_poll(Options& options, std::string_view value) {
    return set_number(options.busy_poll_us, "--busy-poll", value, 0, 10000);
}

Problem abort_bound(Options& options, std::string_view value) {
    return set_number(options.abort_seconds, "--abort-bound", value,
                      mgmt::Registry::min_abort_seconds, mgmt::Registry::max_abort_seconds);
}

Problem memory(Options& options, std::string_view value) {
    unsigned shift = 0;
    std::string_view digits = value;
    if (!digits.empty()) {
        const size_t unit = std::string_view("KMGkmg").find(digits.back());
        if (unit != std::string_view::npos) {
            shift = 10 * unsigned(unit % 3 + 1);
            digits.remove_suffix(1);
        }
    }
    const auto number = parse_number(digits);
    if (!number) return usage(fmt::format("--memory argument value '{}' invalid", value), EINVAL);
    if (*number > SIZE_MAX >> 1 >> shift || *number << shift < min_memory)
        return usage(fmt::format("--memory argument value '{}' out of range", value), ERANGE);
    options.memory = size_t(*number) << shift;
    return {};
}

Problem io_engine(Options& options, std::string_view value) {
    using IoEngine = Options::IoEngine;
    constexpr std::array<std::pair<std::string_view, IoEngine>, 3> words = {
        {{"auto", IoEngine::automatic}, {"uring", IoEngine::uring}, {"epoll", IoEngine::epoll}}};
    for (const auto& [word, engine] : words) {
        if (word != value) continue;
        options.io_engine = engine;
        return {};
    }
    return usage(
        fmt::format("--io-engine argument value '{}' invalid: use auto, uring or epoll", value),
        EINVAL);
}

Problem log_level(Options& options, std::string_view value) {
    const size_t equals = value.find('=');
    const std::string_view word =
        equals == std::string_view::npos ? value : value.substr(equals + 1);
    std::optional<log::Module> module;
    for (unsigned i = 0; equals != std::string_view::npos && i < unsigned(log::Module::count); ++i)
        if (log::module_name(log::Module(i)) == value.substr(0, equals)) module = log::Module(i);
    log::Level level;
    if (!log::parse_level(word, level) || (equals != std::string_view::npos && !module))
        return usage(fmt::format("--log-level argument value '{}' invalid", value), EINVAL);
    options.log_levels.emplace_back(module, level);
    return {};
}

// What every new target gets; the rest of the list is about the driver.
constexpr std::array<std::string_view, 4> target_defaults = {"nop_interval", "nop_count",
                                                             "send_timeout", "data_out_timeout"};

Problem iscsi_pair(Options& options, std::string_view name, std::string_view value) {
    if (name == "portal") {
        auto spec = mgmt::PortalSpec::parse(value);
        if (!spec) return usage(spec.error().text);
        options.portals.push_back(std::move(*spec));
        return {};
    }
    const auto known = [&](std::string_view one) { return one == name; };
    const bool of_targets = std::any_of(target_defaults.begin(), target_defaults.end(), known);
    const auto set = of_targets ? iscsi::Parameters().update(name, value)
                                : options.iscsi_settings.update(name, value);
    if (!set && set.error().code == ENOENT)
        return usage(fmt::format("--iscsi has no parameter '{}'", name));
    if (!set) return usage(fmt::format("--iscsi: {}", set.error().text), EINVAL);
    if (of_targets) options.target_defaults.emplace_back(name, value);
    return {};
}

Problem iscsi(Options& options, std::string_view text) {
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::string_view pair = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (pair.empty()) continue;
        const size_t equals = pair.find('=');
        if (equals == std::string_view::npos)
            return usage(fmt::format("--iscsi {} has no value", pair));
        if (auto problem = iscsi_pair(options, pair.substr(0, equals), pair.substr(equals + 1)))
            return problem;
    }
    return {};
}

Problem iser(Options&, std::string_view) {
    return usage("--iser: the driver iser is not in this build");
}

struct Row {
    std::string_view name;
    char letter;  // 0: none
    bool Options::*flag;
    Problem (*set)(Options&, std::string_view value);  // with an argument
    std::string_view help;
};

Problem pid_file(Options& options, std::string_view value) {
    options.pid_file = value;
    return {};
}

Problem state_dir(Options& options, std::string_view value) {
    if (value.empty()) return usage("--state-dir needs the name of a folder", EINVAL);
    options.state_dir = value;
    return {};
}

Problem admin_group(Options& options, std::string_view value) {
    if (value.empty()) return usage("--admin-group needs the name of a group", EINVAL);
    options.admin_group = value;
    return {};
}

Problem config(Options& options, std::string_view value) {
    if (value.empty()) return usage("--config needs the name of a file", EINVAL);
    options.config = value;
    return {};
}

// The rows that tgt has, which an abbreviation prefers.
constexpr size_t rows_of_tgt = 10;

constexpr std::array<Row, 21> table{{
    {"foreground", 'f', &Options::foreground, nullptr,
     "-f, --foreground        make the program run in the foreground"},
    {"nodaemonize", 'D', &Options::nodaemonize, nullptr,
     "-D, --nodaemonize       make the program run in the foreground with logger"},
    {"control-port", 'C', nullptr, control_port,
     "-C, --control-port NNNN use port NNNN for the mgmt channel"},
    {"nr_iothreads", 't', nullptr, io_threads,
     "-t, --nr_iothreads NNNN specify the number of I/O threads"},
    {"pid-file", 'p', nullptr, pid_file, "-p, --pid-file filename specify the pid file"},
    {"debug", 'd', nullptr, debug, "-d, --debug debuglevel  print debugging information"},
    {"version", 'V', &Options::show_version, nullptr,
     "-V, --version           print version and exit"},
    {"help", 'h', &Options::show_help, nullptr,
     "-h, --help              display this help and exit"},
    {"iscsi", 0, nullptr, iscsi,
     "    --iscsi LIST        portal=addr[:port], nop_interval=s, nop_count=n; also for new "
     "targets:\n"
     "                        send_timeout=s (a peer that reads nothing, default 30),\n"
     "                        data_out_timeout=s (a command without its data, default 180);\n"
     "                        for all: login_timeout=s (15), login_limit=n (connections that are\n"
     "                        not logged in, 256), connection_limit=n (8192)"},
    {"iser", 0, nullptr, iser, ""},
    {"config", 0, nullptr, config,
     "    --config FILE       load this configuration file (targets.conf) at start, and again on\n"
     "                        SIGHUP; initiators wait until it is loaded"},
    {"workers", 0, nullptr, workers,
     "    --workers N         threads for sessions (default: the usable CPUs)"},
    {"memory", 0, nullptr, memory,
     "    --memory SIZE       limit of the memory for data, such as 512M or 4G (default 1G)"},
    {"io-engine", 0, nullptr, io_engine,
     "    --io-engine NAME    uring, epoll, or auto (the default: uring where the kernel allows)"},
    {"pin", 0, &Options::pin, nullptr, "    --pin               tie each worker to a CPU"},
    {"busy-poll", 0, nullptr, busy_poll,
     "    --busy-poll USEC    look for more work for so long before sleeping: answers come "
     "sooner,\n"
     "                        for CPU time; 0 to 10000 (default 0)"},
    {"unique-ids", 0, &Options::unique_ids, nullptr,
     "    --unique-ids        SCSI IDs and serial numbers that differ from host to host"},
    {"abort-bound", 0, nullptr, abort_bound,
     "    --abort-bound N     seconds that aborted commands have to end, 1 to 60 (default 5)"},
    {"admin-group", 0, nullptr, admin_group,
     "    --admin-group GROUP let the members of this group manage the daemon, too (default: "
     "none)"},
    {"state-dir", 0, nullptr, state_dir,
     "    --state-dir DIR     keep what is made at run time there, and persistent reservations;\n"
     "                        made if missing (default: off)"},
    {"log-level", 0, nullptr, log_level,
     "    --log-level LEVEL   [module=]debug, info, warning, error or off"},
}};

const Row* find_letter(char letter) {
    const auto it = std::find_if(table.begin(), table.end(),
                                 [&](const Row& row) { return row.letter == letter; });
    return it == table.end() ? nullptr : &*it;
}

// The whole name, or the beginning of exactly one; what tgt takes means what it means there.
const Row* find_long(std::string_view name) {
    const Row* found = nullptr;
    for (size_t i = 0; i < table.size(); ++i) {
        const Row& row = table[i];
        if (row.name == name) return &row;
        if (!row.name.starts_with(name) || (found && i >= rows_of_tgt)) continue;
        if (found) return nullptr;
        found = &row;
    }
    return found;
}

// One pass over the words.
class Parser {
  public:
    explicit Parser(const std::vector<std::string>& words) : words_(words) {}

    ParsedOptions run() {
        while (next_ < words_.size() && !done_) {
            const std::string& word = words_[next_++];
            Problem problem;
            if (word.starts_with("--") && word.size() > 2)
                problem = long_option(std::string_view(word).substr(2));
            else if (word.starts_with("-") && word.size() > 1 && word != "--")
                problem = short_options(std::string_view(word).substr(1));
            else
                problem = usage(fmt::format("unrecognized option '{}'", word));
            if (problem) return tl::unexpected(std::move(*problem));
        }
        return std::move(options_);
    }

  private:
    Problem long_option(std::string_view text) {
        const size_t equals = text.find('=');
        const std::string_view name = text.substr(0, equals);
        const Row* row = find_long(name);
        if (!row) return usage(fmt::format("'{}' is an unknown option", name));
        if (equals == std::string_view::npos) return apply(*row, std::nullopt);
        if (row->flag) return usage(fmt::format("--{} takes no argument", row->name));
        return apply(*row, text.substr(equals + 1));
    }

    Problem short_options(std::string_view letters) {
        while (!letters.empty() && !done_) {
            const Row* row = letters[0] ? find_letter(letters[0]) : nullptr;
            letters.remove_prefix(1);
            if (!row) return usage("");
            const bool attached = row->set && !letters.empty();
            auto problem = apply(*row, attached ? std::optional(letters) : std::nullopt);
            if (problem || attached) return problem;
        }
        return {};
    }

    Problem apply(const Row& row, std::optional<std::string_view> value) {
        if (row.flag) {
            options_.*row.flag = true;
            done_ = options_.show_help || options_.show_version;
            return {};
        }
        if (!value) {
            if (next_ == words_.size()) return usage("");
            value = words_[next_++];
        }
        return row.set(options_, *value);
    }

    const std::vector<std::string>& words_;
    size_t next_ = 0;
    bool done_ = false;  // help and version end the reading
    Options options_;
};

}  // namespace

ParsedOptions parse_options(const std::vector<std::string>& arguments) {
    return Parser(arguments).run();
}

std::string help_text() {
    std::string out =
        "Linux SCSI Target framework daemon, version " TGT_VERSION "\n\nUsage: tgtd [OPTION]\n";
    for (const Row& row : table)
        if (!row.help.empty()) out += fmt::format("{}\n", row.help);
    return out;
}

std::string version_text() {
    return TGT_VERSION "\n";
}

}  // namespace tgt::tgtd
