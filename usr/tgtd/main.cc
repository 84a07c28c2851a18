// SPDX-License-Identifier: GPL-2.0-or-later
// argv and wiring: threads, registry, driver, management socket; then signals until the end.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <future>

#include "base/log.h"
#include "driver/iscsi/driver.h"
#include "io/ring.h"
#include "mgmt/admin_server.h"
#include "mgmt/registry.h"
#include "mgmt/reservation_store.h"
#include "tgtd/options.h"
#include "tgtd/process.h"

namespace tgt::tgtd {
namespace {

constexpr auto module = log::Module::core;
constexpr auto stop_bound = std::chrono::seconds(10);
// Sessions, then commands: each may take this long, and both together stay below stop_bound.
constexpr auto drain_bound = std::chrono::seconds(4);

// The process: what must live from start to end. The main thread only waits for signals.
class Daemon {
  public:
    explicit Daemon(const Options& options) : options_(options) {}

    // The error says why the daemon cannot serve.
    Result<void> start();
    // Until a signal or `system delete`; then stops in order. The exit status.
    int serve();

  private:
    Result<void> open_socket();
    Result<void> open_portals();
    Result<bool> choose_engine();
    Result<void> make_threads();
    Result<std::shared_ptr<mgmt::ReservationStore>> open_state();
    void stop_in_order();
    bool wait_stopped();
    void remove_pid_file();
    [[noreturn]] void give_up(std::string_view why);

    const Options options_;
    UniqueFd signals_;
    UniqueFd wake_;  // readable: somebody asks the main thread to look
    std::unique_ptr<io::Runtime> runtime_;
    std::unique_ptr<mgmt::Registry> registry_;
    std::unique_ptr<mgmt::AdminServer> server_;
};

void poke(int fd) {
    const uint64_t one = 1;
    if (write(fd, &one, sizeof(one)) < 0)
        log::error(module, "cannot wake the main thread: {}", std::strerror(errno));
}

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

Result<void> Daemon::open_socket() {
    const char* prefix = std::getenv("TGT_IPC_SOCKET");
    auto path = ipc::socket_path(prefix ? prefix : "", options_.control_port);
    if (!path) return tl::unexpected(path.error());
    auto server = mgmt::AdminServer::open(*path, !prefix || !*prefix);
    if (!server) return tl::unexpected(server.error());
    server_ = std::move(*server);
    return {};
}

// Why no portal listens: every one with its reason.
std::string reasons_of(const mgmt::Portals& portals) {
    std::string out;
    for (const auto& portal : portals.newest_first())
        out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", portal->text, portal->reason);
    return out;
}

Result<void> Daemon::open_portals() {
    auto specs = options_.portals;
    if (specs.empty()) specs.emplace_back();
    std::promise<Result<void>> tried;
    runtime_->control().post([&] {
        registry_->add_driver(iscsi::make_driver(*runtime_, options_.iscsi_settings));
        auto* portals = registry_->drivers().front().portals.get();
        portals->open_all(std::move(specs), [&tried, portals] {
            if (portals->any_listening())
                tried.set_value({});
            else
                tried.set_value(fail(EADDRNOTAVAIL, fmt::format("cannot listen on any portal: {}",
                                                                reasons_of(*portals))));
        });
    });
    return tried.get_future().get();
}

Result<void> Daemon::start() {
    const sigset_t set = stop_signals();
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!signals_ || !wake_)
        return fail(errno, fmt::format("no descriptor for signals: {}", std::strerror(errno)));
    adjust_limits();
    if (auto opened = open_socket(); !opened) return opened;
    if (auto made = make_threads(); !made) return made;
    if (auto opened = open_portals(); !opened) {
        stop_in_order();
        return opened;
    }
    std::promise<void> served;
    runtime_->control().post([&] {
        server_->start(runtime_->control(), *registry_);
        served.set_value();
    });
    served.get_future().get();
    log::info(module, "tgtd " TGT_VERSION " serves, {} workers, management socket {}",
              runtime_->worker_count(), server_->path());
    return {};
}

Result<std::shared_ptr<mgmt::ReservationStore>> Daemon::open_state() {
    if (options_.state_dir.empty()) return nullptr;
    auto state = std::make_shared<mgmt::ReservationStore>(*runtime_, options_.state_dir);
    if (auto ready = state->prepare(); !ready)
        return fail(ready.error().code,
                    fmt::format("--state-dir {} cannot be used: {}; name a folder that tgtd may "
                                "write, or whose parent it may",
                                options_.state_dir, ready.error().text));
    return state;
}

// Whether the workers get rings. Asked once, before there are threads.
Result<bool> Daemon::choose_engine() {
    using IoEngine = Options::IoEngine;
    if (options_.io_engine == IoEngine::epoll) return false;
    auto allowed = io::Ring::probe();
    if (!allowed && options_.io_engine == IoEngine::uring)
        return fail(allowed.error().code,
                    fmt::format("--io-engine uring: {}; use auto or epoll", allowed.error().text));
    if (!allowed)
        log::info(module, "{}; the I/O engine is epoll, which is a little slower",
                  allowed.error().text);
    return bool(allowed);
}

Result<void> Daemon::make_threads() {
    auto ring = choose_engine();
    if (!ring) return tl::unexpected(ring.error());
    io::Runtime::Options threads;
    threads.workers = options_.workers ? options_.workers : io::usable_cpus();
    threads.pin = options_.pin;
    threads.memory_limit = options_.memory / 4 * 3;  // the rest is for commands that wait for it
    threads.ring = *ring;
    threads.busy_poll = std::chrono::microseconds(options_.busy_poll_us);
    runtime_ = std::make_unique<io::Runtime>(threads);
    mgmt::RegistryOptions registry;
    registry.io_threads = options_.io_threads;
    auto state = open_state();
    if (!state) return tl::unexpected(state.error());
    registry.reservations = std::move(*state);
    registry.abort_bound = std::chrono::seconds(options_.abort_seconds);
    registry.unique_ids = options_.unique_ids;
    if (options_.unique_ids) registry.machine_id = read_machine_id();
    registry.target_defaults = options_.target_defaults;
    registry.on_stop_request = [fd = wake_.get()] { poke(fd); };
    registry_ = std::make_unique<mgmt::Registry>(*runtime_, std::move(registry));
    runtime_->start();
    return {};
}

void Daemon::remove_pid_file() {
    const bool written = !options_.foreground && !options_.nodaemonize;
    if (written && !options_.pid_file.empty()) unlink(options_.pid_file.c_str());
}

void Daemon::give_up(std::string_view why) {
    log::error(module, "tgtd ends at once: {}", why);
    remove_pid_file();
    // A thread that the kernel does not give back keeps the process, and with it what is open: the
    // locks of its media, which is right, but the next daemon needs the control port.
    if (server_) server_->release_lock();
    _exit(1);
}

// Waits for the end of the orderly stop; false when a second signal or the bound came first.
bool Daemon::wait_stopped() {
    const auto deadline = io::Clock::now() + stop_bound;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - io::Clock::now());
        if (left.count() <= 0) return false;
        std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
        if (poll(fds.data(), fds.size(), int(left.count())) < 0 && errno != EINTR) return false;
        if (fds[0].revents) return false;
        if (fds[1].revents) return true;
    }
}

