// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_listener.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "mgmt/isns_requests.h"

namespace tgt::mgmt {

namespace {

constexpr auto exhausted_pause = std::chrono::milliseconds(200);

// Both families, or IPv4 alone where there is no IPv6.
UniqueFd bound_socket(const SocketAddress& any) {
    UniqueFd fd(socket(any.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return {};
    const int off = 0;
    if (any.family() == AF_INET6)
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd.get(), any.get(), any.size()) != 0) return {};
    if (listen(fd.get(), int(IsnsListener::max_connections)) != 0) return {};
    return fd;
}

uint16_t port_of(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    void* raw = &storage;
    if (getsockname(fd, static_cast<sockaddr*>(raw), &size) != 0) return 0;
    return SocketAddress(static_cast<const sockaddr*>(raw), size).port();
}

}  // namespace

Result<std::unique_ptr<IsnsListener>> IsnsListener::open(
    io::Worker& worker, std::function<void(const std::string&)> noticed) {
    UniqueFd fd;
    for (const char* any : {"::", "0.0.0.0"})
        if (!fd) fd = bound_socket(*SocketAddress::parse(any, 0));
    if (!fd) return fail(errno, std::strerror(errno));
    const uint16_t port = port_of(fd.get());
    auto listener = std::make_unique<IsnsListener>(worker, std::move(fd), port, std::move(noticed));
    if (!worker.poller().add(listener->fd_.get(), EPOLLIN, *listener)) {
        listener->fd_.reset();
        return fail(ENOSPC, "the kernel cannot watch one more socket");
    }
    return listener;
}

IsnsListener::IsnsListener(io::Worker& worker, UniqueFd fd, uint16_t port,
                           std::function<void(const std::string&)> noticed)
    : worker_(worker),
      fd_(std::move(fd)),
      port_(port),
      noticed_(std::move(noticed)),
      resume_([this] { worker_.poller().modify(fd_.get(), EPOLLIN, *this); }) {}

IsnsListener::~IsnsListener() {
    for (const auto& stream : streams_) stream->close();
    if (fd_) worker_.poller().remove(fd_.get(), *this);
}

// One in a turn: more are told of in the next.
void IsnsListener::on_ready(uint32_t) {
    UniqueFd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) return accepted(std::move(fd));
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    worker_.poller().modify(fd_.get(), 0, *this);  // no descriptor is left
    worker_.timers().arm_in(resume_, exhausted_pause);
}

void IsnsListener::accepted(UniqueFd fd) {
    const auto place = streams_.insert(streams_.end(), nullptr);
    IsnsStream::Told told;
    told.message = [this, place](const IsnsMessage& message) {
        if (message.response()) return;
        const auto answer = isns_requests::answer(message);
        const auto stream = *place;
        if (answer.changed) noticed_(*answer.changed);
        stream->send(answer.bytes);
    };
    told.closed = [this, place](const std::string&) { streams_.erase(place); };
    *place = IsnsStream::adopt(worker_, std::move(fd), max_message, std::move(told));
    if (!*place) {
        streams_.erase(place);
        return;
    }
    if (streams_.size() <= max_connections) return;
    streams_.front()->close();
    streams_.pop_front();
}

}  // namespace tgt::mgmt
