// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>

#include "base/mailbox.h"
#include "io/clock.h"

namespace tgt::io {
class Worker;
}

namespace tgt::store::fault {

// The operations that hang, in the order in which they began to: those of queues, which are tasks
// to be posted to their worker, and calls of perform(), which are threads that wait. Owns neither.
// Any thread.
class HungOps {
  public:
    // From here on, until it is withdrawn, `task` may be posted to `worker`, once.
    void add(Task& task, io::Worker& worker);
    // True: it hung, and will not be posted any more.
    bool withdraw(const Task& task);
    // Hangs the calling thread until it is released, for `at_most` if given.
    void wait(std::optional<io::Duration> at_most);

    // Lets the oldest go; returns how many.
    size_t release(size_t at_most);
    size_t count() const;

  private:
    struct Entry {
        Task* task = nullptr;
        io::Worker* worker = nullptr;
        bool* released = nullptr;  // of a waiting thread
    };
    mutable std::mutex mutex_;
    std::condition_variable released_;
    std::list<Entry> entries_;
};

}  // namespace tgt::store::fault
