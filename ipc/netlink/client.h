// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ipc/netlink/link.h"

namespace tgt::ipc {

// A program that asks the kernel's family and waits for the answers. One thread.
class NetlinkClient {
  public:
    explicit NetlinkClient(std::unique_ptr<NetlinkLink> link) : link_(std::move(link)) {}

    // Finds the family. ENOENT: there is none, as its module is not loaded.
    Result<void> connect();
    // What the kernel answers; `dump`: any number of records. The error's text is the kernel's own,
    // or what its number means.
    Result<std::vector<NetlinkRecord>> call(const NetlinkRecord& request, bool dump);
    // Events come from now on; also those of the family's end.
    Result<void> listen();
    // Waits for events and tells them, until `told` says false. ENOBUFS: some were lost. ENOENT:
    // the family has gone.
    Result<void> follow(const std::function<bool(const NetlinkRecord&)>& told);

  private:
    Result<std::vector<NetlinkIncoming>> next();
    Result<std::vector<NetlinkRecord>> collect(uint32_t sequence, bool dump);

    std::unique_ptr<NetlinkLink> link_;
    NetlinkFamily family_;
    uint32_t sequence_ = 0;
};

}  // namespace tgt::ipc
