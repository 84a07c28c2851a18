// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace tgt::io {

class BufferPool;

// Memory of one command: up to max_segments pieces, each aligned to 4 KiB, in the order of the
// data. Owns the pieces and gives them back to its pool when it dies. Movable. A buffer is released
// on the worker that owns the pool; its bytes may be used by another thread meanwhile.
class Buffer {
  public:
    static constexpr size_t max_segments = 16;
    static constexpr size_t max_bytes = max_segments << 20;

    Buffer() = default;
    Buffer(Buffer&& other) noexcept { *this = std::move(other); }
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer() { release(); }
    void release();

    // Usable bytes: what was asked for, not what was reserved.
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    // The pieces; their lengths add up to size().
    std::span<const iovec> segments() const { return {segments_.data(), count_}; }
    // True when the bytes are one piece (always so up to 1 MiB).
    bool contiguous() const { return count_ <= 1; }
    uint8_t* data() const {
        return count_ ? static_cast<uint8_t*>(segments_[0].iov_base) : nullptr;
    }

    // Writes the pieces covering [offset, offset+length) to `out`; returns how many, at most
    // max_segments. The range must lie inside size().
    size_t slice(size_t offset, size_t length, iovec* out) const;
    // Copies between the buffer at `offset` and flat memory; clamped to size(); returns the bytes
    // copied.
    size_t copy_in(size_t offset, std::span<const uint8_t> from);
    size_t copy_out(size_t offset, std::span<uint8_t> to) const;
    void fill_zero(size_t offset, size_t length);
    // Keeps the first `bytes`; pieces behind them go back to the pool. On the pool's worker.
    void shrink(size_t bytes);

  private:
    friend class BufferPool;
    std::array<iovec, max_segments> segments_;
    std::array<uint8_t, max_segments> classes_;  // size class each piece came from
    size_t count_ = 0;
    size_t size_ = 0;
    BufferPool* pool_ = nullptr;
};

// Where a command's buffers come from when that is not the pool of its worker: its transport has
// memory of its own. The worker's thread.
class BufferSource {
  public:
    // As BufferPool::take().
    virtual Buffer take(size_t bytes) = 0;

  protected:
    ~BufferSource() = default;
};

// Pieces of 4 KiB, 16 KiB, 64 KiB, 256 KiB and 1 MiB, cut from 2 MiB aligned arenas, recycled by
// size class. At the limit, a larger piece or an arena that is wholly free is used instead of a
// new arena. Belongs to one worker. Memory goes back to the system only when the pool dies.
class BufferPool {
  public:
    explicit BufferPool(size_t limit_bytes = size_t(1) << 30) : limit_(limit_bytes) {}
    // Cut from this memory, which begins on a page, outlives the pool and is never given back. What
    // is left at its end below 2 MiB is not used.
    explicit BufferPool(std::span<uint8_t> area);
    BufferPool(const BufferPool&) = delete;
    ~BufferPool();

    // An empty Buffer (size() == 0 though bytes > 0) means that memory or the limit is exhausted:
    // the command ends with BUSY or TASK SET FULL. bytes <= Buffer::max_bytes. Contents are what
    // they were before: a caller that sends bytes which it did not write must zero them first.
    Buffer take(size_t bytes);
    size_t limit() const { return limit_; }
    size_t bytes_in_use() const { return in_use_; }
    size_t bytes_reserved() const { return arenas_.size() * arena_bytes; }

  private:
    friend class Buffer;
    static constexpr size_t arena_bytes = size_t(2) << 20;
    uintptr_t offset_in_arena(const void* piece) const;
    static constexpr std::array<size_t, 5> class_bytes = {4096, 16384, 65536, 262144, 1048576};
    void* take_piece(size_t size_class);
    void give_piece(void* piece, size_t size_class);
    bool add_arena(size_t size_class);
    bool recut_arena(size_t size_class, bool larger_only);
    void cut(void* arena, size_t size_class);
    size_t class_with_piece(size_t size_class);

    size_t limit_;
    uint8_t* const area_ = nullptr;  // null: arenas are the system's
    size_t in_use_ = 0;
    std::array<std::vector<void*>, class_bytes.size()> free_;
    std::vector<void*> arenas_;
};

}  // namespace tgt::io
