// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/portal_spec.h"

#include <fmt/core.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

namespace tgt::mgmt {

namespace {

std::optional<uint16_t> parse_port(std::string_view text) {
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

tl::unexpected<Error> bad(std::string_view text, std::string_view why) {
    return fail(EINVAL,
                fmt::format("portal '{}' {}: use ADDRESS[:PORT], IPv6 in brackets", text, why));
}

}  // namespace

Result<PortalSpec> PortalSpec::parse(std::string_view text) {
    PortalSpec spec;
    std::string_view rest;
    if (text.starts_with('[')) {
        const size_t close = text.find(']');
        if (close == std::string_view::npos) return bad(text, "has no closing bracket");
        spec.host = text.substr(1, close - 1);
        rest = text.substr(close + 1);
        auto address = SocketAddress::parse(spec.host, 0);
        if (!address || address->family() != AF_INET6)
            return bad(text, "has no IPv6 address in its brackets");
    } else if (std::count(text.begin(), text.end(), ':') > 1) {
        spec.host = text;  // an IPv6 address without a port
        if (!SocketAddress::parse(text, 0)) return bad(text, "is not an address");
    } else {
        const size_t colon = std::min(text.find(':'), text.size());
        spec.host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (rest.empty()) return spec;
    const auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port) return bad(text, "has no port from 1 to 65535 after its address");
    spec.port = *port;
    return spec;
}

std::string PortalSpec::text() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
}

std::vector<SocketAddress> PortalSpec::numeric() const {
    if (host.empty())
        return {*SocketAddress::parse("0.0.0.0", port), *SocketAddress::parse("::", port)};
    auto address = SocketAddress::parse(host, port);
    if (!address) return {};
    return {*address};
}

Result<std::vector<SocketAddress>> PortalSpec::resolve() const {
    std::vector<SocketAddress> out = numeric();
    if (!out.empty()) return out;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
        return fail(ENOENT,
                    fmt::format("the name '{}' has no address: {}", host, gai_strerror(error)));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
    for (const addrinfo* one = found; one; one = one->ai_next) {
        const auto address = SocketAddress(one->ai_addr, one->ai_addrlen).with_port(port);
        if (address.valid() && std::find(out.begin(), out.end(), address) == out.end())
            out.push_back(address);
    }
    return out;
}

}  // namespace tgt::mgmt
