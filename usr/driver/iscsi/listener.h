// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "base/unique_fd.h"
#include "io/timers.h"
#include "io/worker.h"
#include "mgmt/socket_address.h"

namespace tgt::iscsi {

// A listening socket on one worker's poller (the control thread's). Closes with the object. A flood
// of connections does not keep its worker from other work: few are accepted in a turn. Accepts
// nothing until it is told to.
class Listener final : private io::FdWatcher {
  public:
    struct User {
        virtual ~User() = default;
        // False: no more for a moment.
        virtual bool accepted(UniqueFd socket, mgmt::SocketAddress peer,
                              mgmt::SocketAddress local) = 0;
        // A connection waits, and there is no descriptor (or memory) for it.
        virtual void exhausted(int error) = 0;
    };

    // `user` outlives the listener.
    static Result<std::unique_ptr<Listener>> open(io::Worker& worker,
                                                  const mgmt::SocketAddress& address, User& user);
    // `socket` listens, and does not block.
    Listener(io::Worker& worker, UniqueFd socket, User& user);
    ~Listener();
    // False: connections wait in the backlog.
    void set_accepting(bool accepting);

  private:
    void on_ready(uint32_t events) override;
    void pause(io::Duration time);

    io::Worker& worker_;
    UniqueFd socket_;
    User& user_;
    io::Timer resume_;
    bool accepting_ = false;
};

}  // namespace tgt::iscsi
