// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>
#include <utility>

namespace tgt::log {

namespace {

constexpr std::array<std::string_view, size_t(Module::count)> module_names = {
    "core", "io", "store", "scsi", "iscsi", "mgmt"};
constexpr std::array<std::string_view, 5> level_names = {"debug", "info", "warning", "error",
                                                         "off"};

std::array<std::atomic<Level>, size_t(Module::count)> levels = {
    Level::info, Level::info, Level::info, Level::info, Level::info, Level::info};

// Not in the library's registry, where a second one of the same name would be an error.
template <class Sink, class... Args>
std::shared_ptr<spdlog::logger> make_logger(Args&&... args) {
    return std::make_shared<spdlog::logger>("tgt",
                                            std::make_shared<Sink>(std::forward<Args>(args)...));
}

std::shared_ptr<spdlog::logger>& logger() {
    static std::shared_ptr<spdlog::logger> instance = make_logger<spdlog::sinks::stderr_sink_mt>();
    return instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warning:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
        case Level::off:
            break;
    }
    return spdlog::level::off;
}

}  // namespace

void open(const Options& options) {
    if (options.to_syslog) {
        logger() =
            make_logger<spdlog::sinks::syslog_sink_mt>(options.program, LOG_PID, LOG_DAEMON, true);
        logger()->set_pattern("%v");
    } else {
        logger() = make_logger<spdlog::sinks::stderr_sink_mt>();
        logger()->set_pattern("%Y-%m-%d %H:%M:%S.%e " + options.program + " %l %v");
    }
    logger()->set_level(spdlog::level::trace);
    logger()->flush_on(spdlog::level::trace);
}

std::string_view module_name(Module module) {
    return module_names[size_t(module)];
}

bool enabled(Module module, Level level) {
    return level >= levels[size_t(module)].load(std::memory_order_relaxed);
}

Level level_of(Module module) {
    return levels[size_t(module)].load(std::memory_order_relaxed);
}

void set_level(Module module, Level level) {
    levels[size_t(module)].store(level, std::memory_order_relaxed);
}

void set_all(Level level) {
    for (auto& one : levels) one.store(level, std::memory_order_relaxed);
}

bool parse_level(std::string_view word, Level& level) {
    for (size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] != word) continue;
        level = Level(i);
        return true;
    }
    return false;
}

std::string_view level_name(Level level) {
    return level_names[size_t(level)];
}

void write(Module module, Level level, std::string_view text) {
    std::string line = fmt::format("{}: {}", module_name(module), text);
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    logger()->log(spdlog_level(level), line);
}

}  // namespace tgt::log
