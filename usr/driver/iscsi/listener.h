// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "base/unique_fd.h"
#include "io/timers.h"
#include "io/worker.h"
#include "mgmt/socket_address.h"

namespace tgt::iscsi {

// A listening socket on one worker's poller (the control thread's). Closes with the object.
class Listener final : private io::FdWatcher {
  public:
    using Accepted =
        std::function<void(UniqueFd, mgmt::SocketAddress peer, mgmt::SocketAddress local)>;

    static Result<std::unique_ptr<Listener>> open(io::Worker& worker,
                                                  const mgmt::SocketAddress& address,
                                                  Accepted accepted);
    Listener(io::Worker& worker, UniqueFd socket, Accepted accepted);
    ~Listener();

  private:
    void on_ready(uint32_t events) override;
    void pause();

    io::Worker& worker_;
    UniqueFd socket_;
    Accepted accepted_;
    io::Timer resume_;
};

}  // namespace tgt::iscsi
