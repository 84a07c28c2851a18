// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "mgmt/socket_address.h"

namespace tgt::iscsi {

// The connections that are not logged in yet, and which of them has to go when there are too many:
// the oldest of those that have said nothing, or, when all others have, the oldest of these. One
// address has at most half of the places. Pure bookkeeping; ids grow with the age of the daemon.
// One thread.
class HalfOpen {
  public:
    explicit HalfOpen(size_t limit) : limit_(limit), share_(limit > 1 ? limit / 2 : 1) {}

    // Of one address: an IPv4 address, or the /64 network that an IPv6 host can choose addresses
    // from.
    void add(uint64_t id, const mgmt::SocketAddress& peer);
    // Its login request has come.
    void speaks(uint64_t id);
    void remove(uint64_t id);

    // Who is to be removed and dropped so that the limits hold again after `newest` was added.
    // Never `newest`.
    std::optional<uint64_t> surplus(uint64_t newest) const;
    std::optional<uint64_t> oldest() const { return all_.oldest_but(no_id); }
    bool silent(uint64_t id) const { return all_.silent.count(id) != 0; }
    size_t size() const { return places_.size(); }

  private:
    static constexpr uint64_t no_id = 0;
    struct Queue {
        std::set<uint64_t> silent;
        std::set<uint64_t> speaking;
        size_t size() const { return silent.size() + speaking.size(); }
        std::optional<uint64_t> oldest_but(uint64_t id) const;
        void erase(uint64_t id);
    };

    const size_t limit_;
    const size_t share_;
    Queue all_;
    std::map<std::string, Queue> by_peer_;
    std::map<uint64_t, std::string> places_;  // id to key of by_peer_
};

}  // namespace tgt::iscsi
