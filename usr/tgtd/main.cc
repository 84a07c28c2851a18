// SPDX-License-Identifier: GPL-2.0-or-later
// argv and wiring: threads, registry, driver, management socket; then signals until the end.
#include <fmt/core.h>
#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <future>

#include "base/log.h"
#include "base/text.h"
#include "driver/iscsi/driver.h"
#include "driver/kring/driver.h"
#include "driver/kring/netlink_hosts.h"
#include "io/ring.h"
#include "mgmt/admin_server.h"
#include "mgmt/registry.h"
#include "mgmt/reservation_store.h"
#include "mgmt/state_restore.h"
#include "tgtd/options.h"
#include "tgtd/passed.h"
#include "tgtd/process.h"
#include "tgtd/service.h"

namespace tgt::tgtd {
namespace {

// By its name or its number.
Result<mgmt::AdminGroup> admin_group(const std::string& name) {
    if (name.empty()) return mgmt::AdminGroup();
    if (const group* found = getgrnam(name.c_str())) return mgmt::AdminGroup(found->gr_gid);
    if (const auto number = parse_number(name, UINT32_MAX - 1))
        return mgmt::AdminGroup(gid_t(*number));
    return fail(ENOENT, fmt::format("--admin-group: there is no group '{}'", name));
}

constexpr auto module = log::Module::core;
constexpr auto stop_bound = std::chrono::seconds(10);
// Sessions, then commands: each may take this long, and both together stay below stop_bound.
constexpr auto drain_bound = std::chrono::seconds(4);

// The process: what must live from start to end.
class Daemon {
  public:
    Daemon(const Options& options, const ServiceManager& manager, Passed passed)
        : options_(options),
          passed_(std::move(passed)),
          service_({options.config, options.control_port, manager}) {}

    // The error says why the daemon cannot serve.
    Result<void> start();
    // Until a signal or `system delete`; then stops in order. `started` is called when the
    // configuration is loaded. The exit status.
    int serve(std::function<void()> started);

  private:
    Result<void> open_socket();
    Result<void> open_portals(std::vector<mgmt::PortalSpec> specs);
    Result<bool> choose_engine();
    Result<void> make_threads();
    Result<void> open_state(mgmt::RegistryOptions& registry);
    void restore();
    void stop_in_order();
    void remove_pid_file();
    [[noreturn]] void give_up(std::string_view why);

