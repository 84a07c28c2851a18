// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/access.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tgt::mgmt {

namespace {

constexpr size_t max_name = 223;  // RFC 7143 4.2.7.1

std::vector<uint8_t> bytes_of(const SocketAddress& address) {
    if (address.family() == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, address.get(), sizeof(v4));
        std::vector<uint8_t> out(4);
        std::memcpy(out.data(), &v4.sin_addr, out.size());
        return out;
    }
    if (address.family() != AF_INET6) return {};
    sockaddr_in6 v6;
    std::memcpy(&v6, address.get(), sizeof(v6));
    return {v6.sin6_addr.s6_addr, v6.sin6_addr.s6_addr + 16};
}

bool bit(const std::vector<uint8_t>& bytes, size_t index) {
    return (bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

// The number after the slash, or nothing.
std::optional<unsigned> parse_length(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

auto find_rule(const std::vector<AddressRule>& rules, std::string_view text) {
    return std::find_if(rules.begin(), rules.end(),
                        [&](const AddressRule& rule) { return rule.text() == text; });
}

}  // namespace

Result<AddressRule> AddressRule::parse(std::string_view text) {
    AddressRule rule;
    rule.text_ = text;
    if (text == "ALL") return rule;
    const size_t slash = text.find('/');
    auto address = SocketAddress::parse(text.substr(0, slash), 0);
    if (!address)
        return fail(EINVAL, fmt::format("'{}' is not an address rule: use ALL, an IPv4 or IPv6 "
                                        "address, or a net such as 10.0.0.0/8",
                                        text));
    rule.net_ = bytes_of(*address);
    const unsigned width = unsigned(rule.net_.size() * 8);
    rule.bits_ = width;
    if (slash == std::string_view::npos) return rule;
    const auto length = parse_length(text.substr(slash + 1));
    if (!length || *length > width)
        return fail(EINVAL, fmt::format("the length of the net '{}' is not 0 to {}", text, width));
    rule.bits_ = *length;
    for (size_t i = rule.bits_; i < width; ++i)
        if (bit(rule.net_, i))
            return fail(EINVAL, fmt::format("'{}' is not a net: bits after the first {} are set",
                                            text, *length));
    return rule;
}

bool AddressRule::matches(const SocketAddress& address) const {
    if (net_.empty()) return true;
    const std::vector<uint8_t> bytes = bytes_of(address);
    if (bytes.size() != net_.size()) return false;
    for (size_t i = 0; i < bits_; ++i)
        if (bit(bytes, i) != bit(net_, i)) return false;
    return true;
}

Status AccessList::bind(std::optional<std::string_view> address,
                        std::optional<std::string_view> name) {
    std::optional<AddressRule> rule;
    if (address) {
        auto parsed = AddressRule::parse(*address);
        if (!parsed) return refuse(ErrorCode::invalid_request, "{}", parsed.error().text);
        rule = std::move(*parsed);
        if (find_rule(addresses_, *address) != addresses_.end())
            return refuse(ErrorCode::acl_exists, "the rule for address '{}' is already there",
                          *address);
    }
    if (name && (name->empty() || name->size() > max_name))
        return refuse(ErrorCode::invalid_request, "an initiator name has 1 to {} characters",
                      max_name);
    if (name && std::find(names_.begin(), names_.end(), *name) != names_.end())
        return refuse(ErrorCode::acl_exists, "the rule for initiator '{}' is already there", *name);
    if (rule) addresses_.push_back(std::move(*rule));
    if (name) names_.emplace_back(*name);
    return {};
}

Status AccessList::unbind(std::optional<std::string_view> address,
                          std::optional<std::string_view> name) {
    auto rule = addresses_.cend();
    if (address) {
        rule = find_rule(addresses_, *address);
        if (rule == addresses_.cend())
            return refuse(ErrorCode::acl_missing,
                          "there is no rule for address '{}'; rules are removed by the text they "
                          "were made with",
                          *address);
    }
    auto entry = names_.cend();
    if (name) {
        entry = std::find(names_.cbegin(), names_.cend(), *name);
        if (entry == names_.cend())
            return refuse(ErrorCode::acl_missing, "there is no rule for initiator '{}'", *name);
    }
    if (rule != addresses_.cend()) addresses_.erase(rule);
    if (entry != names_.cend()) names_.erase(entry);
    return {};
}

bool AccessList::permits(const SocketAddress& address, std::string_view initiator_name) const {
    return std::find(names_.begin(), names_.end(), initiator_name) != names_.end() ||
           std::any_of(addresses_.begin(), addresses_.end(),
                       [&](const AddressRule& rule) { return rule.matches(address); });
}

std::vector<std::string> AccessList::addresses() const {
    std::vector<std::string> out;
    for (const AddressRule& rule : addresses_) out.push_back(rule.text());
    return out;
}

}  // namespace tgt::mgmt
