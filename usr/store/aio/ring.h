// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libaio.h>

#include <memory>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tgt::store::aio {

// The kernel's asynchronous I/O; tests put something in between. Results as libaio's: negative
// errno values. Any thread.
class System {
  public:
    virtual ~System() = default;
    virtual int setup(unsigned depth, io_context_t* context) const;
    virtual int destroy(io_context_t context) const;
    // How many of the first were taken, or why the first was not.
    virtual int submit(io_context_t context, std::span<iocb*> requests) const;
    // What has ended; does not wait.
    virtual int reap(io_context_t context, std::span<io_event> events) const;
};
const System& system();

// One io_context with room for `depth` requests in flight, and the eventfd that tells of their
// ends. Owns both. One thread at a time; it dies when nothing is in flight, and then waits for the
// kernel to let go of it, though not for a device.
class Ring {
  public:
    // Errors say what to do about the limit of the system.
    static Result<std::unique_ptr<Ring>> open(const System& system, unsigned depth);
    Ring(const Ring&) = delete;
    ~Ring();

    int event() const { return event_.get(); }
    int submit(std::span<iocb*> requests) { return system_.submit(context_, requests); }
    // What has ended since the last call, at most as many as there is room for: with room for the
    // depth, all of it.
    std::span<io_event> reap(std::span<io_event> room);

  private:
    Ring(const System& system, io_context_t context, UniqueFd event)
        : system_(system), context_(context), event_(std::move(event)) {}

    const System& system_;
    const io_context_t context_;
    const UniqueFd event_;
};

}  // namespace tgt::store::aio
