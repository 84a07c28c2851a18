// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "store/store.h"

namespace tgt::store::fault {

// Ranges of bytes that differ from what a store below holds. Every piece remembers the generation
// that wrote it, so that what was written meanwhile survives when older pieces are dropped. Plain
// data, no I/O; one thread at a time.
class Overlay {
  public:
    enum class Kind : uint8_t { data, zero, discard };

    // Constant bytes, in memory that direct I/O accepts; shared with the slices that were taken.
    using Bytes = std::shared_ptr<const uint8_t>;

    // A part of what is held. Its bytes stay, whatever becomes of the overlay.
    struct Slice {
        uint64_t offset = 0;
        uint64_t length = 0;
        Kind kind = Kind::data;
        uint64_t generation = 0;
        Bytes bytes;  // data: `length` of them
    };

    // Takes a copy of `iov` (of op.length bytes) or the fact that the range is zero or discarded,
    // in place of what was held there. Returns its generation.
    uint64_t put(const Op& op, Kind kind);
    // Drops what was held of the range, up to and with a generation.
    void drop(uint64_t offset, uint64_t length, uint64_t newest = UINT64_MAX);
    // What is held of the range, in the order of offsets.
    std::vector<Slice> find(uint64_t offset, uint64_t length) const;
    std::vector<Slice> all() const { return find(0, UINT64_MAX); }

    bool empty() const { return pieces_.empty(); }
    uint64_t generation() const { return generation_; }
    size_t pieces() const { return pieces_.size(); }
    // In the lengths of the ranges, data or not.
    uint64_t bytes() const { return bytes_; }
    // What it takes, with what a piece takes beside its bytes.
    uint64_t memory() const { return data_bytes_ + pieces_.size() * piece_overhead; }
    // What put() would add at most.
    static uint64_t memory_for(const Op& op, Kind kind);

  private:
    static constexpr uint64_t piece_overhead = 192;
    // Data is cut at multiples of this, so that little is copied when a piece is overwritten in
    // part.
    static constexpr uint64_t piece_bytes = 65536;

    struct Piece {
        uint64_t length = 0;
        Kind kind = Kind::data;
        uint64_t generation = 0;
        Bytes bytes;
    };
    using Map = std::map<uint64_t, Piece>;

    void put_data(const Op& op);
    void insert(uint64_t offset, Piece piece);
    Map::iterator erase(Map::iterator it);
    void keep_part(uint64_t offset, const Piece& piece, uint64_t from, uint64_t to);
    // The first piece that reaches behind `offset`.
    template <class Pieces>
    static auto first_behind(Pieces& pieces, uint64_t offset);

    Map pieces_;  // by offset; they do not overlap
    uint64_t generation_ = 0;
    uint64_t bytes_ = 0;
    uint64_t data_bytes_ = 0;
};

// Of slices that were found for the operation's range: whether they are all of it.
bool covers(const std::vector<Overlay::Slice>& slices, const Op& op);
// Copies them into the operation's memory; the rest of that stays.
void copy_to_memory(const std::vector<Overlay::Slice>& slices, const Op& op);

}  // namespace tgt::store::fault
