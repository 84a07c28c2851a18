// SPDX-License-Identifier: GPL-2.0-or-later
// Which I/O comes next, and what the medium has to hold.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "tests/bench/options.h"

namespace tgt::bench {

// One I/O, in blocks of the logical unit.
struct Io {
    uint64_t lba = 0;
    uint32_t blocks = 0;
    bool write = false;
};

struct Geometry {
    uint64_t blocks = 0;
    uint32_t block_size = 512;
};

// The I/Os of one session: random ones over the whole range, sequential ones over the session's
// share of it, from its beginning again at the end. The same options give the same I/Os. Belongs to
// the session, on its thread.
class Workload {
  public:
    // `index` of `options.sessions`. A range smaller than one I/O per session leaves nothing to do.
    Workload(const Options& options, const Geometry& geometry, unsigned index);
    // One write everywhere in the range.
    static Workload filling(Options options, const Geometry& geometry);

    bool usable() const { return slots_ > 0; }
    uint64_t slots() const { return slots_; }
    // How many more there are: endlessly many unless limited.
    void limit(uint64_t count) { left_ = count; }
    bool more() const { return left_ > 0; }
    Io next();

  private:
    uint64_t random();

    uint64_t first_ = 0;  // in I/Os
    uint64_t slots_ = 0;
    uint64_t position_ = 0;
    uint64_t left_ = std::numeric_limits<uint64_t>::max();
    uint64_t state_;
    uint32_t blocks_;
    unsigned read_percent_;
    bool sequential_;
};

// What `seed` makes of a medium: each 8 bytes depend on the seed, the block and the place in it.
void fill_pattern(std::span<uint8_t> bytes, uint64_t lba, uint32_t block_size, uint64_t seed);
// Whether `bytes`, which lie `offset` bytes behind the beginning of `lba`, are that; any piece of
// any length.
bool matches_pattern(std::span<const uint8_t> bytes, uint64_t lba, uint64_t offset,
                     uint32_t block_size, uint64_t seed);

// READ(16) or WRITE(16) (SBC-3 5.16, 5.42).
std::array<uint8_t, 16> transfer_cdb(const Io& io);

}  // namespace tgt::bench
