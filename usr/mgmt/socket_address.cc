// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/socket_address.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>
#include <netdb.h>

#include <cstring>
#include <memory>

namespace tgt::mgmt {

namespace {

template <class T>
T view(const sockaddr_storage& storage) {
    T out;
    std::memcpy(&out, &storage, sizeof(out));
    return out;
}

std::string_view without_brackets(std::string_view text) {
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
        return text.substr(1, text.size() - 2);
    return text;
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) {
    if (!address || size < sizeof(sockaddr_in) || size > sizeof(storage_)) return;
    std::memcpy(&storage_, address, size);
    size_ = size;
    if (storage_.ss_family != AF_INET6) return;
    const auto v6 = view<sockaddr_in6>(storage_);
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = v6.sin6_port;
    std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
    storage_ = {};
    std::memcpy(&storage_, &v4, sizeof(v4));
    size_ = sizeof(v4);
}

Result<SocketAddress> SocketAddress::parse(std::string_view address, uint16_t port) {
    const std::string host(without_brackets(address));
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const bool numeric =
        !host.empty() && getaddrinfo(host.c_str(), nullptr, &hints, &found) == 0 && found;
    // getaddrinfo() also takes "127.1" and "0x7f000001", which no rule of ours is written in.
    in_addr v4{};
    const bool plain =
        numeric && (found->ai_family != AF_INET || inet_pton(AF_INET, host.c_str(), &v4) == 1);
    SocketAddress out;
    if (plain) out = SocketAddress(found->ai_addr, found->ai_addrlen).with_port(port);
    if (found) freeaddrinfo(found);
    if (!plain) return fail(EINVAL, fmt::format("'{}' is not an IPv4 or IPv6 address", address));
    return out;
}

const sockaddr* SocketAddress::get() const {
    const void* raw = &storage_;
    return static_cast<const sockaddr*>(raw);
}

uint16_t SocketAddress::port() const {
    if (family() == AF_INET6) return ntohs(view<sockaddr_in6>(storage_).sin6_port);
    return family() == AF_INET ? ntohs(view<sockaddr_in>(storage_).sin_port) : 0;
}

bool SocketAddress::wildcard() const {
    if (family() == AF_INET) return view<sockaddr_in>(storage_).sin_addr.s_addr == INADDR_ANY;
    const auto v6 = view<sockaddr_in6>(storage_);
    return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

SocketAddress SocketAddress::with_port(uint16_t port) const {
    SocketAddress out = *this;
    if (family() == AF_INET) {
        auto v4 = view<sockaddr_in>(storage_);
        v4.sin_port = htons(port);
        std::memcpy(&out.storage_, &v4, sizeof(v4));
    } else if (family() == AF_INET6) {
        auto v6 = view<sockaddr_in6>(storage_);
        v6.sin6_port = htons(port);
        std::memcpy(&out.storage_, &v6, sizeof(v6));
    }
    return out;
}

std::string SocketAddress::host() const {
    char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 2] = "";
    if (family() == AF_INET) {
        const auto v4 = view<sockaddr_in>(storage_);
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    } else if (family() == AF_INET6) {
        const auto v6 = view<sockaddr_in6>(storage_);
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    }
    return text;
}

std::string SocketAddress::uri() const {
    return family() == AF_INET6 ? fmt::format("[{}]:{}", host(), port())
                                : fmt::format("{}:{}", host(), port());
}

bool SocketAddress::operator==(const SocketAddress& other) const {
    if (family() != other.family() || port() != other.port()) return false;
    if (family() == AF_INET)
        return view<sockaddr_in>(storage_).sin_addr.s_addr ==
               view<sockaddr_in>(other.storage_).sin_addr.s_addr;
    if (family() != AF_INET6) return true;
    const auto a = view<sockaddr_in6>(storage_), b = view<sockaddr_in6>(other.storage_);
    return a.sin6_scope_id == b.sin6_scope_id &&
           std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof(a.sin6_addr)) == 0;
}

}  // namespace tgt::mgmt
