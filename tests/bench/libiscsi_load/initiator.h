// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "tests/bench/options.h"

struct iscsi_context;
struct scsi_task;

namespace tgt::bench {

struct FreeTask {
    void operator()(scsi_task* task) const;
};
using TaskPointer = std::unique_ptr<scsi_task, FreeTask>;

// libiscsi's session with one logical unit. Owns the context, so what is in flight is cancelled
// when it dies or closes. One thread at a time.
class Initiator {
  public:
    // `index` tells the sessions of one program apart.
    Initiator(const Options& options, unsigned index);

    // Logs in and waits until the logical unit is ready.
    Result<void> log_in();
    // Says goodbye; only when nothing is in flight.
    void log_out();
    void close() { context_.reset(); }

    using Ended = void(iscsi_context*, int status, void* task, void* private_data);
    // Begins a command. `data` is what a write sends, or where a read puts what comes; it has to
    // live until `ended`, which gets the task for its own.
    Result<void> begin(std::span<const uint8_t> cdb, bool write, std::span<uint8_t> data,
                       Ended* ended, void* private_data);
    // The same, and waits for it; null when the connection is lost.
    TaskPointer run(std::span<const uint8_t> cdb, bool write = false, std::span<uint8_t> data = {});

    iscsi_context* context() const { return context_.get(); }
    int lun() const { return static_cast<int>(options_.lun); }
    std::string last_error() const;

    int fd() const;
    short wanted_events() const;
    Result<void> service(short events);

  private:
    struct Destroy {
        void operator()(iscsi_context* context) const;
    };

    Result<void> settle();

    const Options& options_;
    std::unique_ptr<iscsi_context, Destroy> context_;
    bool logged_in_ = false;
};

}  // namespace tgt::bench
