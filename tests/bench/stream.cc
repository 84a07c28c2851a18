// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/stream.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <array>
#include <cstring>
#include <memory>

namespace tgt::bench {

namespace {

constexpr size_t pieces_per_send = 1024;  // UIO_MAXIOV
constexpr size_t forget_above = 4096;

Result<void> last_error(const char* what) {
    return fail(errno, fmt::format("{}: {}", what, std::strerror(errno)));
}

void set_up(int fd) {
    const int on = 1;
    const timeval patience{0, 100'000};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

}  // namespace

Result<UniqueFd> connect_to(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0)
        return fail(EINVAL, fmt::format("{}: {}", host, gai_strerror(code)));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    UniqueFd fd;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        fd.reset(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
        if (!fd || ::connect(fd.get(), one->ai_addr, one->ai_addrlen) != 0) continue;
        set_up(fd.get());
        return fd;
    }
    return fail(errno, fmt::format("{}:{}: {}", host, port, std::strerror(errno)));
}

void Output::add_copy(std::span<const uint8_t> bytes) {
    const size_t at = copies_.size();
    copies_.insert(copies_.end(), bytes.begin(), bytes.end());
    if (!pieces_.empty() && pieces_.back().outside == nullptr)
        pieces_.back().length += bytes.size();
    else
        pieces_.push_back({nullptr, at, bytes.size()});
}

void Output::add_reference(std::span<const uint8_t> bytes) {
    pieces_.push_back({bytes.data(), 0, bytes.size()});
}

void Output::consume(size_t sent) {
    while (sent > 0) {
        Piece& piece = pieces_[first_];
        const size_t part = std::min(sent, piece.length);
        piece.at += part;
        piece.length -= part;
        sent -= part;
        if (piece.length == 0) ++first_;
    }
}

// Under steady load the queue may never run empty; what was sent must go all the same.
void Output::forget_sent() {
    const bool all = first_ == pieces_.size();
    if (!all && first_ < forget_above) return;
    size_t kept = copies_.size();
    for (size_t i = pieces_.size(); i-- > first_;)
        if (pieces_[i].outside == nullptr) kept = pieces_[i].at;
    copies_.erase(copies_.begin(), copies_.begin() + static_cast<ptrdiff_t>(kept));
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_));
    for (Piece& piece : pieces_)
        if (piece.outside == nullptr) piece.at -= kept;
    first_ = 0;
}

Result<void> Output::flush(int fd) {
    while (first_ < pieces_.size()) {
        std::array<iovec, pieces_per_send> vector;
        const size_t count = std::min(pieces_.size() - first_, vector.size());
        size_t wanted = 0;
        for (size_t i = 0; i < count; ++i) {
            const Piece& piece = pieces_[first_ + i];
            const uint8_t* base = piece.outside != nullptr ? piece.outside : copies_.data();
            vector[i] = {const_cast<uint8_t*>(base + piece.at), piece.length};
            wanted += piece.length;
        }
        msghdr message{};
        message.msg_iov = vector.data();
        message.msg_iovlen = count;
        const ssize_t sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return last_error("send");
        if (sent < 0) break;
        consume(static_cast<size_t>(sent));
        if (static_cast<size_t>(sent) < wanted) break;
    }
    forget_sent();
    return {};
}

Result<std::span<const uint8_t>> Input::receive(int fd, bool wait) {
    const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), wait ? 0 : MSG_DONTWAIT);
    if (got > 0) return std::span<const uint8_t>(buffer_.data(), static_cast<size_t>(got));
    if (got == 0) return fail(ECONNRESET, "the server closed the connection");
    if (errno != EAGAIN && errno != EINTR) return tl::unexpected(last_error("receive").error());
    return std::span<const uint8_t>();
}

}  // namespace tgt::bench
