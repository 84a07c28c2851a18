// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/tape2.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "store/ssc/metadata.h"
#include "store/ssc/record.h"

namespace tgt::store::ssc {

using v2::Header;

namespace {

bool is_mark(uint32_t type) {
    return type == v2::filemark || type == v2::setmark;
}

bool is_object(uint32_t type) {
    return is_mark(type) || type == v2::data || type == v2::compressed || type == v2::encrypted;
}

Result<v2::Memory> read_memory(ImageFile& file) {
    v2::Memory memory(v2::memory_size);
    uint64_t got = 0;
    if (const int error = file.read_bytes(v2::header_size, memory, got))
        return fail(error, fmt::format("it cannot be read: {}", strerror(error)));
    if (got < memory.size()) return fail(EINVAL, "it ends in what it says of the cartridge");
    const uint32_t version = uint32_t(memory[0]) << 24 | uint32_t(memory[1]) << 16 |
                             uint32_t(memory[2]) << 8 | memory[3];
    if (version != 2) return fail(EPROTONOSUPPORT, fmt::format("its version is {}", version));
    return memory;
}

}  // namespace

bool Tape2::looks_like_one(ImageFile& file) {
    std::array<uint8_t, v2::header_size> bytes;
    uint64_t got = 0;
    if (file.read_bytes(0, bytes, got) != 0 || got < bytes.size()) return false;
    const auto header = v2::decode_header(bytes);
    return header && header->type == v2::beginning_of_tape && header->next == v2::first_block;
}

Result<std::unique_ptr<Tape2>> Tape2::open(std::unique_ptr<ImageFile> file, bool read_only) {
    auto memory = read_memory(*file);
    if (!memory) return tl::unexpected(memory.error());
    std::unique_ptr<Tape2> tape(new Tape2(std::move(file), std::move(*memory), read_only));
    if (tape->info_.capacity == 0 || tape->info_.capacity > most_capacity)
        return fail(EINVAL, "its capacity cannot be");
    if (const int error = tape->read_headers())
        return fail(error, fmt::format("it cannot be read: {}", strerror(error)));
    return tape;
}

Tape2::Tape2(std::unique_ptr<ImageFile> file, v2::Memory memory, bool read_only)
    : file_(std::move(file)), info_(v2::info_of(memory)), memory_(std::move(memory)) {
    info_.read_only = read_only;
    attributes_ = v2::attributes_of(memory_);
}

bool Tape2::is_next(const Header& header, uint64_t file_size) const {
    return is_object(header.type) && header.number == objects_.size() + 1 &&
           header.previous == header_before(objects_.size()) && header.current == end_ &&
           header.stored <= longest_payload && header.size <= longest_payload &&
           header.next == end_ + v2::header_size + header.stored && header.next <= file_size &&
           (!is_mark(header.type) || header.stored == 0);
}

// The end of data, or what is left of it: the first header that does not fit.
int Tape2::read_headers() {
    const uint64_t file_size = file_->size();
    for (;;) {
        std::array<uint8_t, v2::header_size> bytes;
        uint64_t got = 0;
        if (const int error = file_->read_bytes(end_, bytes, got)) return error;
        const auto header = v2::decode_header(std::span(bytes).first(got));
        if (!header || !is_next(*header, file_size)) return 0;
        note({end_, header->size, header->stored, header->type});
    }
}

void Tape2::note(const Object& object) {
    if (is_mark(object.type)) marks_.push_back(objects_.size());
    objects_.push_back(object);
    end_ = object.offset + v2::header_size + object.stored;
}

void Tape2::cut(uint64_t object) {
    end_ = offset_of(object);
    objects_.resize(object);
    while (!marks_.empty() && marks_.back() >= object) marks_.pop_back();
}

uint64_t Tape2::offset_of(uint64_t object) const {
    return object < objects_.size() ? objects_[object].offset : end_;
}

// The first one follows the beginning of the tape, at 0.
uint64_t Tape2::header_before(uint64_t object) const {
    return object > 0 ? objects_[object - 1].offset : 0;
}

TapeRoom Tape2::room(uint32_t) const {
    return {.capacity = info_.capacity,
            .before = offset_of(position_.object) - v2::first_block,
            .used = end_ - v2::first_block};
}

TapeBlock Tape2::block_at(uint64_t object) const {
    const Object& one = objects_[object];
    if (is_mark(one.type)) return {.kind = TapeObject::filemark};
    return {.kind = TapeObject::block, .length = one.length, .stored = one.stored};
}

void Tape2::go(uint64_t object) {
    const auto behind = std::lower_bound(marks_.begin(), marks_.end(), object);
    position_ = {0, object, uint64_t(behind - marks_.begin())};
}

int Tape2::next(TapeBlock& block) {
    block = position_.object < objects_.size() ? block_at(position_.object) : TapeBlock{};
    return 0;
}

int Tape2::previous(TapeBlock& block) {
    block = position_.object > 0 ? block_at(position_.object - 1)
                                 : TapeBlock{.kind = TapeObject::beginning_of_partition};
    return 0;
}

int Tape2::locate(uint32_t partition, uint64_t object, bool& reached) {
    if (partition != 0) return EINVAL;
    reached = object <= objects_.size();
    go(std::min<uint64_t>(object, objects_.size()));
    return 0;
}

int Tape2::locate_file(uint32_t partition, uint64_t file, bool& reached) {
    if (partition != 0) return EINVAL;
    reached = file <= marks_.size();
    if (!reached)
        go(objects_.size());
    else
        go(file == 0 ? 0 : marks_[file - 1] + 1);
    return 0;
}

int Tape2::to_end_of_data(uint32_t partition) {
    if (partition != 0) return EINVAL;
    go(objects_.size());
    return 0;
}

int Tape2::space_blocks(int64_t count, TapeMoved& moved) {
    const uint64_t at = position_.object, file = position_.file;
    moved = {};
    if (count >= 0) {
        const bool mark = file < marks_.size();
        const uint64_t blocks = (mark ? marks_[file] : objects_.size()) - at;
        moved.count = std::min(uint64_t(count), blocks);
        if (moved.count < uint64_t(count))
            moved.stopped_at = mark ? TapeObject::filemark : TapeObject::end_of_data;
        go(at + moved.count + (moved.stopped_at == TapeObject::filemark ? 1 : 0));
        return 0;
    }
    const uint64_t wanted = -uint64_t(count);
    const uint64_t blocks = file > 0 ? at - marks_[file - 1] - 1 : at;
    moved.count = std::min(wanted, blocks);
    if (moved.count < wanted)
        moved.stopped_at = file > 0 ? TapeObject::filemark : TapeObject::beginning_of_partition;
    go(at - moved.count - (moved.stopped_at == TapeObject::filemark ? 1 : 0));
    return 0;
}

int Tape2::space_filemarks(int64_t count, TapeMoved& moved) {
    const uint64_t file = position_.file;
    moved = {};
    if (count == 0) return 0;
    const uint64_t wanted = count > 0 ? uint64_t(count) : -uint64_t(count);
    const uint64_t there = count > 0 ? marks_.size() - file : file;
    moved.count = std::min(wanted, there);
    if (count > 0) {
        if (there < wanted) moved.stopped_at = TapeObject::end_of_data;
        go(there < wanted ? objects_.size() : marks_[file + wanted - 1] + 1);
    } else {
        if (there < wanted) moved.stopped_at = TapeObject::beginning_of_partition;
        go(there < wanted ? 0 : marks_[file - wanted]);
    }
    return 0;
}

int Tape2::read(std::span<const iovec> out) {
    if (position_.object >= objects_.size()) return EINVAL;
    const Object& one = objects_[position_.object];
    if (is_mark(one.type) || length_of(out) < one.stored) return EINVAL;
    std::vector<iovec> pieces;
    uint64_t left = one.stored, got = 0;
    for (const iovec& piece : out) {
        pieces.push_back({piece.iov_base, size_t(std::min<uint64_t>(piece.iov_len, left))});
        left -= pieces.back().iov_len;
    }
    if (const int error = file_->read(one.offset + v2::header_size, pieces, got)) return error;
    go(position_.object + 1);
    // tgt has no such blocks, so nothing says how they are made.
    return got < one.stored || one.type != v2::data ? EBADMSG : 0;
}

}  // namespace tgt::store::ssc
