// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/passed.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "tgtd/process.h"

namespace tgt::tgtd {

namespace {

constexpr int first_passed = 3;
constexpr unsigned most_passed = 1024;

// -1: the socket does not have it.
int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

bool listens(int fd) {
    return option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
           option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1;
}

std::string unix_path(int fd) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    void* raw = &address;
    if (getsockname(fd, static_cast<sockaddr*>(raw), &size) != 0) return {};
    const size_t length = size > offsetof(sockaddr_un, sun_path)
                              ? strnlen(address.sun_path, sizeof address.sun_path)
                              : 0;
    return {address.sun_path, length};
}

iscsi::PassedSocket tcp_socket(UniqueFd fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    void* raw = &address;
    getsockname(fd.get(), static_cast<sockaddr*>(raw), &size);
    iscsi::PassedSocket socket;
    socket.address = mgmt::SocketAddress(static_cast<const sockaddr*>(raw), size);
    socket.both_families = socket.address.family() == AF_INET6 && socket.address.wildcard() &&
                           option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
    socket.fd = std::move(fd);
    return socket;
}

Result<void> take_one(Passed& passed, NamedFd socket) {
    const int fd = socket.fd.get();
    const int family = option(fd, SOL_SOCKET, SO_DOMAIN);
    const bool tcp = (family == AF_INET || family == AF_INET6) && socket.name != "admin";
    const bool admin = family == AF_UNIX && !passed.admin;
    if (!listens(fd) || (!tcp && !admin))
        return fail(EINVAL, fmt::format("the socket '{}' that the service manager passed cannot be "
                                        "used: give tgtd listening TCP sockets for portals, and at "
                                        "most one listening Unix stream socket for management",
                                        socket.name));
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (admin) {
        passed.admin_path = unix_path(fd);
        passed.admin = std::move(socket.fd);
    } else {
        passed.portals.push_back(tcp_socket(std::move(socket.fd)));
    }
    return {};
}

}  // namespace

Result<Passed> sort_passed(std::vector<NamedFd> sockets) {
    Passed passed;
    for (NamedFd& socket : sockets)
        if (auto taken = take_one(passed, std::move(socket)); !taken)
            return tl::unexpected(taken.error());
    return passed;
}

Result<Passed> take_passed() {
    const std::string pid = take_variable("LISTEN_PID");
    const auto count = parse_number(take_variable("LISTEN_FDS"));
    std::string names = take_variable("LISTEN_FDNAMES");
    std::vector<NamedFd> sockets;
    if (pid != std::to_string(getpid()) || !count || *count > most_passed) return Passed();
    for (int fd = first_passed; fd < first_passed + int(*count); ++fd) {
        const size_t end = std::min(names.find(':'), names.size());
        sockets.push_back({UniqueFd(fd), names.substr(0, end)});
        names.erase(0, end + 1);
    }
    return sort_passed(std::move(sockets));
}

std::vector<mgmt::PortalSpec> with_passed(std::vector<mgmt::PortalSpec> wanted,
                                          const iscsi::PassedSockets& passed) {
    const auto covered = [&](const iscsi::PassedSocket& socket) {
        return std::any_of(wanted.begin(), wanted.end(), [&](const mgmt::PortalSpec& spec) {
            const auto addresses = spec.numeric();
            return std::any_of(addresses.begin(), addresses.end(),
                               [&](const auto& address) { return socket.serves(address); });
        });
    };
    std::vector<mgmt::PortalSpec> all = wanted;
    for (const iscsi::PassedSocket& socket : passed) {
        if (covered(socket)) continue;
        if (socket.both_families) all.push_back({"0.0.0.0", socket.address.port()});
        all.push_back({socket.address.host(), socket.address.port()});
    }
    if (all.empty()) all.emplace_back();
    return all;
}

}  // namespace tgt::tgtd
