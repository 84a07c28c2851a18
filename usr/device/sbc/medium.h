// SPDX-License-Identifier: GPL-2.0-or-later
// What the handlers of a disk share: CDB flag bits and access to the medium.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "scsi/command.h"

namespace tgt::sbc {

using scsi::Command;
using scsi::Outcome;
using scsi::Status;

// Jobs work in pieces of this size, so that memory is bounded and an abort is seen soon.
constexpr size_t piece_bytes = size_t(1) << 20;
// Ranges that the store zeroes or discards without moving data.
constexpr uint64_t range_piece_bytes = uint64_t(64) << 20;

// Byte 1 of READ and WRITE (SBC-3 5.11); six-byte CDBs have LBA bits there.
bool wants_forget(const Command& command);  // DPO
// FUA, FUA_NV (there is no non-volatile cache to tell apart), or no write cache at all.
bool wants_dsync(const Command& command);

// An earlier flush failed: what has to be on the medium cannot be promised any more.
std::optional<Outcome> flush_failure(const Command& command);

inline uint32_t block_size(const Command& command) {
    return command.state().geometry.block_size;
}
inline uint64_t first_byte(const Command& command) {
    return command.extents.lba * block_size(command);
}

// Memory for one piece of a job, aligned for direct I/O.
class Scratch {
  public:
    explicit Scratch(size_t bytes)
        : bytes_((bytes + 4095) & ~size_t(4095)),
          memory_(static_cast<uint8_t*>(std::aligned_alloc(4096, bytes_))) {}
    bool valid() const { return memory_ != nullptr; }
    std::span<uint8_t> first(size_t bytes) const { return {memory_.get(), bytes}; }

  private:
    struct Free {
        void operator()(uint8_t* memory) const { std::free(memory); }
    };
    size_t bytes_;
    std::unique_ptr<uint8_t, Free> memory_;
};

// The medium as a blocking job sees it: synchronous, by byte offset. Lives on the job's stack, on
// its pool thread.
class Medium {
  public:
    explicit Medium(const Command& command)
        : command_(command), store_(command.store()), dsync_(wants_dsync(command)) {}

    Outcome read(uint64_t offset, std::span<uint8_t> to) const;
    Outcome write(uint64_t offset, std::span<const uint8_t> from) const;
    // discard or write_zeroes, in pieces.
    Outcome change_range(store::OpKind kind, uint64_t offset, uint64_t length) const;
    void forget(uint64_t offset, uint64_t length) const;
    Outcome flush() const;
    // For what has no FUA bit: on the medium before GOOD when there is no write cache.
    Outcome flush_unless_cached() const;
    const store::Features& features() const { return store_.info().features; }

  private:
    Outcome perform(store::Op& op, scsi::Access access) const;

    const Command& command_;
    store::Store& store_;
    const bool dsync_;
};

// Calls `step(done, bytes)` for consecutive pieces of [0, length) until one is not good or the
// command is aborted.
template <class Fn>
Outcome in_pieces(const Command& command, uint64_t length, uint64_t piece, Fn&& step) {
    for (uint64_t done = 0; done < length;) {
        if (command.aborted()) return Status::task_aborted;
        uint64_t bytes = std::min(piece, length - done);
        Outcome outcome = step(done, bytes);
        if (!outcome.good()) return outcome;
        done += bytes;
    }
    return {};
}

// E/1Dh/00h with the offset of the first difference, or GOOD. `offset` is that of the spans in the
// data.
Outcome compare(std::span<const uint8_t> a, std::span<const uint8_t> b, uint64_t offset);

}  // namespace tgt::sbc
