// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/half_open.h"

#include <netinet/in.h>

namespace tgt::iscsi {

namespace {

constexpr size_t network_bytes = 8;  // of an IPv6 address: what a host cannot choose by itself

std::string text_of(const void* bytes, size_t length) {
    return std::string(static_cast<const char*>(bytes), length);
}

std::string peer_key(const mgmt::SocketAddress& peer) {
    if (!peer.valid()) return {};
    const void* raw = peer.get();
    if (peer.family() == AF_INET) {
        const auto& address = static_cast<const sockaddr_in*>(raw)->sin_addr;
        return text_of(&address, sizeof address);
    }
    if (peer.family() != AF_INET6) return {};
    const auto& address = static_cast<const sockaddr_in6*>(raw)->sin6_addr;
    // All hosts of a link are in one link-local network.
    const bool whole = IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_LOOPBACK(&address);
    return text_of(&address, whole ? sizeof address : network_bytes);
}

}  // namespace

std::optional<uint64_t> HalfOpen::Queue::oldest_but(uint64_t id) const {
    for (const auto* group : {&silent, &speaking})
        for (uint64_t candidate : *group)
            if (candidate != id) return candidate;
    return std::nullopt;
}

void HalfOpen::Queue::erase(uint64_t id) {
    silent.erase(id);
    speaking.erase(id);
}

void HalfOpen::add(uint64_t id, const mgmt::SocketAddress& peer) {
    const std::string key = peer_key(peer);
    places_[id] = key;
    by_peer_[key].silent.insert(id);
    all_.silent.insert(id);
}

void HalfOpen::speaks(uint64_t id) {
    const auto place = places_.find(id);
    if (place == places_.end()) return;
    Queue& queue = by_peer_[place->second];
    queue.silent.erase(id);
    queue.speaking.insert(id);
    all_.silent.erase(id);
    all_.speaking.insert(id);
}

void HalfOpen::remove(uint64_t id) {
    const auto place = places_.find(id);
    if (place == places_.end()) return;
    const auto queue = by_peer_.find(place->second);
    queue->second.erase(id);
    if (queue->second.size() == 0) by_peer_.erase(queue);
    all_.erase(id);
    places_.erase(place);
}

std::optional<uint64_t> HalfOpen::surplus(uint64_t newest) const {
    const auto place = places_.find(newest);
    if (place != places_.end()) {
        const Queue& queue = by_peer_.at(place->second);
        if (queue.size() > share_) return queue.oldest_but(newest);
    }
    if (all_.size() > limit_) return all_.oldest_but(newest);
    return std::nullopt;
}

}  // namespace tgt::iscsi
