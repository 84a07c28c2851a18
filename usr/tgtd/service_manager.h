// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/clock.h"

namespace tgt::tgtd {

// What a service manager wants to hear (sd_notify(3), sd_watchdog_enabled(3)); without one,
// nothing. A value that does not change: any thread.
class ServiceManager {
  public:
    ServiceManager() = default;
    // From $NOTIFY_SOCKET and $WATCHDOG_*, which are removed: no child is to take them for its own.
    // In the first process, before there are threads.
    static ServiceManager from_environment();

    bool listens() const { return !socket_.empty(); }
    // Assignments, one a line: "READY=1\nSTATUS=...".
    void tell(std::string_view state) const;
    // How long it waits for WATCHDOG=1.
    std::optional<io::Duration> watchdog() const { return watchdog_; }

  private:
    std::string socket_;
    std::optional<io::Duration> watchdog_;
};

// MONOTONIC_USEC, as RELOADING=1 wants it.
std::string reloading_now();

}  // namespace tgt::tgtd
