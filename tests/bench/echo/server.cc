// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <unordered_map>

#include "base/unique_fd.h"
#include "tests/bench/echo/answers.h"
#include "tests/bench/echo/echo.h"
#include "tests/bench/pdu_reader.h"
#include "tests/bench/stream.h"
#include "wire/iscsi.h"

namespace tgt::bench {

namespace {

struct Connection {
    UniqueFd fd;
    PduReader reader;
    Output output;
    AnswerMemory memory;
};

// Owns the listening socket and the connections; one thread.
class EchoServer {
  public:
    explicit EchoServer(Source source)
        : epoll_(::epoll_create1(EPOLL_CLOEXEC)), source_(std::move(source)) {}

    Result<void> listen(const Options& options);
    Result<int> run();

  private:
    void accept();
    bool serve(Connection& connection);
    bool answer(Connection& connection);
    void watch(int fd, int operation, uint32_t events);

    UniqueFd epoll_;
    UniqueFd listener_;
    Input input_{input_size};
    const Source source_;
    std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

void EchoServer::watch(int fd, int operation, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), operation, fd, &event);
}

Result<void> EchoServer::listen(const Options& options) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int code = getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &found);
        code != 0)
        return fail(EINVAL, fmt::format("{}: {}", options.host, gai_strerror(code)));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    listener_.reset(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_.get(), found->ai_addr, found->ai_addrlen) != 0 ||
        ::listen(listener_.get(), SOMAXCONN) != 0)
        return fail(errno, fmt::format("port {}: {}", options.port, std::strerror(errno)));
    watch(listener_.get(), EPOLL_CTL_ADD, EPOLLIN);
    return {};
}

void EchoServer::accept() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd.get(), EPOLL_CTL_ADD, EPOLLIN);
    const int key = fd.get();
    connections_[key] = std::make_unique<Connection>();
    connections_[key]->fd = std::move(fd);
}

bool EchoServer::answer(Connection& connection) {
    const auto request = connection.reader.as<wire::ScsiCommandPdu>();
    const uint32_t wanted = request.read() ? request.expected_data_transfer_length.get() : 0;
    const uint32_t length = std::min(wanted & ~3u, Source::length_limit);
    wire::DataInPdu header;
    header.flags = wire::FinalFlag::mask | wire::DataInStatus::mask;
    header.initiator_task_tag = request.initiator_task_tag;
    header.data_segment_length = length;
    connection.output.add_copy(wire::bytes_of(header));
    if (length == 0) return true;
    if (!source_.is_file()) {
        connection.output.add_reference(source_.buffer(length));
        return true;
    }
    const std::span<uint8_t> data = connection.memory.take(length);
    connection.output.add_reference(data);
    return source_.read(wire::load_be<8>(request.cdb), data);
}

// False when the connection is finished.
bool EchoServer::serve(Connection& connection) {
    const bool was_sending = !connection.output.empty();
    if (!was_sending) {
        auto bytes = input_.receive(connection.fd.get(), false);
        if (!bytes) return false;
        using Event = PduReader::Event;
        PduReader& reader = connection.reader;
        for (Event event = reader.next(*bytes); event != Event::more; event = reader.next(*bytes)) {
            if (event == Event::error) return false;
            if (event == Event::end && !answer(connection)) return false;
        }
    }
    if (!connection.output.flush(connection.fd.get())) return false;
    const bool sending = !connection.output.empty();
    if (!sending) connection.memory.all_sent();
    if (sending != was_sending)
        watch(connection.fd.get(), EPOLL_CTL_MOD, sending ? EPOLLOUT : EPOLLIN);
    return true;
}

Result<int> EchoServer::run() {
    for (;;) {
        epoll_event events[64];
        const int count = ::epoll_wait(epoll_.get(), events, 64, -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[i].data.fd;
            if (fd == listener_.get())
                accept();
            else if (!serve(*connections_.at(fd)))
                connections_.erase(fd);
        }
    }
}

}  // namespace

Result<int> serve_echo(const Options& options) {
    auto source = Source::open(options.file);
    if (!source) return tl::unexpected(source.error());
    EchoServer server(std::move(*source));
    return server.listen(options).and_then([&] { return server.run(); });
}

}  // namespace tgt::bench
