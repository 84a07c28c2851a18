// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/kring/driver.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "driver/kring/queue.h"
#include "wire/scsi_lun.h"

namespace tgt::kring {

namespace {

constexpr uint8_t protocol_sas = 6;  // SPC-5 7.6.1

constexpr std::array<Lld, 1> rows = {{
    {"loop", protocol_sas, true},
}};

// Targets of these drivers have none.
class NoParameters final : public mgmt::DriverParameters {
  public:
    std::unique_ptr<mgmt::DriverParameters> clone() const override {
        return std::make_unique<NoParameters>();
    }
    Result<void> update(std::string_view name, std::string_view) override {
        return fail(ENOENT, fmt::format("there is no parameter '{}'", name));
    }
    std::vector<std::pair<std::string, std::string>> show() const override { return {}; }
};

// Waits until all have answered, or for the bound. Control thread.
class Waiter {
  public:
    Waiter(io::Worker& control, io::Duration bound, size_t count, std::function<void(bool)> done)
        : done_(std::move(done)), left_(count), timer_([this] { tell(false); }) {
        control.timers().arm_in(timer_, bound);
    }
    void one_answered() {
        if (--left_ == 0) tell(true);
    }

  private:
    void tell(bool all) {
        timer_.disarm();
        if (auto done = std::exchange(done_, nullptr)) done(all);
    }
    std::function<void(bool)> done_;
    size_t left_;
    io::Timer timer_;
};

class KringDriver final : public mgmt::Driver, private KernelHosts::Listener {
  public:
    KringDriver(io::Runtime& runtime, const Lld& lld, KernelHosts& hosts, ipc::RingOpener* opener)
        : runtime_(runtime), lld_(lld), hosts_(hosts), opener_(opener ? *opener : device_) {}
    ~KringDriver() override { forget(); }

    std::string_view name() const override { return lld_.name; }
    std::string_view state() const override {
        if (stopped_) return "stopped";
        return hosts_.problem().empty() ? "ready" : "error";
    }
    std::string_view explanation() const override { return stopped_ ? "" : hosts_.problem(); }
    void attach(mgmt::Directory& directory) override {
        directory_ = &directory;
        hosts_.listen(*this);
        listening_ = true;
    }
    std::shared_ptr<const mgmt::DriverParameters> default_parameters() const override {
        return std::make_shared<NoParameters>();
    }

    void add_portal(const mgmt::SocketAddress&, std::function<void(Result<void>)> done) override {
        done(fail(ENOTSUP, fmt::format("driver {} has no portals", lld_.name)));
    }
    void remove_portal(const mgmt::SocketAddress&, std::function<void()> done) override { done(); }
    void set_accepting(bool) override {}

    void list_sessions(std::optional<int> tid,
                       std::function<void(std::vector<mgmt::SessionInfo>)> done) override;
    void drop_connection(int tid, uint64_t session, uint32_t cid,
                         std::function<void(mgmt::DropOutcome)> done) override;
    void drop_sessions(int tid, io::Duration bound, std::function<void(bool)> done) override;

    bool has_hosts() const override { return true; }
    void bind_host(uint32_t host, int tid, std::shared_ptr<scsi::Target> target,
                   std::function<void(Result<void>)> done) override;
    void unbind_host(uint32_t host, io::Duration bound, std::function<void(bool)> done) override;
    std::vector<uint32_t> hosts_of(int tid) const override;
    void lun_changed(int tid, uint64_t lun, bool present) override;
    void stop(io::Duration bound, std::function<void(bool)> done) override;

  private:
    using Done = std::function<void(Result<void>)>;
    using Queues = std::vector<std::shared_ptr<Queue>>;
    struct Opening {  // queues that are being attached
        Queues queues;
        Service service;
        size_t left;
        Result<void> result;
        std::vector<Done> done;
    };
    struct Served {
        Service service;
        Queues queues;                     // empty: not attached
        std::shared_ptr<Opening> opening;  // while they are being attached
    };
    void host_added(const KernelHost& host) override;
    void host_removed(uint32_t number) override;
    void family_changed() override {}  // the hosts are told of one by one

    void forget() {
        if (std::exchange(listening_, false)) hosts_.forget(*this);
    }
    const KernelHost* find(uint32_t number) const;
    std::shared_ptr<Opening> open_queues(const KernelHost& host, const Service& service);
    void opened(const std::shared_ptr<Opening>& opening);
    void tell_luns(const Service& service, bool present);
    void unbind_all(const std::vector<uint32_t>& hosts, io::Duration bound,
                    std::function<void(bool)> done);
    void serve(const Queues& queues, const Service& service, std::function<void()> each);
    void close(const Queues& queues, const std::function<void()>& each);

