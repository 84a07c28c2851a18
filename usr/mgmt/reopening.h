// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "io/runtime.h"

namespace tgt::mgmt {

// Tries again and again what did not work: one attempt at a time for each place, with pauses that
// grow, and a bounded number of attempts at once for all. Control thread.
class Reopening {
  public:
    using Place = std::pair<int, uint64_t>;  // tid, LUN
    // Between two attempts: from the first to the longest, doubled.
    struct Pauses {
        io::Duration first, longest;
    };
    // Calls `ended` when it has: with true it is tried again.
    using Attempt = std::function<void(Place, std::function<void(bool again)> ended)>;
    static constexpr size_t max_running = 64;

    Reopening(io::Runtime& runtime, Pauses pauses, Attempt attempt);
    Reopening(const Reopening&) = delete;
    ~Reopening();

    void add(Place place);
    void forget(Place place);
    // Something has turned up: attempts are made at once.
    void hurry();

  private:
    struct One;
    using OnePtr = std::shared_ptr<One>;
    void due(const OnePtr& one);
    void run_next();
    void ended(const OnePtr& one, bool again);

    io::Runtime& runtime_;
    const Pauses pauses_;
    const Attempt attempt_;
    std::map<Place, OnePtr> all_;
    std::deque<std::weak_ptr<One>> due_;
    size_t running_ = 0;
};

}  // namespace tgt::mgmt
