// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/service.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "mgmt/numbers.h"

namespace tgt::tgtd {

namespace {

constexpr auto module = log::Module::core;
constexpr auto progress_every = std::chrono::seconds(1);
// What the service manager grants beyond its bound for starting, with each sign of progress.
constexpr auto more_time = std::chrono::microseconds(std::chrono::seconds(30));

sigset_t watched_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int one : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, one);
    return set;
}

}  // namespace

Service::Service(Options options) : options_(std::move(options)) {
    if (!options_.config.empty()) loader_.emplace(options_.config, options_.control_port);
}

Result<void> Service::prepare() {
    const sigset_t set = watched_signals();
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!signals_ || !wake_)
        return fail(errno, fmt::format("no descriptor for signals: {}", std::strerror(errno)));
    return {};
}

void Service::request_stop() const {
    const uint64_t one = 1;
    if (write(wake_.get(), &one, sizeof(one)) < 0)
        log::error(module, "cannot wake the main thread: {}", std::strerror(errno));
}

void Service::run(io::Runtime& runtime, Hooks hooks) {
    hooks_ = std::move(hooks);
    if (const auto period = options_.manager.watchdog())
        heartbeat_ = std::make_unique<Heartbeat>(runtime, *period, io::Clock::now());
    if (loader_)
        begin();
    else
        loaded();
    while (!stop_) turn();
    options_.manager.tell("STOPPING=1\nSTATUS=Stopping");
    if (loader_) loader_->interrupt();
    uint64_t count;
    while (read(wake_.get(), &count, sizeof(count)) > 0) continue;
}

void Service::begin() {
    begun_ = progress_due_ = io::Clock::now();
    log::info(module, "loading {}", loader_->file());
    if (!loader_->begin()) loaded();
}

// Also when there is nothing to load, or when it went wrong: what is there is served.
void Service::loaded() {
    std::string status = "Serving";
    if (loader_ && !loader_->problem().empty()) {
        log::error(module, "{}", loader_->problem());
        status = "Serving, but " + loader_->problem();
    } else if (loader_) {
        const auto took = std::chrono::duration<double>(io::Clock::now() - begun_).count();
        log::info(module, "{} is loaded ({:.1f} s)", loader_->file(), took);
        status = fmt::format("Serving what {} says", loader_->file());
    }
    if (!std::exchange(opened_, true)) {
        hooks_.open();
        hooks_.started();
    }
    options_.manager.tell("READY=1\nSTATUS=" + status);
    if (std::exchange(reload_wanted_, false)) reload();
}

void Service::reload() {
    if (!loader_) {
        log::info(module, "nothing to reload: tgtd was started without --config");
        return;
    }
    if (loader_->running()) {
        reload_wanted_ = true;
        return;
    }
    options_.manager.tell(reloading_now());
    begin();
}

void Service::take_signals() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
        const int signal = int(info.ssi_signo);
        if (signal == SIGHUP) {
            reload();
        } else if (signal != SIGCHLD) {
            log::info(module, "signal {}: stopping", signal);
            stop_ = true;
            return;
        }
    }
}

void Service::turn() {
    const int output = loader_ ? loader_->output() : -1;
    std::array<pollfd, 3> fds{
        {{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}, {output, POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), patience()) < 0 && errno != EINTR) {
        log::error(module, "cannot wait for signals: {}", std::strerror(errno));
        stop_ = true;
    }
    if (fds[1].revents) {
        log::info(module, "stopping on request");
        stop_ = true;
    }
    if (fds[2].revents) loader_->read_output();
    if (fds[0].revents) take_signals();
    if (!stop_ && loader_ && loader_->ended()) loaded();
    on_time(io::Clock::now());
}

int Service::patience() const {
    std::optional<io::TimePoint> due;
    if (loader_ && loader_->running()) due = progress_due_;
    if (heartbeat_) due = due ? std::min(*due, heartbeat_->due()) : heartbeat_->due();
    if (!due) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - io::Clock::now());
    return int(std::clamp<int64_t>(left.count(), 0, 1000000));
}

void Service::on_time(io::TimePoint now) {
    if (heartbeat_ && now >= heartbeat_->due() && heartbeat_->look(now))
        options_.manager.tell("WATCHDOG=1");
    if (loader_ && loader_->running() && now >= progress_due_) tell_progress(now);
}

// Only while the control thread answers: a daemon that hangs is not given more time.
void Service::tell_progress(io::TimePoint now) {
    progress_due_ = now + progress_every;
    if (progress_->asked.exchange(true)) return;
    options_.manager.tell(fmt::format("EXTEND_TIMEOUT_USEC={}\nSTATUS=Loading {}: {} targets, {} s",
                                      more_time.count(), loader_->file(), progress_->targets.load(),
                                      mgmt::whole_seconds(now - begun_)));
    hooks_.count_targets([progress = progress_](size_t count) {
        progress->targets.store(count);
        progress->asked.store(false);
    });
}

bool Service::wait_stopped(io::TimePoint deadline) const {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - io::Clock::now());
        if (left.count() <= 0) return false;
        std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
        if (poll(fds.data(), fds.size(), int(left.count())) < 0 && errno != EINTR) return false;
        signalfd_siginfo info{};
        while (read(signals_.get(), &info, sizeof(info)) == sizeof(info))
            if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) return false;
        if (fds[1].revents) return true;
    }
}

}  // namespace tgt::tgtd
