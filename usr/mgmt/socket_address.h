// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tgt::mgmt {

// A numeric IPv4 or IPv6 address with a port. Plain value.
class SocketAddress {
  public:
    SocketAddress() = default;
    // `size` as accept(2) or getaddrinfo(3) gave it. An IPv4 address mapped into IPv6 becomes IPv4.
    SocketAddress(const sockaddr* address, socklen_t size);
    // "127.0.0.1", "::1" or "[::1]", also with a scope ("fe80::1%eth0"). Names are not resolved.
    static Result<SocketAddress> parse(std::string_view address, uint16_t port);

    bool valid() const { return size_ != 0; }
    int family() const { return storage_.ss_family; }
    const sockaddr* get() const;
    socklen_t size() const { return size_; }
    uint16_t port() const;
    bool wildcard() const;

    SocketAddress with_port(uint16_t port) const;
    std::string host() const;  // "127.0.0.1", "::1"
    std::string uri() const;   // "127.0.0.1:3260", "[::1]:3260"

    bool operator==(const SocketAddress& other) const;

  private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

}  // namespace tgt::mgmt
