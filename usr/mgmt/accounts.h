// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mgmt/driver.h"
#include "mgmt/failure.h"

namespace tgt::mgmt {

enum class Direction : uint8_t { incoming, outgoing };

// The accounts bound to one place: a target, or (tid 0) discovery.
struct BoundAccounts {
    std::vector<std::string> incoming;  // in the order of binding
    std::string outgoing;               // empty: none
};

// The accounts of the daemon and where they are bound. Plain value; the registry's thread.
class Accounts {
  public:
    static constexpr int global = 0;  // the place of discovery sessions

    Status add(std::string_view name, std::string_view secret);
    Status remove(std::string_view name);  // unbinds it everywhere first
    Status bind(int tid, std::string_view name, Direction direction);
    Status unbind(int tid, std::string_view name, Direction direction);
    void forget_target(int tid) { bound_.erase(tid); }

    std::vector<std::string> newest_first() const;
    std::string secret_of(std::string_view name) const;  // empty: there is no such account
    const BoundAccounts& bound(int tid) const;
    // With their secrets, for a login.
    std::vector<Account> incoming(int tid) const;
    std::optional<Account> outgoing(int tid) const;

  private:
    const Account* find(std::string_view name) const;

    std::vector<Account> accounts_;  // oldest first
    std::map<int, BoundAccounts> bound_;
};

}  // namespace tgt::mgmt
