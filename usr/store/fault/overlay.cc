// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/overlay.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tgt::store::fault {

namespace {

constexpr size_t memory_alignment = 4096;

std::shared_ptr<uint8_t> make_bytes(uint64_t size) {
    auto* memory = static_cast<uint8_t*>(
        std::aligned_alloc(memory_alignment, (size + memory_alignment - 1) & -memory_alignment));
    if (!memory) throw std::bad_alloc();
    return {memory, std::free};
}

uint64_t end_of(uint64_t offset, uint64_t length) {
    return length > UINT64_MAX - offset ? UINT64_MAX : offset + length;
}

// Calls `each(memory, done, bytes)` for the pieces of the operation's memory that hold its bytes
// from `from` on.
template <class Each>
void walk_memory(const Op& op, uint64_t from, uint64_t length, Each&& each) {
    uint64_t done = 0;
    for (unsigned i = 0; i < op.iov_count && done < length; ++i) {
        const iovec& piece = op.iov[i];
        if (from >= piece.iov_len) {
            from -= piece.iov_len;
            continue;
        }
        uint64_t bytes = std::min<uint64_t>(piece.iov_len - from, length - done);
        each(static_cast<uint8_t*>(piece.iov_base) + from, done, bytes);
        done += bytes;
        from = 0;
    }
}

void copy_slice(const Overlay::Slice& slice, const Op& op) {
    walk_memory(op, slice.offset - op.offset, slice.length,
                [&](uint8_t* memory, uint64_t done, uint64_t bytes) {
                    if (slice.kind == Overlay::Kind::data)
                        memcpy(memory, slice.bytes.get() + done, bytes);
                    else
                        memset(memory, 0, bytes);
                });
}

}  // namespace

template <class Pieces>
auto Overlay::first_behind(Pieces& pieces, uint64_t offset) {
    auto it = pieces.upper_bound(offset);
    if (it == pieces.begin()) return it;
    auto before = std::prev(it);
    return end_of(before->first, before->second.length) > offset ? before : it;
}

uint64_t Overlay::memory_for(const Op& op, Kind kind) {
    // A piece that is cut at both ends, and one that is cut in two.
    constexpr uint64_t most_cuts = 3;
    if (kind != Kind::data) return most_cuts * piece_overhead;
    return op.length + (op.length / piece_bytes + most_cuts) * piece_overhead;
}

uint64_t Overlay::put(const Op& op, Kind kind) {
    ++generation_;
    drop(op.offset, op.length);
    if (kind == Kind::data)
        put_data(op);
    else if (op.length > 0)
        insert(op.offset, {.length = op.length, .kind = kind, .generation = generation_, .bytes{}});
    return generation_;
}

void Overlay::put_data(const Op& op) {
    for (uint64_t done = 0; done < op.length;) {
        uint64_t offset = op.offset + done;
        uint64_t length = std::min(piece_bytes - offset % piece_bytes, op.length - done);
        auto bytes = make_bytes(length);
        walk_memory(op, done, length, [&](const uint8_t* memory, uint64_t at, uint64_t count) {
            memcpy(bytes.get() + at, memory, count);
        });
        insert(offset, {.length = length, .generation = generation_, .bytes = std::move(bytes)});
        done += length;
    }
}

void Overlay::insert(uint64_t offset, Piece piece) {
    bytes_ += piece.length;
    if (piece.kind == Kind::data) data_bytes_ += piece.length;
    pieces_.emplace(offset, std::move(piece));
}

Overlay::Map::iterator Overlay::erase(Map::iterator it) {
    bytes_ -= it->second.length;
    if (it->second.kind == Kind::data) data_bytes_ -= it->second.length;
    return pieces_.erase(it);
}

// A copy, so that a small rest does not keep the memory of the whole.
void Overlay::keep_part(uint64_t offset, const Piece& piece, uint64_t from, uint64_t to) {
    if (from >= to) return;
    Piece part{
        .length = to - from, .kind = piece.kind, .generation = piece.generation, .bytes = nullptr};
    if (piece.kind == Kind::data) {
        auto bytes = make_bytes(part.length);
        memcpy(bytes.get(), piece.bytes.get() + (from - offset), part.length);
        part.bytes = std::move(bytes);
    }
    insert(from, std::move(part));
}

void Overlay::drop(uint64_t offset, uint64_t length, uint64_t newest) {
    uint64_t end = end_of(offset, length);
    for (auto it = first_behind(pieces_, offset); it != pieces_.end() && it->first < end;) {
        if (it->second.generation > newest) {
            ++it;
            continue;
        }
        uint64_t first = it->first;
        Piece piece = it->second;
        erase(it);
        keep_part(first, piece, first, std::max(first, offset));
        keep_part(first, piece, std::min(end, first + piece.length), first + piece.length);
        it = pieces_.lower_bound(std::min(end, first + piece.length));
    }
}

std::vector<Overlay::Slice> Overlay::find(uint64_t offset, uint64_t length) const {
    std::vector<Slice> slices;
    uint64_t end = end_of(offset, length);
    for (auto it = first_behind(pieces_, offset); it != pieces_.end() && it->first < end; ++it) {
        const Piece& piece = it->second;
        uint64_t from = std::max(it->first, offset);
        uint64_t to = std::min(it->first + piece.length, end);
        Slice slice{.offset = from,
                    .length = to - from,
                    .kind = piece.kind,
                    .generation = piece.generation,
                    .bytes = nullptr};
        // Shares the piece's memory from its own place on.
        if (piece.kind == Kind::data)
            slice.bytes = Bytes(piece.bytes, piece.bytes.get() + (from - it->first));
        slices.push_back(std::move(slice));
    }
    return slices;
}

bool covers(const std::vector<Overlay::Slice>& slices, const Op& op) {
    uint64_t held = 0;
    for (const Overlay::Slice& slice : slices) held += slice.length;
    return held == op.length;
}

void copy_to_memory(const std::vector<Overlay::Slice>& slices, const Op& op) {
    for (const Overlay::Slice& slice : slices) copy_slice(slice, op);
}

}  // namespace tgt::store::fault
