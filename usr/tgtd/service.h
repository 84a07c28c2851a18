// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "io/runtime.h"
#include "tgtd/config_loader.h"
#include "tgtd/heartbeat.h"
#include "tgtd/service_manager.h"

namespace tgt::tgtd {

// What the main thread does while the daemon serves: signals, the configuration file, and what the
// service manager is told. Made before there are threads; run() is called once; dies after the
// runtime.
class Service {
  public:
    struct Options {
        std::string config;  // absolute; empty: none
        unsigned control_port = 0;
        ServiceManager manager;
    };
    struct Hooks {
        // Once, when the configuration is loaded, or was found wanting: initiators may come.
        std::function<void()> open;
        // Any time after that, and before if there is nothing to load: the daemon has started.
        std::function<void()> started;
        // How many targets there are, said on any thread, soon.
        std::function<void(std::function<void(size_t)>)> count_targets;
    };

    explicit Service(Options options);
    Service(const Service&) = delete;

    // Blocks the signals and makes the descriptors. Before there are threads.
    Result<void> prepare();
    // Any thread: the daemon is to stop.
    void request_stop() const;
    // Until a signal or request_stop().
    void run(io::Runtime& runtime, Hooks hooks);
    // During the orderly stop: waits until request_stop() is called anew. False: a second signal
    // or the deadline came first.
    bool wait_stopped(io::TimePoint deadline) const;

  private:
    struct Progress {
        std::atomic<bool> asked{false};
        std::atomic<size_t> targets{0};
    };
    void begin();
    void loaded();
    void reload();
    void turn();
    void take_signals();
    void on_time(io::TimePoint now);
    void tell_progress(io::TimePoint now);
    int patience() const;

    const Options options_;
    UniqueFd signals_;
    UniqueFd wake_;  // readable: somebody asks the main thread to look
    Hooks hooks_;
    std::optional<ConfigLoader> loader_;
    bool opened_ = false;
    bool reload_wanted_ = false;
    bool stop_ = false;
    io::TimePoint begun_{};         // loading
    io::TimePoint progress_due_{};  // while loading
    std::unique_ptr<Heartbeat> heartbeat_;
    std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
};

}  // namespace tgt::tgtd
