// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/driver.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "driver/iscsi/connection.h"
#include "driver/iscsi/driver_parameters.h"
#include "driver/iscsi/listener.h"
#include "driver/iscsi/session_registry.h"
#include "driver/iscsi/tcp_transport.h"

namespace tgt::iscsi {

namespace {

class IscsiDriver final : public mgmt::Driver, private Listener::User {
  public:
    IscsiDriver(io::Runtime& runtime, const DriverSettings& settings, PassedSockets passed)
        : runtime_(runtime),
          settings_(settings),
          passed_(std::move(passed)),
          exhausted_(runtime.control(),
                     [this](uint64_t count) {
                         log::warn(log::Module::iscsi, "cannot accept connections ({} times): {}",
                                   count, std::strerror(accept_error_));
                     }),
          turned_away_(runtime.control(), [](uint64_t count) {
              log::info(log::Module::iscsi, "{} connections refused: nothing is served now", count);
          }) {}

    std::string_view name() const override { return "iscsi"; }
    std::string_view state() const override { return stopped_ ? "stopped" : "ready"; }
    void attach(mgmt::Directory& directory) override {
        directory_ = &directory;
        registry_ = std::make_unique<SessionRegistry>(runtime_, directory, settings_);
    }
    std::shared_ptr<const mgmt::DriverParameters> default_parameters() const override {
        return std::make_shared<IscsiParameters>();
    }

    void add_portal(const mgmt::SocketAddress& address,
                    std::function<void(Result<void>)> done) override;
    void remove_portal(const mgmt::SocketAddress& address, std::function<void()> done) override;
    void set_accepting(bool accepting) override;
    void list_sessions(std::optional<int> tid,
                       std::function<void(std::vector<mgmt::SessionInfo>)> done) override {
        registry_->list(tid, std::move(done));
    }
    void drop_connection(int tid, uint64_t session, uint32_t cid,
                         std::function<void(mgmt::DropOutcome)> done) override {
        registry_->drop_connection(tid, session, cid, std::move(done));
    }
    void drop_sessions(int tid, io::Duration bound, std::function<void(bool)> done) override {
        registry_->drop(tid, bound, std::move(done));
    }
    void stop(io::Duration bound, std::function<void(bool)> done) override {
        stopped_ = true;
        portals_.clear();
        registry_->drop(std::nullopt, bound, std::move(done));
    }

  private:
    struct Portal {
        mgmt::SocketAddress address;
        std::shared_ptr<Listener> listener;  // one for both, where a socket is for IPv4 and IPv6
    };
    Result<std::shared_ptr<Listener>> listen(const mgmt::SocketAddress& address);
    bool is_portal(const mgmt::SocketAddress& local) const;
    bool accepted(UniqueFd socket, mgmt::SocketAddress peer, mgmt::SocketAddress local) override;
    void exhausted(int error) override;

    io::Runtime& runtime_;
    const DriverSettings settings_;
    const PassedSockets passed_;
    EventCounter exhausted_;
    int accept_error_ = 0;
    EventCounter turned_away_;
    mgmt::Directory* directory_ = nullptr;
    std::unique_ptr<SessionRegistry> registry_;
    std::vector<Portal> portals_;
    bool accepting_ = true;
    bool stopped_ = false;
};

Result<std::shared_ptr<Listener>> IscsiDriver::listen(const mgmt::SocketAddress& address) {
    const PassedSocket* passed = find_passed(passed_, address);
    if (!passed) return Listener::open(runtime_.control(), address, *this);
    for (const Portal& portal : portals_)
        if (find_passed(passed_, portal.address) == passed) return portal.listener;
    // The socket itself stays here, for the time when the portal is removed and added again.
    UniqueFd fd(fcntl(passed->fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!fd) return fail(errno, std::strerror(errno));
    User& user = *this;
    return std::make_shared<Listener>(runtime_.control(), std::move(fd), user);
}

void IscsiDriver::add_portal(const mgmt::SocketAddress& address,
                             std::function<void(Result<void>)> done) {
    auto listener = listen(address);
    if (!listener) return done(tl::unexpected(listener.error()));
    (*listener)->set_accepting(accepting_);
    portals_.push_back({address, std::move(*listener)});
    done({});
}

void IscsiDriver::remove_portal(const mgmt::SocketAddress& address, std::function<void()> done) {
    std::erase_if(portals_, [&](const Portal& portal) { return portal.address == address; });
    done();
}

void IscsiDriver::set_accepting(bool accepting) {
    accepting_ = accepting;
    for (const Portal& portal : portals_) portal.listener->set_accepting(accepting);
}

// A socket for both families accepts for both, also when the portal of one has been removed.
bool IscsiDriver::is_portal(const mgmt::SocketAddress& local) const {
    const bool shared = std::any_of(passed_.begin(), passed_.end(), [&](const PassedSocket& one) {
        return one.both_families && one.address.port() == local.port();
    });
    return !shared || std::any_of(portals_.begin(), portals_.end(), [&](const Portal& portal) {
        return portal.address.family() == local.family() && portal.address.port() == local.port();
    });
}

bool IscsiDriver::accepted(UniqueFd socket, mgmt::SocketAddress peer, mgmt::SocketAddress local) {
    if (!directory_->accepting()) {
        turned_away_.note();
        return true;
    }
    if (!is_portal(local)) return true;
    auto fd = std::make_shared<UniqueFd>(std::move(socket));
    return registry_->add_connection(peer, [fd, peer, local](WorkerContext& context, uint64_t id) {
        auto connection = std::make_unique<Connection>(context, id, peer, local, "iscsi");
        connection->start(
            std::make_unique<TcpTransport>(context, *connection, std::move(*fd), peer.host()));
        return connection;
    });
}

void IscsiDriver::exhausted(int error) {
    accept_error_ = error;
    exhausted_.note();
    registry_->relieve();
}

}  // namespace

std::unique_ptr<mgmt::Driver> make_driver(io::Runtime& runtime, const DriverSettings& settings,
                                          PassedSockets passed) {
    return std::make_unique<IscsiDriver>(runtime, settings, std::move(passed));
}

}  // namespace tgt::iscsi
