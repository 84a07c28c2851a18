// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/mailbox.h"
#include "io/clock.h"
#include "store/fault/random.h"
#include "store/store.h"

namespace tgt::io {
class Worker;
}

namespace tgt::store::fault {

// Gathers operations, of queues and of perform() alike, and then runs them one after another in
// another order: backwards, or shuffled when there is a seed. Shared by its rule and by the
// operations that it holds. Owns none of them. Any thread.
class Reorder {
  public:
    // Runs one operation to its end and returns 0 or an errno value.
    using RunOp = std::function<int(Op&)>;
    // Held operations that have been taken out to be run; whoever has them must do so.
    struct Member {
        Op* op = nullptr;
        Task* task = nullptr;  // of a queue: posted to `worker` when the operation has ended
        io::Worker* worker = nullptr;
        bool* ended = nullptr;  // of a waiting thread
    };
    using Batch = std::vector<Member>;

    Reorder(unsigned window, std::optional<uint64_t> seed) : window_(window) {
        if (seed) shuffle_.emplace(*seed);
    }

    // Holds `op`; when the window is full with it, returns all that are held, in their new order.
    // `task` is posted to `worker` when the operation has ended, with op.error set.
    Batch join(Op& op, Task& task, io::Worker& worker);
    // All that are held, in their new order, if `op` is among them: for the end of its patience.
    Batch take_with(const Op& op);
    // True: it was held, and will not be run.
    bool withdraw(const Op& op);
    // Blocking. Holds the operation of the calling thread, at most for `patience` if others do not
    // come, until it has ended; the thread may have to run the batch itself.
    void join_and_wait(Op& op, io::Duration patience, const RunOp& run);
    // Blocking. Runs a batch and hands each operation back to whom it belongs.
    void run(const Batch& batch, const RunOp& run);

    size_t held() const;

  private:
    Batch take_all();

    const unsigned window_;
    mutable std::mutex mutex_;
    std::condition_variable ended_;
    std::optional<Random> shuffle_;
    Batch held_;
};

}  // namespace tgt::store::fault
