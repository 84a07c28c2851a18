// SPDX-License-Identifier: GPL-2.0-or-later
// What changes a cartridge of version 2. Each write puts the end of data behind itself.
#include <algorithm>
#include <cerrno>

#include "store/ssc/metadata.h"
#include "store/ssc/record.h"
#include "store/ssc/tape2.h"

namespace tgt::store::ssc {

int Tape2::refuses() const {
    return info_.read_only ? EROFS : lost_;
}

// With the end of data behind it.
bool Tape2::fits(uint64_t bytes) const {
    const uint64_t limit = v2::first_block + info_.capacity + slack_of(info_.capacity);
    const uint64_t from = offset_of(position_.object);
    return from <= limit && bytes + v2::header_size <= limit - from;
}

void Tape2::append_header(const Object& object, std::vector<uint8_t>& to) const {
    v2::append({.stored = object.stored,
                .size = object.length,
                .type = object.type,
                .number = objects_.size() + 1,
                .previous = header_before(objects_.size()),
                .current = object.offset,
                .next = object.offset + v2::header_size + object.stored},
               to);
}

void Tape2::append_end(std::vector<uint8_t>& to) const {
    v2::append({.type = v2::end_of_data,
                .number = objects_.size() + 1,
                .previous = header_before(objects_.size()),
                .current = end_,
                .next = end_},
               to);
}

// The objects are noted already, and are taken back if they cannot be written.
int Tape2::put(std::span<const iovec> pieces, uint64_t offset, bool cuts) {
    const uint64_t from = position_.object;
    unsynced_ = true;
    const int error = file_->write(offset, pieces);
    if (error) {
        cut(from);
        // What stood there may be damaged, and is the end now.
        std::vector<uint8_t> end;
        append_end(end);
        file_->write_bytes(end_, end);
        return error;
    }
    if (cuts) file_->cut(end_ + v2::header_size);
    go(objects_.size());
    return 0;
}

int Tape2::write(const TapeBlock& block, std::span<const iovec> payload) {
    if (const int error = refuses()) return error;
    if (block.kind != TapeObject::block || block.flags != 0 || block.stored != block.length ||
        block.length > longest_block || length_of(payload) != block.stored)
        return EINVAL;
    if (!fits(v2::header_size + uint64_t(block.stored))) return EFBIG;
    const bool cuts = position_.object < objects_.size();
    cut(position_.object);
    const Object object = {end_, block.length, block.stored, v2::data};
    std::vector<uint8_t> header, end;
    append_header(object, header);
    note(object);
    append_end(end);
    std::vector<iovec> pieces;
    pieces.push_back({header.data(), header.size()});
    pieces.insert(pieces.end(), payload.begin(), payload.end());
    pieces.push_back({end.data(), end.size()});
    return put(pieces, object.offset, cuts);
}

int Tape2::write_filemarks(uint32_t count) {
    constexpr uint32_t at_once = 4096;
    if (const int error = refuses()) return error;
    if (count == 0) return 0;
    if (!fits(uint64_t(count) * v2::header_size)) return EFBIG;
    const uint64_t from = position_.object;
    for (uint32_t left = count; left > 0; left -= std::min(left, at_once)) {
        const int error = put_filemarks(std::min(left, at_once));
        if (!error) continue;
        cut(from);
        go(from);
        return error;
    }
    return 0;
}

int Tape2::put_filemarks(uint32_t count) {
    const bool cuts = position_.object < objects_.size();
    cut(position_.object);
    const uint64_t offset = end_;
    std::vector<uint8_t> bytes;
    for (uint32_t i = 0; i < count; ++i) {
        const Object mark = {end_, 0, 0, v2::filemark};
        append_header(mark, bytes);
        note(mark);
    }
    append_end(bytes);
    const iovec piece = {bytes.data(), bytes.size()};
    return put({&piece, 1}, offset, cuts);
}

int Tape2::truncate() {
    if (const int error = refuses()) return error;
    if (position_.object == objects_.size()) return 0;
    cut(position_.object);
    std::vector<uint8_t> end;
    append_end(end);
    unsynced_ = true;
    if (const int error = file_->write_bytes(end_, end)) return error;
    file_->cut(end_ + v2::header_size);
    return 0;
}

int Tape2::format(std::span<const uint64_t> sizes) {
    if (const int error = refuses()) return error;
    if (sizes.size() != 1 || sizes[0] == 0 || sizes[0] > info_.capacity) return EINVAL;
    go(0);
    return truncate();
}

int Tape2::flush() {
    if (info_.read_only) return 0;
    if (lost_) return lost_;
    if (memory_changed_) {
        if (const int error = file_->write_bytes(v2::header_size, memory_)) return error;
        memory_changed_ = false;
        unsynced_ = true;
    }
    if (!unsynced_) return 0;
    lost_ = file_->sync();
    unsynced_ = false;
    return lost_;
}

const std::map<uint16_t, TapeAttribute>& Tape2::attributes(uint32_t) const {
    return attributes_;
}

int Tape2::set_attribute(uint32_t partition, uint16_t id, TapeAttribute attribute) {
    if (info_.read_only) return EROFS;
    if (partition != 0) return EINVAL;
    if (const int error = v2::set_attribute(memory_, id, attribute)) return error;
    attributes_ = v2::attributes_of(memory_);
    memory_changed_ = true;
    return 0;
}

int Tape2::set_density(uint8_t density) {
    if (info_.read_only) return EROFS;
    if (density == info_.density) return 0;
    info_.density = density;
    v2::set_density(memory_, density);
    memory_changed_ = true;
    return 0;
}

}  // namespace tgt::store::ssc