    const Options options_;
    Passed passed_;
    Service service_;
    std::unique_ptr<io::Runtime> runtime_;
    std::shared_ptr<mgmt::StateKeeper> state_;
    std::vector<mgmt::StateRow> saved_;  // until it is restored
    kring::NetlinkHosts kernel_hosts_;
    std::unique_ptr<mgmt::Registry> registry_;
    std::unique_ptr<mgmt::AdminServer> server_;
};

Result<void> Daemon::open_socket() {
    const char* prefix = std::getenv("TGT_IPC_SOCKET");
    auto path = ipc::socket_path(prefix ? prefix : "", options_.control_port);
    if (!path) return tl::unexpected(path.error());
    if (passed_.admin && passed_.admin_path != *path)
        return fail(EINVAL, fmt::format("the management socket that the service manager passed is "
                                        "{}, but on control port {} it has to be {}",
                                        passed_.admin_path, options_.control_port, *path));
    auto group = admin_group(options_.admin_group);
    if (!group) return tl::unexpected(group.error());
    auto server =
        mgmt::AdminServer::open(*path, !prefix || !*prefix, std::move(passed_.admin), *group);
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

Result<void> Daemon::open_portals(std::vector<mgmt::PortalSpec> specs) {
    std::promise<Result<void>> tried;
    runtime_->control().post([&] {
        const auto& entry = registry_->drivers().front();
        // Whoever comes before the configuration is loaded waits, rather than being sent away.
        entry.driver->set_accepting(options_.config.empty());
        auto* portals = entry.portals.get();
        portals->open_all(std::move(specs), [&tried, portals] {
            // Without any, an administrator has removed them.
            if (portals->any_listening() || portals->newest_first().empty())
                tried.set_value({});
            else
                tried.set_value(fail(EADDRNOTAVAIL, fmt::format("cannot listen on any portal: {}",
                                                                reasons_of(*portals))));
        });
    });
    return tried.get_future().get();
}

Result<void> Daemon::start() {
    if (auto prepared = service_.prepare(); !prepared) return prepared;
    adjust_limits();
    if (auto opened = open_socket(); !opened) return opened;
    if (auto made = make_threads(); !made) return made;
    auto portals = with_passed(options_.portals, passed_.portals);
    restore();
    if (auto opened = open_portals(std::move(portals)); !opened) {
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

// What outlives the daemon: everything that was made, and persistent reservations.
Result<void> Daemon::open_state(mgmt::RegistryOptions& registry) {
    const std::string& folder = options_.state_dir;
    if (folder.empty()) return {};
    const auto unusable = [&](const Error& error) {
        return fail(error.code,
                    fmt::format("--state-dir {} cannot be used: {}", folder, error.text));
    };
    auto db = mgmt::StateDb::open(folder);
    if (!db) return unusable(db.error());
    auto rows = (*db)->load();
    if (!rows) return unusable(rows.error());
    saved_ = std::move(*rows);
    state_ = std::make_shared<mgmt::StateKeeper>(*runtime_, folder, std::move(*db),
                                                 mgmt::StateKeeper::Options());
    registry.state = state_;
    registry.reservations = std::make_shared<mgmt::ReservationStore>(*runtime_, folder);
    if (auto ready = registry.reservations->prepare(); !ready) return unusable(ready.error());
    return {};
}

// The drivers, and the saved state, before any initiator.
void Daemon::restore() {
    std::promise<void> restored;
    runtime_->control().post([&] {
        registry_->add_driver(
            iscsi::make_driver(*runtime_, options_.iscsi_settings, std::move(passed_.portals)));
        kernel_hosts_.start(runtime_->control());
        for (const kring::Lld& lld : kring::llds())
            registry_->add_driver(kring::make_driver(*runtime_, lld, kernel_hosts_));
        if (!state_) return restored.set_value();
        const size_t count = saved_.size();
        mgmt::restore_state(*registry_, std::exchange(saved_, {}), {},
                            [&, count](std::vector<mgmt::StateKeeper::Unused> unused) {
                                log::info(module, "{} of {} objects of the saved state are back",
                                          count - unused.size(), count);
                                state_->set_unused(std::move(unused));
                                restored.set_value();
                            });
    });
    restored.get_future().get();
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
    if (auto opened = open_state(registry); !opened) return opened;
    registry.abort_bound = std::chrono::seconds(options_.abort_seconds);
    registry.unique_ids = options_.unique_ids;
    if (options_.unique_ids) registry.machine_id = read_machine_id();
    registry.target_defaults = options_.target_defaults;
    registry.on_stop_request = [this] { service_.request_stop(); };
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
    if (state_) state_->release_locks();
    _exit(1);
}

void Daemon::stop_in_order() {
    runtime_->control().post([this] {
        server_->stop();
        registry_->stop(drain_bound, [this] {
            kernel_hosts_.stop();
            if (!state_) return service_.request_stop();
            state_->stop([this] { service_.request_stop(); });
        });
    });
    if (!service_.wait_stopped(io::Clock::now() + stop_bound))
        give_up("stopping took too long, or was interrupted");
    runtime_->stop();
    // A call that the kernel does not return from still uses its command: nothing may be freed.
    if (!runtime_->pool().wait_idle(io::Clock::now() + std::chrono::seconds(1)))
        give_up("calls to backing stores have not come back");
    if (registry_->media().any_unit())
        give_up("commands that have begun have not come back from their backing stores");
    registry_.reset();
    state_.reset();
    server_.reset();
    runtime_.reset();
}

int Daemon::serve(std::function<void()> started) {
    Service::Hooks hooks;
    hooks.started = std::move(started);
    hooks.open = [this] {
        runtime_->control().post([this] {
            for (const auto& entry : registry_->drivers()) entry.driver->set_accepting(true);
        });
    };
    hooks.count_targets = [this](std::function<void(size_t)> tell) {
        runtime_->control().post([this, tell] { tell(registry_->targets().size()); });
    };
    service_.run(*runtime_, std::move(hooks));
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
int run_in_background(const Options& options, const ServiceManager& manager, Passed passed) {
    auto background = Background::enter();
    if (!background) {
        fmt::print(stderr, "tgtd: {}\n", background.error().text);
        return 1;
    }
    open_log(options);
    Daemon daemon(options, manager, std::move(passed));
    auto started = daemon.start();
    if (started && !options.pid_file.empty())
        if (auto written = write_pid_file(options.pid_file); !written)
            log::error(module, "{}", written.error().text);
    if (!started) {
        log::error(module, "{}", started.error().text);
        background->report(1, started.error().text);
        return 1;
    }
    return daemon.serve([&] { background->report(0, ""); });
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
    // The daemon leaves this folder.
    for (std::string* path : {&options->state_dir, &options->pid_file, &options->config})
        *path = absolute_path(*path);
    const auto manager = ServiceManager::from_environment();
    auto passed = take_passed();
    if (!passed) {
        fmt::print(stderr, "tgtd: {}\n", passed.error().text);
        return 1;
    }
    if (!options->foreground && !options->nodaemonize)
        return run_in_background(*options, manager, std::move(*passed));
    open_log(*options);
    Daemon daemon(*options, manager, std::move(*passed));
    if (auto started = daemon.start(); !started) {
        log::error(module, "{}", started.error().text);
        return 1;
    }
    return daemon.serve([] {});
}

}  // namespace
}  // namespace tgt::tgtd

int main(int argc, char** argv) {
    return tgt::tgtd::run(argc, argv);
}
