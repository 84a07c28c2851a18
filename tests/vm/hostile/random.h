// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace tgt::hostile {

// splitmix64: the same numbers on every machine for one seed. One per thread.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    // 0 to bound - 1; `bound` is not 0
    uint64_t below(uint64_t bound) { return next() % bound; }
    uint32_t word() { return static_cast<uint32_t>(next()); }
    bool one_in(uint64_t n) { return below(n) == 0; }

    // A number that programs tend to get wrong, or near `hint`.
    uint64_t awkward(uint64_t hint) {
        static constexpr uint64_t kEdges[] = {0,          1,          2,          0x7f,
                                              0xff,       0x7fff,     0xffff,     0x7fffffff,
                                              0x80000000, 0xfffffffe, 0xffffffff, 0x100000000,
                                              1ull << 63, ~0ull - 1,  ~0ull};
        switch (below(5)) {
            case 0:
                return kEdges[below(sizeof(kEdges) / sizeof(kEdges[0]))];
            case 1:
                return hint + below(5) - 2;
            case 2:
                return hint ^ (1ull << below(64));
            case 3:
                return below(1u << 16);
            default:
                return next();
        }
    }

  private:
    uint64_t state_;
};

}  // namespace tgt::hostile
