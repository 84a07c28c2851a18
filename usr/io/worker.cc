// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/worker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "io/ring.h"
#include "io/thread.h"

namespace tgt::io {

namespace {

constexpr unsigned few = 8;  // of what expect_more() counts
constexpr Duration gathering_time = std::chrono::microseconds(50);

struct FunctionTask : Task {
    std::function<void()> function;

    static void run_and_delete(Task& task) {
        auto& self = static_cast<FunctionTask&>(task);
        self.function();
        delete &self;
    }
};

}  // namespace

Worker::Worker(Options options)
    : options_(std::move(options)),
      buffers_(options_.buffer_limit),
      thread_id_(std::this_thread::get_id()) {}

// Tasks that never ran belong to their owners, save for functions, which are ours.
Worker::~Worker() {
    stop();
    join();
    for (Task* task = mailbox_.take_all(); task;) {
        Task* next = task->next;
        if (task->run == FunctionTask::run_and_delete) delete static_cast<FunctionTask*>(task);
        task = next;
    }
}

void Worker::start() {
    thread_ = start_thread(options_.name, [this] { loop(); });
    thread_id_.store(thread_.get_id(), std::memory_order_relaxed);
}

void Worker::stop() {
    stopping_.store(true, std::memory_order_release);
    poller_.wake();
}

void Worker::join() {
    if (!thread_.joinable()) return;
    thread_.join();
    thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void Worker::post(Task& task) {
    mailbox_.push(task);
    poller_.wake();  // also when the box was not empty: what is in it may have been pushed only
}

void Worker::post(std::function<void()> function) {
    auto* task = new FunctionTask;
    task->run = FunctionTask::run_and_delete;
    task->function = std::move(function);
    post(*task);
}

Ring* Worker::open_ring() {
    ring_opened_ = true;
    if (!options_.ring) return nullptr;
    auto ring = Ring::open(*this);
    if (ring)
        ring_ = std::move(*ring);
    else
        log::error(log::Module::io, "{}: {}; it goes on without", options_.name, ring.error().text);
    return ring_.get();
}

void Worker::at_turn_end(Task& task) {
    task.next = nullptr;
    *turn_end_last_ = &task;
    turn_end_last_ = &task.next;
}

void Worker::loop() {
    thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    if (options_.cpu >= 0) pin_to_cpu(options_.cpu);
    let_sleep_be_exact();
    timers_.set_now(Clock::now());
    for (bool last = false; !last;) {
        // Read before the mailbox is emptied: what was posted before stop() still runs.
        last = stopping_.load(std::memory_order_acquire);
        if (gathers()) gather();
        if (!look_for_work(last)) continue;
        const TimePoint begin = Clock::now();
        turn(begin);
        busy_.note(begin, Clock::now());
    }
}

// Who polls has asked for answers sooner, for CPU time.
bool Worker::gathers() const {
    return more_expected_ > 0 && more_expected_ <= few && options_.busy_poll == Duration(0);
}

void Worker::gather() {
    std::this_thread::sleep_for(gathering_time);
}

bool Worker::nothing_to_do() const {
    return !poller_.collected() && mailbox_.empty() && !sources_have_events();
}

bool Worker::sources_have_events() const {
    return std::any_of(sources_.begin(), sources_.end(),
                       [](const EventSource* source) { return source && source->has_events(); });
}

bool Worker::may_sleep() {
    bool quiet = true;
    for (EventSource* source : sources_)
        if (source) quiet = source->may_sleep() && quiet;
    return quiet;
}

// A source may leave, or others may come, while one takes its events.
void Worker::take_events() {
    for (size_t i = 0; i < sources_.size(); ++i)
        if (sources_[i]) sources_[i]->take_events();
    std::erase(sources_, nullptr);
}

void Worker::remove(EventSource& source) {
    std::replace(sources_.begin(), sources_.end(), &source, static_cast<EventSource*>(nullptr));
}

// False: busy polling has found nothing this time. What is found puts its end off; timers do not,
// as they fire without anybody waiting.
bool Worker::look_for_work(bool last) {
    const auto due = timers_.next();
    if (last || options_.busy_poll == Duration(0)) {
        poller_.collect(last || !may_sleep() ? TimePoint::min() : due);
        return true;
    }
    const TimePoint now = Clock::now();
    const bool awake = now < awake_until_;
    poller_.collect(awake || !may_sleep() ? TimePoint::min() : due);
    if (nothing_to_do()) return !awake || (due && *due <= now);
    awake_until_ = Clock::now() + options_.busy_poll;
    return true;
}

void Worker::turn(TimePoint now) {
    timers_.set_now(now);
    more_expected_ = 0;
    poller_.deliver();
    if (!sources_.empty()) take_events();
    run_mailbox();
    timers_.run(now);
    run_turn_end();
}

void Worker::turn_for_test(TimePoint now) {
    poller_.collect(TimePoint::min());
    turn(now);
}

void Worker::run_mailbox() {
    for (Task* task = mailbox_.take_all(); task;) {
        Task* next = task->next;  // the task may be gone, or posted again, when it has run
        task->run(*task);
        task = next;
        ++mail_count_;
    }
}

void Worker::run_turn_end() {
    while (Task* task = turn_end_first_) {
        turn_end_first_ = task->next;
        if (!turn_end_first_) turn_end_last_ = &turn_end_first_;
        task->run(*task);
    }
}

}  // namespace tgt::io