    io::Runtime& runtime_;
    const Lld& lld_;
    KernelHosts& hosts_;
    ipc::DeviceRingOpener device_;
    ipc::RingOpener& opener_;
    mgmt::Directory* directory_ = nullptr;
    std::map<uint32_t, Served> served_;  // hosts that have a target or have had one
    unsigned next_worker_ = 0;
    bool listening_ = false;
    bool stopped_ = false;
    const std::shared_ptr<char> life_ = std::make_shared<char>();
};

const KernelHost* KringDriver::find(uint32_t number) const {
    const auto& all = hosts_.hosts();
    const auto found = std::find_if(all.begin(), all.end(), [&](const KernelHost& host) {
        return host.number == number && host.lld == lld_.name;
    });
    return found == all.end() ? nullptr : &*found;
}

// --- hosts come and go ---------------------------------------------------------------------------

void KringDriver::host_added(const KernelHost& host) {
    if (host.lld == lld_.name && !stopped_) directory_->host_added(*this, host.number);
}

void KringDriver::host_removed(uint32_t number) {
    auto gone = served_.extract(number);
    if (gone.empty()) return;
    close(gone.mapped().queues, [] {});
}

// --- binding -------------------------------------------------------------------------------------

void KringDriver::bind_host(uint32_t number, int tid, std::shared_ptr<scsi::Target> target,
                            std::function<void(Result<void>)> done) {
    const KernelHost* host = find(number);
    if (!host)
        return done(fail(ENOENT, fmt::format("driver {} has no host {}", lld_.name, number)));
    Served& served = served_[number];
    if (served.service.target)
        return done(
            fail(EEXIST, fmt::format("host {} is bound to target {}", number, served.service.tid)));
    served.service = {number, lld_.protocol, tid, std::move(target)};
    if (served.queues.empty()) {
        if (!served.opening) served.opening = open_queues(*host, served.service);
        served.opening->done.push_back(std::move(done));
        return;
    }
    serve(served.queues, served.service, [] {});
    tell_luns(served.service, true);
    done({});
}

std::shared_ptr<KringDriver::Opening> KringDriver::open_queues(const KernelHost& host,
                                                               const Service& service) {
    auto opening = std::make_shared<Opening>(Opening{{}, service, host.queues, {}, {}});
    for (uint32_t i = 0; i < host.queues; ++i) {
        io::Worker& worker = runtime_.worker(next_worker_++ % runtime_.worker_count());
        const ipc::RingPlace place{host.number, i, 0};
        opening->queues.push_back(std::make_shared<Queue>(worker, opener_, place));
    }
    std::weak_ptr<char> life = life_;
    io::Worker& control = runtime_.control();
    for (const auto& queue : opening->queues) {
        queue->worker().post([this, life, &control, opening, queue] {
            auto result = queue->open(opening->service);
            control.post([this, life, opening, result = std::move(result)] {
                if (!result) opening->result = result;
                if (--opening->left == 0 && !life.expired()) opened(opening);
            });
        });
    }
    return opening;
}

// The host may be gone by now, or its target another.
void KringDriver::opened(const std::shared_ptr<Opening>& opening) {
    const auto found = served_.find(opening->service.host);
    const bool there = found != served_.end() && found->second.opening == opening;
    if (!there && opening->result) opening->result = fail(ENODEV, "the host is gone");
    const auto tell = [&] {
        for (const Done& done : opening->done) done(opening->result);
    };
    if (!opening->result) {
        close(opening->queues, [] {});
        if (there) served_.erase(found);
        return tell();
    }
    Served& served = found->second;
    served.opening = nullptr;
    served.queues = opening->queues;
    if (served.service.target != opening->service.target)
        serve(served.queues, served.service, [] {});
    if (served.service.target) tell_luns(served.service, true);
    tell();
}

void KringDriver::tell_luns(const Service& service, bool present) {
    for (const auto& [lun, unit] : service.target->luns())
        hosts_.lun_changed(service.host, wire::encode_lun(lun), present);
}

void KringDriver::unbind_host(uint32_t host, io::Duration bound, std::function<void(bool)> done) {
    unbind_all({host}, bound, std::move(done));
}

void KringDriver::unbind_all(const std::vector<uint32_t>& hosts, io::Duration bound,
                             std::function<void(bool)> done) {
    std::vector<std::shared_ptr<Queue>> queues;
    Service none;
    none.protocol = lld_.protocol;
    std::vector<Service> services;
    for (const uint32_t host : hosts) {
        const auto found = served_.find(host);
        if (found == served_.end() || !found->second.service.target) continue;
        Served& served = found->second;
        tell_luns(served.service, false);
        none.host = host;
        served.service = none;
        for (const auto& queue : served.queues) {
            queues.push_back(queue);
            services.push_back(none);
        }
    }
    if (queues.empty()) return done(true);
    auto waiter =
        std::make_shared<Waiter>(runtime_.control(), bound, queues.size(), std::move(done));
    for (size_t i = 0; i < queues.size(); ++i)
        serve({queues[i]}, services[i], [waiter] { waiter->one_answered(); });
}

// `each` on the control thread, for each queue.
void KringDriver::serve(const Queues& queues, const Service& service, std::function<void()> each) {
    io::Worker& control = runtime_.control();
    for (const auto& queue : queues)
        queue->worker().post([&control, queue, service, each] {
            queue->serve(service, [&control, each] { control.post(each); });
        });
}

void KringDriver::close(const Queues& queues, const std::function<void()>& each) {
    io::Worker& control = runtime_.control();
    for (const auto& queue : queues)
        queue->worker().post(
            [&control, queue, each] { queue->close([&control, each] { control.post(each); }); });
}

std::vector<uint32_t> KringDriver::hosts_of(int tid) const {
    std::vector<uint32_t> hosts;
    for (const auto& [number, served] : served_)
        if (served.service.target && served.service.tid == tid) hosts.push_back(number);
    return hosts;
}

void KringDriver::lun_changed(int tid, uint64_t lun, bool present) {
    for (const uint32_t host : hosts_of(tid))
        hosts_.lun_changed(host, wire::encode_lun(lun), present);
}

// --- sessions ------------------------------------------------------------------------------------

void KringDriver::list_sessions(std::optional<int> tid,
                                std::function<void(std::vector<mgmt::SessionInfo>)> done) {
    struct Listing {
        size_t left = 1;
        std::vector<mgmt::SessionInfo> sessions;
        std::function<void(std::vector<mgmt::SessionInfo>)> done;
        void one_done() {
            if (--left > 0) return;
            std::sort(sessions.begin(), sessions.end(),
                      [](const auto& a, const auto& b) { return a.id < b.id; });
            done(std::move(sessions));
        }
    };
    auto listing = std::make_shared<Listing>();
    listing->done = std::move(done);
    for (auto& [number, served] : served_) {
        if (!served.service.target || (tid && served.service.tid != *tid)) continue;
        for (const auto& queue : served.queues) {
            ++listing->left;
            queue->worker().post([&control = runtime_.control(), queue, listing] {
                control.post([listing, infos = queue->sessions()] {
                    listing->sessions.insert(listing->sessions.end(), infos.begin(), infos.end());
                    listing->one_done();
                });
            });
        }
    }
    listing->one_done();
}

// A nexus of a host is there as long as the host says so: it has no connection to be taken away.
void KringDriver::drop_connection(int tid, uint64_t session, uint32_t,
                                  std::function<void(mgmt::DropOutcome)> done) {
    list_sessions(tid, [session, done = std::move(done)](const auto& sessions) {
        const bool found = std::any_of(sessions.begin(), sessions.end(),
                                       [&](const auto& info) { return info.id == session; });
        done(found ? mgmt::DropOutcome::no_connection : mgmt::DropOutcome::no_session);
    });
}

void KringDriver::drop_sessions(int tid, io::Duration bound, std::function<void(bool)> done) {
    unbind_all(hosts_of(tid), bound, std::move(done));
}

void KringDriver::stop(io::Duration bound, std::function<void(bool)> done) {
    stopped_ = true;
    forget();
    Queues queues;
    for (auto& [number, served] : std::exchange(served_, {}))
        queues.insert(queues.end(), served.queues.begin(), served.queues.end());
    if (queues.empty()) return done(true);
    auto waiter =
        std::make_shared<Waiter>(runtime_.control(), bound, queues.size(), std::move(done));
    close(queues, [waiter] { waiter->one_answered(); });
}

}  // namespace

std::span<const Lld> llds() {
    return rows;
}

std::unique_ptr<mgmt::Driver> make_driver(io::Runtime& runtime, const Lld& lld, KernelHosts& hosts,
                                          ipc::RingOpener* opener) {
    return std::make_unique<KringDriver>(runtime, lld, hosts, opener);
}

}  // namespace tgt::kring
