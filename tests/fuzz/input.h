// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tgt::test {

// What a fuzzer was given, read from the front. At its end bytes are 0. Does not own them.
class Input {
  public:
    Input(const uint8_t* data, size_t size) : rest_(data, size) {}
    bool empty() const { return rest_.empty(); }
    uint8_t byte() {
        uint8_t value = 0;
        copy(&value, 1);
        return value;
    }
    // Up to `count` bytes; the rest of `to` stays as it is.
    void copy(uint8_t* to, size_t count) {
        count = std::min(count, rest_.size());
        std::copy_n(rest_.begin(), count, to);
        rest_ = rest_.subspan(count);
    }
    // `count` bytes, zeros at the end of the input.
    std::vector<uint8_t> bytes(size_t count) {
        std::vector<uint8_t> taken(count);
        copy(taken.data(), count);
        return taken;
    }
    // Up to `count` bytes.
    std::vector<uint8_t> take(size_t count) { return bytes(std::min(count, rest_.size())); }

  private:
    std::span<const uint8_t> rest_;
};

}  // namespace tgt::test
