// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/failure.h"
#include "mgmt/socket_address.h"

namespace tgt::mgmt {

// One rule about addresses: ALL, an address, or a net. Keeps the text as it was given.
class AddressRule {
  public:
    // "ALL", IPv4, IPv6 with or without brackets, "net/len" with no bit set in the host part.
    static Result<AddressRule> parse(std::string_view text);
    bool matches(const SocketAddress& address) const;
    const std::string& text() const { return text_; }

  private:
    std::string text_;
    std::vector<uint8_t> net_;  // empty: ALL; else 4 or 16 bytes
    unsigned bits_ = 0;
};

// Who may log in to a target. Without a rule nobody may; one matching rule of either kind is
// enough. Plain value.
class AccessList {
  public:
    // Adds or removes both (those that are given) or, on failure, neither.
    Status bind(std::optional<std::string_view> address, std::optional<std::string_view> name);
    Status unbind(std::optional<std::string_view> address, std::optional<std::string_view> name);

    bool permits(const SocketAddress& address, std::string_view initiator_name) const;
    std::vector<std::string> addresses() const;
    const std::vector<std::string>& names() const { return names_; }
    bool empty() const { return addresses_.empty() && names_.empty(); }

  private:
    std::vector<AddressRule> addresses_;
    std::vector<std::string> names_;
};

}  // namespace tgt::mgmt
