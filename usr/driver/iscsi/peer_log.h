// SPDX-License-Identifier: GPL-2.0-or-later
// Log lines that peers cause must not be a way to fill the log. Each object belongs to one worker's
// thread and dies before the worker.
#pragma once

#include <cstdint>
#include <functional>

#include "base/log.h"
#include "io/worker.h"

namespace tgt::iscsi {

// Many events of one kind as one line a second, with their number.
class EventCounter {
  public:
    // `write(n)`: n events since the last line.
    EventCounter(io::Worker& worker, std::function<void(uint64_t)> write)
        : worker_(worker), write_(std::move(write)), next_line_([this] { report(); }) {}
    void note() {
        ++events_;
        if (!next_line_.armed()) report();
    }

  private:
    void report();

    io::Worker& worker_;
    const std::function<void(uint64_t)> write_;
    io::Timer next_line_;
    uint64_t events_ = 0;
};

// Lines of many kinds: of each class so many a second, then their number.
class LineBudget {
  public:
    struct Limits {
        uint64_t info = 200;
        uint64_t warning = 200;
        uint64_t stranger = 20;  // about connections that never logged in
    };
    explicit LineBudget(io::Worker& worker) : LineBudget(worker, Limits()) {}
    LineBudget(io::Worker& worker, const Limits& limits)
        : worker_(worker),
          info_{limits.info},
          warning_{limits.warning},
          stranger_{limits.stranger},
          refill_([this] { refill(); }) {}

    template <class... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) {
        if (spend(info_, log::Level::info))
            log::info(log::Module::iscsi, format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) {
        if (spend(warning_, log::Level::warning))
            log::warn(log::Module::iscsi, format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void stranger(fmt::format_string<Args...> format, Args&&... args) {
        if (spend(stranger_, log::Level::info))
            log::info(log::Module::iscsi, format, std::forward<Args>(args)...);
    }

  private:
    struct Share {
        uint64_t lines;
        uint64_t used = 0;
    };
    bool spend(Share& share, log::Level level);
    void refill();

    io::Worker& worker_;
    Share info_;
    Share warning_;
    Share stranger_;
    io::Timer refill_;
};

}  // namespace tgt::iscsi
