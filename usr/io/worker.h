// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mailbox.h"
#include "io/buffer.h"
#include "io/busy_share.h"
#include "io/poller.h"
#include "io/timers.h"

namespace tgt::io {

class Ring;

// Events that come through memory shared with another party, without a system call. The worker's
// thread.
class EventSource {
  public:
    // Once in a turn, after the events of descriptors.
    virtual void take_events() = 0;
    // Whether there are any; a look at memory.
    virtual bool has_events() const = 0;
    // The worker is about to sleep: from now on the other party has to wake it, by a descriptor.
    // False: there are events already. take_events() comes next in any case.
    virtual bool may_sleep() = 0;

  protected:
    ~EventSource() = default;
};

// One event loop on one thread. A loop turn: wait, deliver descriptor events and those of sources,
// run the mailbox, fire timers, run what at_turn_end() collected. Everything that a worker owns is
// touched by its thread only; other threads post to it. A task must not wait for a device or for
// another worker.
class Worker {
  public:
    struct Options {
        unsigned index = 0;
        std::string name = "worker";  // thread name, at most 15 characters
        int cpu = -1;                 // pinned to this CPU when not negative
        size_t buffer_limit = size_t(1) << 30;
        bool ring = false;  // store I/O by io_uring
        // How long it looks for more work before it sleeps. Answers come sooner, for CPU time.
        Duration busy_poll{0};
    };
    explicit Worker(Options options);
    Worker(const Worker&) = delete;
    ~Worker();  // stops and joins

    void start();
    // Any thread. The loop ends after the tasks that were posted before; join() waits for it.
    // Before start() and after join() the worker belongs to the thread that constructed or joined
    // it.
    void stop();
    void join();

    // Any thread. Runs on the worker, in the order of posting, never inside the call.
    void post(Task& task);
    void post(std::function<void()> function);
    // As post(), in two steps: many tasks, one wake-up. Until wake() the worker may sleep on.
    void push(Task& task) { mailbox_.push(task); }
    void wake() { poller_.wake(); }

    unsigned index() const { return options_.index; }
    const std::string& name() const { return options_.name; }
    bool here() const {
        return std::this_thread::get_id() == thread_id_.load(std::memory_order_relaxed);
    }

    // Any thread: whether stores are to use ring().
    bool wants_ring() const { return options_.ring; }
    // Any thread: how much of its time its thread works, lately, from 0 to 1.
    double busy_share(TimePoint now) const { return busy_.at(now); }

    // The worker's thread only.
    // Tasks that have come by post() and were run.
    uint64_t mail_count() const { return mail_count_; }
    // Made by the first call; null when it is not wanted, or the kernel gives none.
    Ring* ring() { return ring_opened_ ? ring_.get() : open_ring(); }
    Poller& poller() { return poller_; }
    TimerQueue& timers() { return timers_; }
    BufferPool& buffers() { return buffers_; }
    // Runs once at the end of this turn, after everything else: where replies are batched into one
    // send. A task that is already waiting for the end of the turn must not be given again.
    void at_turn_end(Task& task);

    // Until remove(), which take_events() may call.
    void add(EventSource& source) { sources_.push_back(&source); }
    void remove(EventSource& source);

    // Something small was begun while much of its kind is under way. When a turn begins a few of
    // them only, the loop sleeps for a moment before it looks for more, so that more come at once.
    void expect_more() { ++more_expected_; }
    // Whether it is going to.
    bool gathers() const;

    // Tests drive a worker that was never started: one turn, without waiting, at the given time.
    void turn_for_test(TimePoint now);

  private:
    void loop();
    bool look_for_work(bool last);
    bool sources_have_events() const;
    bool may_sleep();
    void take_events();
    bool nothing_to_do() const;
    void gather();
    void turn(TimePoint now);
    void run_mailbox();
    void run_turn_end();
    Ring* open_ring();

    Options options_;
    Poller poller_;
    TimerQueue timers_;
    BufferPool buffers_;
    Mailbox mailbox_;
    std::unique_ptr<Ring> ring_;  // dies before the poller
    bool ring_opened_ = false;
    std::vector<EventSource*> sources_;  // null: removed
    uint64_t mail_count_ = 0;
    unsigned more_expected_ = 0;  // in this turn
    BusyShare busy_;
    TimePoint awake_until_{};  // busy polling ends
    Task* turn_end_first_ = nullptr;
    Task** turn_end_last_ = &turn_end_first_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::thread::id> thread_id_{};
    std::thread thread_;
};

}  // namespace tgt::io