void Daemon::stop_in_order() {
    uint64_t count;
    while (read(wake_.get(), &count, sizeof(count)) > 0) continue;
    runtime_->control().post([this] {
        server_->stop();
        registry_->stop(drain_bound, [this] { poke(wake_.get()); });
    });
    if (!wait_stopped()) give_up("stopping took too long, or was interrupted");
    runtime_->stop();
    // A call that the kernel does not return from still uses its command: nothing may be freed.
    if (!runtime_->pool().wait_idle(io::Clock::now() + std::chrono::seconds(1)))
        give_up("calls to backing stores have not come back");
    if (registry_->media().any_unit())
        give_up("commands that have begun have not come back from their backing stores");
    registry_.reset();
    server_.reset();
    runtime_.reset();
}

int Daemon::serve() {
    std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    while (poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) continue;
    signalfd_siginfo info{};
    if (read(signals_.get(), &info, sizeof(info)) == sizeof(info))
        log::info(module, "signal {}: stopping", info.ssi_signo);
    else
        log::info(module, "stopping on request");
    notify_service_manager("STOPPING=1");
    stop_in_order();
    remove_pid_file();
    log::info(module, "tgtd has ended");
    return 0;
}

void open_log(const Options& options) {
    log::open({.to_syslog = !options.foreground, .program = "tgtd"});
    if (options.debug) log::set_all(log::Level::debug);
    for (const auto& [only, level] : options.log_levels)
        if (only)
            log::set_level(*only, level);
        else
            log::set_all(level);
}

// In the background failures to start are also for who started the daemon.
int run_in_background(const Options& options) {
    auto background = Background::enter();
    if (!background) {
        fmt::print(stderr, "tgtd: {}\n", background.error().text);
        return 1;
    }
    open_log(options);
    Daemon daemon(options);
    auto started = daemon.start();
    if (started && !options.pid_file.empty())
        if (auto written = write_pid_file(options.pid_file); !written)
            log::error(module, "{}", written.error().text);
    if (!started) {
        log::error(module, "{}", started.error().text);
        background->report(1, started.error().text);
        return 1;
    }
    background->report(0, "");
    notify_service_manager("READY=1");
    return daemon.serve();
}

int run(int argc, char** argv) {
    auto options = parse_options({argv + 1, argv + argc});
    if (!options) {
        fmt::print(stderr, "{}", options.error().text);
        return options.error().status;
    }
    if (options->show_help || options->show_version) {
        fmt::print("{}", options->show_help ? help_text() : version_text());
        return 0;
    }
    options->state_dir = absolute_path(options->state_dir);  // the daemon leaves this folder
    if (!options->foreground && !options->nodaemonize) return run_in_background(*options);
    open_log(*options);
    Daemon daemon(*options);
    if (auto started = daemon.start(); !started) {
        log::error(module, "{}", started.error().text);
        return 1;
    }
    notify_service_manager("READY=1");
    return daemon.serve();
}

}  // namespace
}  // namespace tgt::tgtd

int main(int argc, char** argv) {
    return tgt::tgtd::run(argc, argv);
}
