// SPDX-License-Identifier: GPL-2.0-or-later
// tgt-admin's command line. Long options take one dash or two and may be abbreviated, as in tgt's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace tgt::tgt_admin {

enum class Action : uint8_t { none, help, execute, show, dump, remove, offline, ready, update };

struct Options {
    Action action = Action::none;
    std::string subject;  // of remove, offline, ready, update: ALL, tid=N, a name, or help
    std::string config = "/etc/tgt/targets.conf";
    std::optional<unsigned> control_port;
    bool ignore_errors = false;
    bool force = false;
    bool pretend = false;
    bool verbose = false;
    bool keep_runtime = false;
    bool secrets = false;

    bool talks() const { return pretend || verbose; }
};

// What the program ends with.
struct Exit {
    int code = 0;
    std::string out;
    std::string err;
};

inline constexpr int exit_bad_config = 1;  // and every subject that does not exist
inline constexpr int exit_no_config = 2;
inline constexpr int exit_invalid = 22;
inline constexpr int exit_not_connected = 107;

// `args` without the program's name.
std::variant<Options, Exit> parse_options(std::span<const std::string> args);

std::string help_text();
// For `--delete help` and its like; empty for other actions.
std::string help_text(Action action);

}  // namespace tgt::tgt_admin
