// SPDX-License-Identifier: GPL-2.0-or-later
// The data of the echo's answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tgt::bench {

// Where reads get their bytes from: a file, through the page cache, or, without one, a buffer that
// the caches of the CPU hold. One thread.
class Source {
  public:
    static constexpr uint32_t length_limit = (16u << 20) - 4;

    // No path: the buffer.
    static Result<Source> open(const std::string& path);

    bool is_file() const { return bool(file_); }
    std::span<const uint8_t> buffer(uint32_t length) const { return {buffer_.data(), length}; }
    // Fills `into` from there; behind its end the file begins again. Waits for the device only if
    // the page cache has it not. False: the file is too small, or cannot be read.
    bool read(uint64_t offset, std::span<uint8_t> into) const;

  private:
    UniqueFd file_;
    uint64_t size_ = 0;
    std::vector<uint8_t> buffer_;
};

// Memory for the answers that one connection has not sent. It begins on pages, where the kernel
// copies to at less cost.
class AnswerMemory {
  public:
    std::span<uint8_t> take(uint32_t length);
    void all_sent();

  private:
    struct alignas(4096) Page {
        uint8_t bytes[4096];
    };
    using Piece = std::vector<Page>;

    std::vector<Piece> free_;
    std::vector<Piece> used_;
};

}  // namespace tgt::bench
