// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tgt::bench {

// Latencies in nanoseconds, log-linear: exact below 128, above in 64 steps per power of two, so
// that a value read back is at most 1.6 % above the one recorded. Everything a uint64_t holds has a
// place. A plain value, no thread affinity.
class Histogram {
  public:
    void record(uint64_t value) {
        ++counts_[index_of(value)];
        ++total_;
        if (value > max_) max_ = value;
    }
    void merge(const Histogram& other);

    uint64_t total() const { return total_; }
    uint64_t max() const { return max_; }
    // The smallest value that at least `fraction` (0 to 1) of the recorded ones do not exceed,
    // rounded up to the end of its step; 0 when nothing was recorded.
    uint64_t percentile(double fraction) const;

  private:
    static constexpr unsigned step_bits = 6;
    static constexpr size_t steps = size_t{1} << step_bits;
    static constexpr size_t size = (64 - step_bits + 1) * steps;

    static constexpr size_t index_of(uint64_t value) {
        if (value < 2 * steps) return value;
        const unsigned shift = 63 - static_cast<unsigned>(__builtin_clzll(value)) - step_bits;
        return (shift << step_bits) + (value >> shift);
    }
    static uint64_t last_of(size_t index);

    std::array<uint64_t, size> counts_{};
    uint64_t total_ = 0;
    uint64_t max_ = 0;
};

}  // namespace tgt::bench
