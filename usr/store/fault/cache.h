// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "store/fault/overlay.h"
#include "store/store.h"

namespace tgt::store::fault {

// A disk's volatile write cache over another store: what was written, zeroed or discarded and not
// flushed is in memory only, and can be lost. Reads see it. A write with dsync goes through, and
// what was held of its range is dropped. At the limit all is written back, as a disk may do at any
// time. The inner store outlives it.
//
// Any thread; all but active(), extent_at() and stats() block like Store::perform(). One thread at
// a time writes to the inner store (`writing_`, taken before `mutex_`), so that nothing old lands
// on something newer; `mutex_` guards the memory and is never held during I/O.
class VolatileCache {
  public:
    // `block`: bytes that a power loss keeps or loses as a whole.
    VolatileCache(Store& inner, uint32_t block, uint64_t limit)
        : inner_(inner), block_(block), limit_(limit) {}

    static constexpr uint64_t default_limit = uint64_t(64) << 20;
    static constexpr uint64_t lowest_limit = uint64_t(64) << 10;
    static constexpr uint64_t highest_limit = uint64_t(1) << 40;

    // False: the cache is off and empty, and operations need not come here.
    bool active() const { return active_.load(std::memory_order_acquire); }
    int perform(Op& op);

    void turn_on();
    // Flushes first. When that fails it stays on.
    int turn_off();
    void set_limit(uint64_t bytes);

    struct Lost {
        uint64_t bytes = 0;  // of ranges that are as they were when last flushed
        int error = 0;       // of writing what was to be kept; then nothing is lost
    };
    // Power loss. With a seed, about one half of the blocks is written to the inner store first:
    // disks write back in any order.
    Lost lose(std::optional<uint64_t> seed);

    // Shortens or replaces what the inner store says of the run at `offset`.
    Result<Extent> extent(uint64_t offset);

    struct Stats {
        bool on = false;
        uint64_t limit = 0;      // bytes of memory
        uint64_t memory = 0;     // bytes in use
        uint64_t unflushed = 0;  // bytes that a power loss would take
    };
    Stats stats() const;

  private:
    int read(Op& op);
    int change(Op& op);
    int flush(Op& op);
    int pass(Op& op) { return inner_.perform(op); }
    int through(Op& op);
    bool supported(const Op& op) const;
    bool hold(const Op& op);
    // With writing_ held: brings everything to the inner store, and drops it here.
    int write_back(Op* flush);
    int write_slice(const Overlay::Slice& slice, uint64_t from, uint64_t length);
    int keep_some(const std::vector<Overlay::Slice>& slices, uint64_t seed, uint64_t& lost);

    Store& inner_;
    const uint32_t block_;
    std::atomic<bool> active_{false};
    std::mutex writing_;
    mutable std::mutex mutex_;
    bool on_ = false;
    uint64_t limit_;
    Overlay overlay_;
};

}  // namespace tgt::store::fault
