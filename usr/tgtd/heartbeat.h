// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "io/runtime.h"

namespace tgt::tgtd {

// Whether every event loop still turns: each is sent a task, and has to have run it by the next
// look. That costs a thread one wake-up a few times in a minute, and nothing on the data path. The
// main thread's; lives until the loops have ended.
class Heartbeat {
  public:
    // Looks four times in `period`: a loop that stands still for longer than three quarters of it
    // may be taken for dead.
    Heartbeat(io::Runtime& runtime, io::Duration period, io::TimePoint now);
    // For the loops of a test.
    Heartbeat(std::vector<io::Worker*> loops, io::Duration period, io::TimePoint now);
    Heartbeat(const Heartbeat&) = delete;

    io::TimePoint due() const { return due_; }
    // When due: true when each loop has turned since the last look that was true.
    bool look(io::TimePoint now);

  private:
    struct Pulse : Task {
        io::Worker* loop = nullptr;
        std::atomic<bool> back{true};
    };
    std::string silent() const;
    void send(io::TimePoint now);

    std::vector<std::unique_ptr<Pulse>> pulses_;
    const io::Duration every_;
    io::TimePoint due_;
    io::TimePoint sent_;
    bool reported_ = false;
};

}  // namespace tgt::tgtd
