// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_stream.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tgt::mgmt {

namespace {

constexpr size_t max_answer = size_t(8) << 20;  // of the server: all initiators of a target
constexpr size_t read_chunk = 64 << 10;

SocketAddress local_address(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    void* raw = &storage;
    if (getsockname(fd, static_cast<sockaddr*>(raw), &size) != 0) return {};
    return {static_cast<const sockaddr*>(raw), size};
}

}  // namespace

Result<std::shared_ptr<IsnsStream>> IsnsStream::connect(io::Worker& worker,
                                                        const SocketAddress& server, Told told) {
    UniqueFd fd(socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail(errno, std::strerror(errno));
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (::connect(fd.get(), server.get(), server.size()) != 0 && errno != EINPROGRESS)
        return fail(errno, std::strerror(errno));
    auto stream = std::make_shared<IsnsStream>(worker, std::move(fd), max_answer, std::move(told));
    stream->connecting_ = true;
    if (!stream->watch(EPOLLOUT)) return fail(ENOSPC, "the kernel cannot watch one more socket");
    return stream;
}

std::shared_ptr<IsnsStream> IsnsStream::adopt(io::Worker& worker, UniqueFd fd, size_t max_message,
                                              Told told) {
    auto stream = std::make_shared<IsnsStream>(worker, std::move(fd), max_message, std::move(told));
    if (!stream->watch(EPOLLIN)) return nullptr;
    return stream;
}

IsnsStream::IsnsStream(io::Worker& worker, UniqueFd fd, size_t max_message, Told told)
    : worker_(worker), fd_(std::move(fd)), told_(std::move(told)), assembler_(max_message) {}

bool IsnsStream::watch(uint32_t events) {
    if (interest_ == 0) {
        if (!worker_.poller().add(fd_.get(), events, *this)) {
            fd_.reset();
            return false;
        }
    } else if (events != interest_) {
        worker_.poller().modify(fd_.get(), events, *this);
    }
    interest_ = events;
    return true;
}

void IsnsStream::close() {
    if (!fd_) return;
    if (interest_ != 0) worker_.poller().remove(fd_.get(), *this);
    fd_.reset();
}

void IsnsStream::lost(const std::string& why) {
    close();
    told_.closed(why);
}

void IsnsStream::on_ready(uint32_t events) {
    const auto self = shared_from_this();
    if (connecting_) return finish_connect();
    if (events & EPOLLOUT) flush();
    if (fd_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive();
}

void IsnsStream::finish_connect() {
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return lost(std::strerror(error));
    connecting_ = false;
    watch(EPOLLIN);
    told_.connected(local_address(fd_.get()));
}

void IsnsStream::receive() {
    std::array<uint8_t, read_chunk> bytes;
    ssize_t n;
    do n = recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) return lost(std::strerror(errno));
    if (n == 0) return lost("it has closed the connection");
    std::vector<IsnsMessage> messages;
    const auto good = assembler_.feed({bytes.data(), size_t(n)}, messages);
    for (const IsnsMessage& message : messages)
        if (fd_) told_.message(message);
    if (fd_ && !good) lost(good.error().text);
}

void IsnsStream::send(const std::vector<uint8_t>& bytes) {
    if (!fd_ || bytes.empty()) return;
    const auto self = shared_from_this();
    output_.insert(output_.end(), bytes.begin(), bytes.end());
    if (output_.size() > max_output) return lost("it takes nothing");
    if (!connecting_) flush();
}

void IsnsStream::flush() {
    size_t sent = 0;
    while (sent < output_.size()) {
        const ssize_t n = ::send(fd_.get(), output_.data() + sent, output_.size() - sent,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            sent += size_t(n);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            return lost(std::strerror(errno));
        }
    }
    output_.erase(output_.begin(), output_.begin() + ptrdiff_t(sent));
    watch(output_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

}  // namespace tgt::mgmt
