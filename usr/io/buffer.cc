// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <unordered_map>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace tgt::io {

namespace {

// Fresh pages from the kernel, hence zero: never what another part of the daemon has freed.
void* map_aligned(size_t bytes) {
    void* mapped =
        mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    auto* start = static_cast<uint8_t*>(mapped);
    size_t before = (bytes - reinterpret_cast<uintptr_t>(start) % bytes) % bytes;
    if (before) munmap(start, before);
    munmap(start + before + bytes, bytes - before);
    return start + before;
}

}  // namespace

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    std::copy_n(other.segments_.begin(), other.count_, segments_.begin());
    std::copy_n(other.classes_.begin(), other.count_, classes_.begin());
    count_ = std::exchange(other.count_, 0);
    size_ = std::exchange(other.size_, 0);
    pool_ = std::exchange(other.pool_, nullptr);
    return *this;
}

void Buffer::release() {
    for (size_t i = 0; i < count_; ++i) pool_->give_piece(segments_[i].iov_base, classes_[i]);
    count_ = 0;
    size_ = 0;
    pool_ = nullptr;
}

void Buffer::shrink(size_t bytes) {
    if (bytes >= size_) return;
    size_ = bytes;
    size_t kept = 0;
    for (; bytes > 0; bytes -= segments_[kept++].iov_len)
        segments_[kept].iov_len = std::min(segments_[kept].iov_len, bytes);
    for (size_t i = kept; i < count_; ++i) pool_->give_piece(segments_[i].iov_base, classes_[i]);
    count_ = kept;
    if (count_ == 0) pool_ = nullptr;
}

size_t Buffer::slice(size_t offset, size_t length, iovec* out) const {
    assert(offset <= size_ && length <= size_ - offset);
    size_t used = 0;
    for (size_t i = 0; i < count_ && length > 0; ++i) {
        const iovec& segment = segments_[i];
        if (offset >= segment.iov_len) {
            offset -= segment.iov_len;
            continue;
        }
        size_t piece = std::min(length, segment.iov_len - offset);
        out[used++] = {static_cast<uint8_t*>(segment.iov_base) + offset, piece};
        length -= piece;
        offset = 0;
    }
    return used;
}

size_t Buffer::copy_in(size_t offset, std::span<const uint8_t> from) {
    if (offset >= size_) return 0;
    std::array<iovec, max_segments> pieces;
    size_t count = slice(offset, std::min(from.size(), size_ - offset), pieces.data());
    size_t done = 0;
    for (size_t i = 0; i < count; done += pieces[i++].iov_len)
        memcpy(pieces[i].iov_base, from.data() + done, pieces[i].iov_len);
    return done;
}

size_t Buffer::copy_out(size_t offset, std::span<uint8_t> to) const {
    if (offset >= size_) return 0;
    std::array<iovec, max_segments> pieces;
    size_t count = slice(offset, std::min(to.size(), size_ - offset), pieces.data());
    size_t done = 0;
    for (size_t i = 0; i < count; done += pieces[i++].iov_len)
        memcpy(to.data() + done, pieces[i].iov_base, pieces[i].iov_len);
    return done;
}

void Buffer::fill_zero(size_t offset, size_t length) {
    if (offset >= size_) return;
    std::array<iovec, max_segments> pieces;
    size_t count = slice(offset, std::min(length, size_ - offset), pieces.data());
    for (size_t i = 0; i < count; ++i) memset(pieces[i].iov_base, 0, pieces[i].iov_len);
}

// Memory that somebody still uses (a write stuck in the kernel at exit) is left behind rather than
// unmapped.
BufferPool::~BufferPool() {
    if (in_use_ != 0) return;
    for (void* arena : arenas_) {
        ASAN_UNPOISON_MEMORY_REGION(arena, arena_bytes);
        if (!area_) munmap(arena, arena_bytes);
    }
}

