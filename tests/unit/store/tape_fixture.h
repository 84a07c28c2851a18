// SPDX-License-Identifier: GPL-2.0-or-later
// A disk that loses its power, the reference tape, and what the tests of tape images do with both.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "store/ssc/file.h"
#include "store/tape.h"

namespace tgt::store::test {

using Bytes = std::vector<uint8_t>;

// A file as programs see it, as the medium has it, and what lies between.
struct Disk {
    struct Change {
        bool cut = false;
        uint64_t offset = 0;  // cut: the size
        Bytes data = {};
    };
    Bytes now;
    Bytes durable;
    std::vector<Change> pending;
    uint64_t limit = UINT64_MAX;  // bytes; beyond is ENOSPC
    bool holes = true;            // can be punched
    int sync_error = 0;           // of the next sync
    unsigned syncs = 0;
    unsigned reads = 0;

    static void apply(const Change& change, Bytes& to) {
        if (change.cut) {
            if (to.size() > change.offset) to.resize(change.offset);
            return;
        }
        if (change.data.empty()) return;
        if (to.size() < change.offset + change.data.size())
            to.resize(change.offset + change.data.size());
        std::copy(change.data.begin(), change.data.end(), to.begin() + ptrdiff_t(change.offset));
    }
    void change(Change one) {
        apply(one, now);
        pending.push_back(std::move(one));
    }
};

class DiskFile final : public ssc::ImageFile {
  public:
    explicit DiskFile(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}
    int read(uint64_t offset, std::span<const iovec> out, uint64_t& got) override {
        got = 0;
        ++disk_->reads;
        for (const iovec& piece : out) {
            if (offset + got >= disk_->now.size()) break;
            const uint64_t bytes =
                std::min<uint64_t>(piece.iov_len, disk_->now.size() - offset - got);
            if (bytes > 0) memcpy(piece.iov_base, disk_->now.data() + offset + got, bytes);
            got += bytes;
        }
        return 0;
    }
    int write(uint64_t offset, std::span<const iovec> data) override {
        Disk::Change change{.cut = false, .offset = offset, .data = {}};
        for (const iovec& piece : data) {
            const auto* bytes = static_cast<const uint8_t*>(piece.iov_base);
            change.data.insert(change.data.end(), bytes, bytes + piece.iov_len);
        }
        const bool full = offset + change.data.size() > disk_->limit;
        if (full) change.data.resize(offset < disk_->limit ? disk_->limit - offset : 0);
        disk_->change(std::move(change));
        return full ? ENOSPC : 0;
    }
    int cut(uint64_t size) override {
        disk_->change({.cut = true, .offset = size, .data = {}});
        return 0;
    }
    int punch(uint64_t offset, uint64_t length) override {
        if (!disk_->holes) return EOPNOTSUPP;
        if (offset >= disk_->now.size()) return 0;
        length = std::min<uint64_t>(length, disk_->now.size() - offset);
        disk_->change({.cut = false, .offset = offset, .data = Bytes(length)});
        return 0;
    }
    int sync() override {
        ++disk_->syncs;
        if (disk_->sync_error) return std::exchange(disk_->sync_error, 0);
        for (const Disk::Change& one : disk_->pending) Disk::apply(one, disk_->durable);
        disk_->pending.clear();
        return 0;
    }
    uint64_t size() override { return disk_->now.size(); }

  private:
    std::shared_ptr<Disk> disk_;
};

// An object, whole. A filemark has no bytes.
struct Object {
    bool filemark = false;
    uint16_t flags = 0;
    uint32_t length = 0;
    Bytes payload;
    bool operator==(const Object&) const = default;
};
using Objects = std::vector<Object>;

inline Object block(size_t bytes, uint8_t seed, uint16_t flags = 0) {
    Object object{false, flags, uint32_t(bytes), Bytes(bytes)};
    for (size_t i = 0; i < bytes; ++i) object.payload[i] = uint8_t(seed + i * 7);
    return object;
}
inline Object filemark() {
    return {true, 0, 0, {}};
}

inline int put(Tape& tape, const Object& object) {
    if (object.filemark) return tape.write_filemarks(1);
    // In two pieces, as it may come.
    Bytes copy = object.payload;
    const size_t half = copy.size() / 2;
    const std::array<iovec, 2> pieces = {
        {{copy.data(), half}, {copy.data() + half, copy.size() - half}}};
    return tape.write({.kind = TapeObject::block,
                       .length = object.length,
                       .stored = uint32_t(copy.size()),
                       .flags = object.flags},
                      pieces);
}

// The object at the position, and moves behind it. ENODATA: it is the end of data.
inline int take(Tape& tape, Object& object) {
    TapeBlock next;
    if (const int error = tape.next(next)) return error;
    if (next.kind == TapeObject::end_of_data) return ENODATA;
    object = {next.kind == TapeObject::filemark, next.flags, next.length, Bytes(next.stored)};
    TapeMoved moved;
    if (object.filemark) return tape.space_filemarks(1, moved);
    const iovec piece = {object.payload.data(), object.payload.size()};
    return tape.read({&piece, 1});
}

// All of a partition.
inline Objects contents(Tape& tape, uint32_t partition) {
    Objects all;
    bool reached = false;
    EXPECT_EQ(tape.locate(partition, 0, reached), 0);
    Object one;
    int error = 0;
    while ((error = take(tape, one)) == 0) all.push_back(one);
    EXPECT_EQ(error, ENODATA) << "behind object " << all.size();
    return all;
}

inline bool is_prefix(const Objects& front, const Objects& whole) {
    return front.size() <= whole.size() && std::equal(front.begin(), front.end(), whole.begin());
}
inline size_t common(const Objects& a, const Objects& b) {
    const size_t most = std::min(a.size(), b.size());
    return size_t(std::mismatch(a.begin(), a.begin() + ptrdiff_t(most), b.begin()).first -
                  a.begin());
}

}  // namespace tgt::store::test
