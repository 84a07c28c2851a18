// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "tests/bench/measure.h"
#include "tests/bench/workload.h"

struct iscsi_context;
struct scsi_task;

namespace tgt::bench {

// One session of libiscsi. Owns its context and the commands in flight. Logged in on the main
// thread, then used by the thread of its engine; logs out when it dies.
class LibiscsiSession {
  public:
    static Result<std::unique_ptr<LibiscsiSession>> open(const Options& options, unsigned index);
    ~LibiscsiSession();

    Geometry geometry() const { return geometry_; }
    // Queues I/Os until the depth is reached; what ends is told to `tally`.
    void fill_up(Workload& workload, Tally& tally);
    Result<void> service(short events);

    int fd() const;
    short wanted_events() const;
    bool idle() const { return free_.size() == slots_.size(); }

  private:
    struct Slot {
        LibiscsiSession* session = nullptr;
        Io io;
        uint64_t started = 0;
        std::vector<uint8_t> data;
    };
    struct Destroy {
        void operator()(iscsi_context* context) const;
    };

    LibiscsiSession(const Options& options, unsigned index);

    Result<void> log_in();
    Result<void> settle();
    Result<void> measure_medium();
    void start(Slot& slot);
    void finish(Slot& slot, int status, const scsi_task& task);
    std::string last_error() const;
    static void ended(iscsi_context* context, int status, void* task, void* slot);

    const Options& options_;
    const unsigned index_;
    std::unique_ptr<iscsi_context, Destroy> context_;
    Geometry geometry_;
    std::vector<Slot> slots_;
    std::vector<Slot*> free_;
    Tally* tally_ = nullptr;
    bool logged_in_ = false;
};

}  // namespace tgt::bench