BufferPool::BufferPool(std::span<uint8_t> area)
    : limit_(area.size() / arena_bytes * arena_bytes), area_(area.data()) {}

Buffer BufferPool::take(size_t bytes) {
    Buffer buffer;
    if (bytes > Buffer::max_bytes) return buffer;
    buffer.pool_ = this;
    for (size_t left = bytes; left > 0;) {
        size_t length = std::min(left, class_bytes.back());
        size_t wanted = 0;
        while (class_bytes[wanted] < length) ++wanted;
        size_t size_class = class_with_piece(wanted);
        if (size_class == class_bytes.size()) {
            buffer.release();
            return buffer;
        }
        void* piece = take_piece(size_class);
        ASAN_UNPOISON_MEMORY_REGION(piece, length);
        buffer.segments_[buffer.count_] = {piece, length};
        buffer.classes_[buffer.count_++] = uint8_t(size_class);
        left -= length;
    }
    buffer.size_ = bytes;
    return buffer;
}

// A class, `size_class` if possible, that has a free piece; class_bytes.size() when memory is
// exhausted. An area is small: its large pieces are not for small commands as long as one can be
// cut.
size_t BufferPool::class_with_piece(size_t size_class) {
    if (!free_[size_class].empty() || add_arena(size_class)) return size_class;
    if (area_ && recut_arena(size_class, true)) return size_class;
    for (size_t larger = size_class + 1; larger < class_bytes.size(); ++larger)
        if (!free_[larger].empty()) return larger;
    return recut_arena(size_class, false) ? size_class : class_bytes.size();
}

void* BufferPool::take_piece(size_t size_class) {
    void* piece = free_[size_class].back();
    free_[size_class].pop_back();
    in_use_ += class_bytes[size_class];
    return piece;
}

void BufferPool::give_piece(void* piece, size_t size_class) {
    ASAN_POISON_MEMORY_REGION(piece, class_bytes[size_class]);
    in_use_ -= class_bytes[size_class];
    free_[size_class].push_back(piece);
}

bool BufferPool::add_arena(size_t size_class) {
    if (bytes_reserved() + arena_bytes > limit_) return false;
    void* arena = area_ ? area_ + bytes_reserved() : map_aligned(arena_bytes);
    if (!arena) return false;
    ASAN_POISON_MEMORY_REGION(arena, arena_bytes);
    arenas_.push_back(arena);
    cut(arena, size_class);
    return true;
}

void BufferPool::cut(void* arena, size_t size_class) {
    for (size_t end = arena_bytes; end > 0; end -= class_bytes[size_class])
        free_[size_class].push_back(static_cast<uint8_t*>(arena) + end - class_bytes[size_class]);
}

uintptr_t BufferPool::offset_in_arena(const void* piece) const {
    return (reinterpret_cast<uintptr_t>(piece) - reinterpret_cast<uintptr_t>(area_)) % arena_bytes;
}

// At the limit: finds an arena of pieces of another size, all of them free, and cuts it anew.
bool BufferPool::recut_arena(size_t size_class, bool larger_only) {
    auto arena_of = [this](void* piece) {
        return static_cast<void*>(static_cast<uint8_t*>(piece) - offset_in_arena(piece));
    };
    for (size_t from = class_bytes.size(); from-- > 0;) {
        if (from == size_class || (larger_only && from < size_class)) continue;
        size_t pieces_per_arena = arena_bytes / class_bytes[from];
        if (free_[from].size() < pieces_per_arena) continue;
        std::unordered_map<void*, size_t> free_pieces;
        void* whole = nullptr;
        for (void* piece : free_[from])
            if (++free_pieces[arena_of(piece)] == pieces_per_arena) whole = arena_of(piece);
        if (!whole) continue;
        std::erase_if(free_[from], [&](void* piece) { return arena_of(piece) == whole; });
        cut(whole, size_class);
        return true;
    }
    return false;
}

}  // namespace tgt::io
