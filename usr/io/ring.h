// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <liburing.h>
#include <sys/uio.h>

#include <memory>
#include <optional>
#include <vector>

#include "base/mailbox.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "io/poller.h"

namespace tgt::io {

class Worker;

// Reads and writes by io_uring. What is given during a turn of the worker goes to the kernel in one
// call at its end; what has ended is delivered in one batch, by an event of the poller. It has no
// limit of its own: what the rings do not hold, the kernel keeps for us.
// Owns the kernel's ring, which knows one issuer: made, used, and all but destroyed on the worker's
// thread; dies with the worker. One that still has something in flight leaves the kernel's part
// behind.
class Ring final : private FdWatcher {
  public:
    struct Request {
        Task* task = nullptr;  // run when it has ended; result() is the outcome meanwhile
        enum class Kind : uint8_t { read, write } kind = Kind::read;
        int fd = -1;
        int flags = 0;  // RWF_*
        uint64_t offset = 0;
        // One piece of memory by value, or more than one, which stay where they are.
        iovec piece{};
        const iovec* pieces = nullptr;
        unsigned count = 1;
    };

    static Result<std::unique_ptr<Ring>> open(Worker& worker);
    // Whether this process may use io_uring; the error says why not. Any thread.
    static Result<void> probe();
    Ring(const Ring&) = delete;
    ~Ring();

    // The task runs later, never inside the call.
    void add(const Request& request);
    // True: the kernel has not seen it and never will; the task does not run.
    bool take_back(const Task& task);

    // Until let_go() the kernel keeps this file open, and beyond the end of the process while
    // something is in flight: a write that the kernel has begun is not undone by kill -9, and
    // whoever opens the file after us must not be faster than it. The ticket for let_go(), or
    // nothing when the kernel does not do it.
    std::optional<unsigned> hold(int fd);
    void let_go(unsigned ticket);

    // For a task that runs: bytes moved, or a negative errno value.
    int result() const { return result_; }
    // Given to the kernel and not ended.
    size_t in_flight() const { return in_flight_; }

  private:
    struct TurnEnd : Task {
        Ring* self = nullptr;
        bool waits = false;
    };
    Ring(Worker& worker, const io_uring& ring, UniqueFd event);
    void on_ready(uint32_t events) override;
    void arm();
    void submit();
    bool hand_over();
    bool set_held(unsigned ticket, int fd);
    void deliver();

    Worker& worker_;
    io_uring ring_;
    const UniqueFd event_;
    std::vector<Request> collected_;
    std::vector<bool> held_;  // by ticket; empty: the kernel has no table of ours
    TurnEnd turn_end_;
    bool asks_again_ = false;
    size_t in_flight_ = 0;
    int result_ = 0;
};

}  // namespace tgt::io
