// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "io/clock.h"

namespace tgt::io {

// Told when a descriptor is ready. `events` are EPOLL* bits.
class FdWatcher {
  public:
    virtual void on_ready(uint32_t events) = 0;

  protected:
    ~FdWatcher() = default;
};

// Waits for descriptors and wake-ups. All calls but wake() belong to its worker's thread. A watcher
// may be removed (also by another watcher) while events are being delivered: it is not called after
// remove().
class Poller {
  public:
    Poller();
    Poller(const Poller&) = delete;
    ~Poller();

    // Level triggered. `events` may be 0: registered, but silent except for errors and hang-up.
    // False (and logged) when the kernel refuses, for lack of memory or by a limit.
    bool add(int fd, uint32_t events, FdWatcher& watcher);
    void modify(int fd, uint32_t events, FdWatcher& watcher);
    void remove(int fd, FdWatcher& watcher);

    // Delivers events; waits until `deadline` (none: for ever; in the past: not at all) or wake().
    void wait(std::optional<TimePoint> deadline) {
        collect(deadline);
        deliver();
    }
    // The two halves of wait(), for a loop that looks at its clock in between.
    void collect(std::optional<TimePoint> deadline);
    void deliver();
    // Between them: whether there is anything to deliver.
    bool collected() const { return !ready_.empty(); }

    // Any thread: makes the current or the next wait() return.
    void wake();

  private:
    struct Ready {
        FdWatcher* watcher;
        uint32_t events;
    };
    enum class State : uint8_t { awake, sleeping, woken };
    bool control(int operation, int fd, uint32_t events, FdWatcher* watcher);
    void drain_event();

    UniqueFd epoll_;
    UniqueFd event_;
    std::atomic<State> state_{State::awake};
    std::vector<Ready> ready_;  // being delivered; remove() clears entries
};

}  // namespace tgt::io
