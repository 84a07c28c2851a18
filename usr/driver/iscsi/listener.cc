// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/listener.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace tgt::iscsi {

namespace {

constexpr int backlog = 1024;
constexpr int accepts_per_turn = 16;
constexpr auto exhausted_pause = std::chrono::milliseconds(200);
constexpr auto crowded_pause = std::chrono::milliseconds(5);

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

// tgt's keep-alive: idle 1800 s, 6 probes, 300 s apart.
void configure_connection(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1800);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 6);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 300);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(io::Worker& worker,
                                                 const mgmt::SocketAddress& address, User& user) {
    UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail(errno, std::strerror(errno));
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (::bind(fd.get(), address.get(), address.size()) != 0)
        return fail(errno, std::strerror(errno));
    if (::listen(fd.get(), backlog) != 0) return fail(errno, std::strerror(errno));
    return std::make_unique<Listener>(worker, std::move(fd), user);
}

Listener::Listener(io::Worker& worker, UniqueFd socket, User& user)
    : worker_(worker),
      socket_(std::move(socket)),
      user_(user),
      resume_([this] { set_accepting(accepting_); }) {
    worker_.poller().add(socket_.get(), 0, *this);
}

Listener::~Listener() {
    worker_.poller().remove(socket_.get(), *this);
}

void Listener::set_accepting(bool accepting) {
    accepting_ = accepting;
    resume_.disarm();
    worker_.poller().modify(socket_.get(), accepting ? uint32_t(EPOLLIN) : 0, *this);
}

void Listener::on_ready(uint32_t) {
    for (int i = 0; i < accepts_per_turn; ++i) {
        sockaddr_storage peer{}, local{};
        socklen_t peer_size = sizeof peer, local_size = sizeof local;
        UniqueFd fd(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                user_.exhausted(errno);
                pause(exhausted_pause);
            }
            return;
        }
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &local_size);
        configure_connection(fd.get());
        if (!user_.accepted(std::move(fd), {reinterpret_cast<sockaddr*>(&peer), peer_size},
                            {reinterpret_cast<sockaddr*>(&local), local_size}))
            return pause(crowded_pause);
    }
}

// The listening socket stays readable, so it is left alone for a while.
void Listener::pause(io::Duration time) {
    worker_.poller().modify(socket_.get(), 0, *this);
    worker_.timers().arm_in(resume_, time);
}

}  // namespace tgt::iscsi
