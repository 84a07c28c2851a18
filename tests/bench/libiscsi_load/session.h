// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "tests/bench/libiscsi_load/initiator.h"
#include "tests/bench/measure.h"
#include "tests/bench/workload.h"

namespace tgt::bench {

// One session of libiscsi. Owns its initiator and the commands in flight. Logged in on the main
// thread, then used by the thread of its engine; logs out when it dies.
class LibiscsiSession {
  public:
    static Result<std::unique_ptr<LibiscsiSession>> open(const Options& options, unsigned index);
    ~LibiscsiSession();

    Geometry geometry() const { return geometry_; }
    // Queues I/Os until the depth is reached; what ends is told to `tally`.
    void fill_up(Workload& workload, Tally& tally);
    Result<void> service(short events) { return initiator_.service(events); }

    int fd() const { return initiator_.fd(); }
    short wanted_events() const { return initiator_.wanted_events(); }
    bool idle() const { return free_.size() == slots_.size(); }

  private:
    struct Slot {
        LibiscsiSession* session = nullptr;
        Io io;
        uint64_t started = 0;
        std::vector<uint8_t> data;
    };

    LibiscsiSession(const Options& options, unsigned index);

    Result<void> measure_medium();
    void start(Slot& slot);
    void finish(Slot& slot, int status, const scsi_task& task);
    static void ended(iscsi_context* context, int status, void* task, void* slot);

    const Options& options_;
    const unsigned index_;
    Initiator initiator_;
    Geometry geometry_;
    std::vector<Slot> slots_;
    std::vector<Slot*> free_;
    Tally* tally_ = nullptr;
};

}  // namespace tgt::bench
