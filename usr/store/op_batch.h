// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "io/timers.h"
#include "store/store.h"

namespace tgt::io {
class Worker;
class PoolLane;
}  // namespace tgt::io

namespace tgt::store {

// Operations that seldom wait for the device (writes to the page cache): those of a loop turn are
// handed to one thread of the lane together, run there one after another, and complete together, so
// that a thread is woken once for many in either direction. When one of them waits after all, the
// others go on on further threads, and what is complete is noticed, within about a millisecond.
// Owns no operation; store, worker and lane outlive it. Worker's thread; it dies when nothing is in
// flight.
class OpBatch {
  public:
    // `complete` goes to op.task.run and is called on the worker.
    OpBatch(Store& store, io::Worker& worker, io::PoolLane& lane, void (*complete)(Task&));
    OpBatch(const OpBatch&) = delete;
    ~OpBatch();

    void add(Op& op);
    // False: it has begun.
    bool take_back(Op& op);

  private:
    struct State;
    struct Holder;
    static void end_turn(Task& task);
    static void run_batch(Task& task);
    void look();

    // Outlives the batch while a thread is about to leave it, or the turn has not ended in which
    // everything was taken back.
    std::shared_ptr<State> state_;
    io::Timer look_;  // armed while something is in flight
    io::Duration patience_;
};

}  // namespace tgt::store
