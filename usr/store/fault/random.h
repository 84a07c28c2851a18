// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace tgt::store::fault {

// The mixing step of splitmix64: every bit of the result depends on every bit of `value`.
constexpr uint64_t mixed(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

// Pseudo-random numbers that are the same for a seed on every machine and with every library.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15u); }
    // True in about `probability` (0 to 1) of the calls.
    bool chance(double probability) { return double(next() >> 11) * 0x1p-53 < probability; }
    uint64_t below(uint64_t bound) { return next() % bound; }

  private:
    uint64_t state_;
};

// A seed that nobody can foretell.
uint64_t any_seed();

}  // namespace tgt::store::fault
