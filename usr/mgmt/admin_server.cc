// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/admin_server.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/log.h"
#include "mgmt/registry.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr int backlog = 64;
constexpr auto resume_delay = std::chrono::milliseconds(200);

tl::unexpected<Error> failed(const std::string& path, std::string_view what, int error) {
    return fail(error, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

// tgt's lock: lockf(3) on a file that stays.
Result<UniqueFd> take_lock(const std::string& path) {
    UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return failed(path, "cannot open the lock file", errno);
    if (lockf(lock.get(), F_TLOCK, 0) == 0) return lock;
    if (errno == EACCES || errno == EAGAIN)
        return fail(EBUSY, fmt::format("another tgtd is using {}; give this one another control "
                                       "port with -C",
                                       path));
    return failed(path, "cannot lock", errno);
}

// Only who may manage gets as far as a connection.
bool restrict_access(const std::string& path, AdminGroup group) {
    if (group && chown(path.c_str(), uid_t(-1), *group) != 0) return false;
    return chmod(path.c_str(), group ? 0660 : 0600) == 0;
}

Result<UniqueFd> listen_at(const std::string& path, AdminGroup group) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        return failed(path, "cannot use the socket path", ENAMETOOLONG);
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return failed(path, "cannot make the socket", errno);
    unlink(path.c_str());  // we hold the lock: whoever made it has gone
    const void* raw = &address;
    if (bind(fd.get(), static_cast<const sockaddr*>(raw), sizeof(address)) != 0)
        return failed(path, "cannot bind the management socket", errno);
    if (!restrict_access(path, group))
        return failed(path, "cannot set who may use the management socket", errno);
    if (listen(fd.get(), backlog) != 0) return failed(path, "cannot listen on", errno);
    return fd;
}

Status make_parent(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/'));
    if (mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST) return {};
    return refuse(ErrorCode::unknown, "cannot make the folder {}: {}", folder,
                  std::strerror(errno));
}

// The supplementary groups of the peer.
std::vector<gid_t> peer_groups(int fd) {
    std::vector<gid_t> groups(32);
    auto size = socklen_t(groups.size() * sizeof(gid_t));
    while (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
        if (errno != ERANGE) return {};
        groups.resize(size / sizeof(gid_t));
    }
    groups.resize(size / sizeof(gid_t));
    return groups;
}

}  // namespace

bool may_manage(int fd, AdminGroup group) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    if (peer.uid == 0 || (peer.uid == geteuid() && peer.gid == getegid())) return true;
    if (!group) return false;
    const auto groups = peer_groups(fd);
    return peer.gid == *group || std::find(groups.begin(), groups.end(), *group) != groups.end();
}

bool may_read_secrets(int fd) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == 0 || peer.uid == geteuid();
}

AdminServer::AdminServer(std::string path, UniqueFd lock, UniqueFd socket, AdminGroup group)
    : path_(std::move(path)),
      group_(group),
      lock_(std::move(lock)),
      socket_(std::move(socket)),
      resume_([this] {
          if (socket_) control_->poller().modify(socket_.get(), EPOLLIN, *this);
      }) {}

AdminServer::~AdminServer() {
    stop();
}

Result<std::unique_ptr<AdminServer>> AdminServer::open(const std::string& path, bool make_folder,
                                                       UniqueFd passed, AdminGroup group) {
    if (make_folder)
        if (auto made = make_parent(path); !made) return fail(EACCES, made.error().reason);
    auto lock = take_lock(path + ".lock");
    if (!lock) return tl::unexpected(lock.error());
    // Of a socket that was passed the service manager knows who may use it.
    auto socket = passed ? Result<UniqueFd>(std::move(passed)) : listen_at(path, group);
    if (!socket) return tl::unexpected(socket.error());
    return std::unique_ptr<AdminServer>(
        new AdminServer(path, std::move(*lock), std::move(*socket), group));
}

void AdminServer::start(io::Worker& control, Registry& registry) {
    control_ = &control;
    registry_ = &registry;
    control.poller().add(socket_.get(), EPOLLIN, *this);
}

void AdminServer::stop() {
    if (!socket_) return;
    resume_.disarm();
    if (control_) control_->poller().remove(socket_.get(), *this);
    socket_.reset();
    const auto connections = std::exchange(connections_, {});
    for (const auto& connection : connections) connection->close();
}

void AdminServer::on_ready(uint32_t) {
    while (socket_) {
        UniqueFd fd(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd) {
            accept_one(std::move(fd));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN) return;
        log::warn(module, "cannot accept on {}: {}", path_, std::strerror(errno));
        control_->poller().modify(socket_.get(), 0, *this);
        control_->timers().arm_in(resume_, resume_delay);
        return;
    }
}

// Who only keeps connections open must not keep others out.
bool AdminServer::make_room() {
    if (connections_.size() < max_connections) return true;
    const auto idle = std::find_if(connections_.begin(), connections_.end(),
                                   [](const auto& one) { return one->idle(); });
    if (idle == connections_.end()) return false;
    const auto oldest = *idle;
    oldest->close();
    return true;
}

void AdminServer::accept_one(UniqueFd fd) {
    if (!may_manage(fd.get(), group_)) {
        log::warn(module, "a management connection of another user was closed");
        return;
    }
    if (!make_room()) {
        log::warn(module, "a management connection was closed: {} are busy already",
                  max_connections);
        return;
    }
    const bool secrets = may_read_secrets(fd.get());
    auto run = [registry = registry_, secrets](ipc::Verb verb,
                                               std::shared_ptr<const nlohmann::json> params,
                                               AnswerCallback done) {
        log::debug(module, "{}", ipc::method_of(verb.mode, verb.op));
        if (!secrets && params && params->contains(std::string(key_name(Key::secrets))))
            return done(refuse(ErrorCode::invalid_request,
                               "only root and tgtd's own user are told secrets"));
        run_verb_early(*registry, verb, std::move(params), std::move(done));
    };
    auto closed = [this](AdminConnection& connection) {
        std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
    };
    connections_.push_back(std::make_shared<AdminConnection>(control_->poller(), std::move(fd),
                                                             std::move(run), std::move(closed)));
    connections_.back()->start();
}

}  // namespace tgt::mgmt
