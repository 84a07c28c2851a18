// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tests/bench/libiscsi_load/initiator.h"
#include "tests/bench/measure.h"

namespace tgt::bench {

// A tape drive as software uses it: blocks of variable length one after the other, some commands
// in flight. Belongs to the main thread; logs out when it dies.
class TapeStream {
  public:
    explicit TapeStream(const Options& options);
    ~TapeStream();

    // Logs in, asks for blocks of variable length, and turns compression off where there is any.
    Result<void> open();
    Result<void> rewind();
    Result<void> write_filemark();
    // A READ finds a filemark here.
    Result<void> expect_filemark();
    // So many blocks from where the tape is.
    Result<void> transfer(bool write, uint64_t blocks, Tally& tally);

  private:
    struct Slot {
        TapeStream* stream = nullptr;
        uint64_t number = 0;  // of the block
        uint64_t started = 0;
        std::vector<uint8_t> data;
    };

    Result<void> configure();
    Result<void> command(std::string_view what, std::span<const uint8_t> cdb, bool write = false,
                         std::span<uint8_t> data = {});
    Result<void> fill_up(uint64_t blocks);
    void finish(Slot& slot, int status, const scsi_task& task);
    void check(const Slot& slot, int status, const scsi_task& task);
    static void ended(iscsi_context* context, int status, void* task, void* slot);

    const Options& options_;
    Initiator initiator_;
    std::vector<Slot> slots_;
    std::vector<Slot*> free_;
    Tally* tally_ = nullptr;
    uint64_t next_ = 0;  // block
    bool write_ = false;
};

}  // namespace tgt::bench
