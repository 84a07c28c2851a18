// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <span>

#include "ipc/netlink/record.h"

namespace tgt::ipc {

// A socket of generic netlink; in tests a kernel that is played. One thread at a time; never waits.
class NetlinkLink {
  public:
    virtual ~NetlinkLink() = default;
    virtual Result<void> open() = 0;
    // Readable when there is something to receive.
    virtual int descriptor() const = 0;
    virtual Result<void> join(uint32_t group) = 0;
    virtual Result<void> send(std::span<const uint8_t> message) = 0;
    // One datagram. EAGAIN: there is none. ENOBUFS: some were lost.
    virtual Result<Bytes> receive() = 0;
};

// The kernel's.
std::unique_ptr<NetlinkLink> make_netlink_link();

}  // namespace tgt::ipc
