// SPDX-License-Identifier: GPL-2.0-or-later
// Logging by module. Levels change live, from any thread. This is the one process-wide object of
// the daemon: a log line must be possible everywhere, also before and after everything else lives.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace tgt::log {

enum class Module : unsigned char { core, io, store, scsi, iscsi, mgmt, count };
enum class Level : unsigned char { debug, info, warning, error, off };

struct Options {
    bool to_syslog = false;  // else standard error
    std::string program = "tgtd";
};

// Once, before other threads run.
void open(const Options& options);

std::string_view module_name(Module module);
bool enabled(Module module, Level level);
Level level_of(Module module);
void set_level(Module module, Level level);
void set_all(Level level);
// "debug", "info", "warning", "error", "off"; false when the word is none of them.
bool parse_level(std::string_view word, Level& level);
std::string_view level_name(Level level);

// Control bytes in `text` are replaced, so that a peer's bytes cannot forge lines.
void write(Module module, Level level, std::string_view text);

template <class... Args>
void at(Module module, Level level, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(module, level))
        write(module, level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(Module module, fmt::format_string<Args...> format, Args&&... args) {
    at(module, Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(Module module, fmt::format_string<Args...> format, Args&&... args) {
    at(module, Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(Module module, fmt::format_string<Args...> format, Args&&... args) {
    at(module, Level::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(Module module, fmt::format_string<Args...> format, Args&&... args) {
    at(module, Level::error, format, std::forward<Args>(args)...);
}

}  // namespace tgt::log
