// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/worker_choice.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

namespace tgt::iscsi {

void WorkerChoice::age(io::TimePoint now) {
    const std::chrono::duration<double> seconds = now - std::exchange(aged_, now);
    for (Worker& worker : workers_) worker.fresh *= 1 - std::clamp(seconds.count(), 0.0, 1.0);
}

unsigned WorkerChoice::choose(io::TimePoint now, std::span<const double> busy) {
    age(now);
    double seen = 0;  // connections whose load shows
    for (const Worker& worker : workers_) seen += double(worker.connections) - worker.fresh;
    const double each = std::accumulate(busy.begin(), busy.end(), 0.0) / std::max(seen, 1.0);
    std::vector<double> load(workers_.size());
    for (size_t i = 0; i < load.size(); ++i) load[i] = busy[i] + workers_[i].fresh * each;
    const double limit = *std::min_element(load.begin(), load.end()) + alike;
    size_t best = load.size();
    for (size_t i = 0; i < load.size(); ++i) {
        if (load[i] > limit) continue;
        if (best == load.size() || workers_[i].connections < workers_[best].connections) best = i;
    }
    ++workers_[best].connections;
    ++workers_[best].fresh;
    return unsigned(best);
}

}  // namespace tgt::iscsi
