// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/kring/attachment.h"
#include "io/timers.h"
#include "ipc/ring/end.h"

namespace tgt::kring {

// One queue of a host: attached, and attached again when that was lost, until it is closed. Shared;
// lives until the last command of its attachments has ended. Its worker's thread, but for the
// constructor, worker() and the last reference.
class Queue : public std::enable_shared_from_this<Queue> {
  public:
    Queue(io::Worker& worker, ipc::RingOpener& opener, ipc::RingPlace place);

    io::Worker& worker() { return worker_; }

    // Attaches it; once. Without success it stays as it was.
    Result<void> open(Service service);
    // Other target, or none; `done` when the nexuses have left the one before.
    void serve(Service service, std::function<void()> done);
    // It is over: what runs is aborted, nobody is told. Once; `done` as above. The kernel's part is
    // given back when the last command has ended.
    void close(std::function<void()> done);

    std::vector<mgmt::SessionInfo> sessions() const;

  private:
    Result<void> attach();
    void lost(const std::string& why);
    void drop(std::function<void()> done);
    void try_again();

    io::Worker& worker_;
    ipc::RingOpener& opener_;
    const ipc::RingPlace place_;
    Service service_;
    std::shared_ptr<Attachment> attachment_;
    std::vector<std::shared_ptr<Attachment>> ending_;
    bool closed_ = false;
    io::Timer retry_;
    io::Duration delay_{0};
    io::TimePoint attached_at_{};
};

}  // namespace tgt::kring
