// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "io/clock.h"

namespace tgt::iscsi {

// Which worker gets a new connection, as it stays there: the least busy one, and of those that are
// about as busy the one with the fewest connections. What connections of the last second will do
// does not show yet: each counts as much as one does on average. Control thread.
class WorkerChoice {
  public:
    explicit WorkerChoice(unsigned workers) : workers_(workers) {}

    // How busy each worker is, from 0 to 1. The connection is counted.
    unsigned choose(io::TimePoint now, std::span<const double> busy);
    void left(unsigned worker) { --workers_[worker].connections; }

  private:
    static constexpr double alike = 0.05;

    struct Worker {
        size_t connections = 0;
        double fresh = 0;  // of them, whose load does not show yet
    };
    void age(io::TimePoint now);

    std::vector<Worker> workers_;
    io::TimePoint aged_{};
};

}  // namespace tgt::iscsi
