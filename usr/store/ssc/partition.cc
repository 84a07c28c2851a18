// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/partition.h"

#include <algorithm>
#include <utility>

#include "base/crc32c.h"

namespace tgt::store::ssc {

namespace {

uint64_t count_of(const Cursor& at, Partition::Count what) {
    return what == Partition::Count::objects ? at.object : at.file;
}

uint64_t IndexEntry::*member_of(Partition::Count what) {
    return what == Partition::Count::objects ? &IndexEntry::object : &IndexEntry::file;
}

uint32_t crc_of(std::span<const iovec> pieces) {
    uint32_t crc = crc32c_start;
    for (const iovec& piece : pieces) crc = crc32c_update(crc, piece.iov_base, piece.iov_len);
    return crc32c_finish(crc);
}

// The front of `from`, `bytes` long.
void take_front(std::span<const iovec> from, uint64_t bytes, std::vector<iovec>& to) {
    for (const iovec& piece : from) {
        if (bytes == 0) return;
        to.push_back({piece.iov_base, size_t(std::min<uint64_t>(piece.iov_len, bytes))});
        bytes -= to.back().iov_len;
    }
}

}  // namespace

Cursor behind(const Cursor& at, const RecordHeader& header) {
    return {.object = at.object + (header.is_object() ? 1 : 0),
            .file = at.file + (header.type == RecordType::filemark ? 1 : 0),
            .offset = at.offset + header.size(),
            .previous = at.offset,
            .previous_crc = header.crc};
}

Partition::Partition(ImageFile& file, uint8_t number, const PartitionRecord& record,
                     const IndexRule& rule)
    : file_(file),
      number_(number),
      start_(record.start),
      size_(record.size),
      limit_(record.limit()),
      rule_(rule),
      end_(record.checkpoint),
      synced_(record.checkpoint),
      index_(rule) {}

// What lies around, too: headers of small objects are close to each other, in both directions.
int Partition::fill_window(uint64_t offset) {
    constexpr uint64_t half = 4096;
    window_.offset = std::max(start_, offset / half * half);
    const int error = file_.read_bytes(window_.offset, window_.bytes, window_.length);
    if (error) window_.length = 0;
    return error;
}

bool Partition::in_window(uint64_t offset) const {
    return window_.length >= record_header_size && offset >= window_.offset &&
           offset - window_.offset <= window_.length - record_header_size;
}

int Partition::read_header(uint64_t offset, RecordHeader& header, bool& valid) {
    valid = false;
    if (!in_window(offset)) {
        if (const int error = fill_window(offset)) return error;
        if (!in_window(offset)) return 0;
    }
    const auto decoded = decode_header(std::span<const uint8_t>(window_.bytes)
                                           .subspan(offset - window_.offset, record_header_size));
    if (!decoded) return 0;
    header = *decoded;
    valid = true;
    return 0;
}

int Partition::header_at(const Cursor& at, RecordHeader& header) {
    bool valid = false;
    if (const int error = read_header(at.offset, header, valid)) return error;
    valid = valid && header.partition == number_ && header.object == at.object &&
            header.file == at.file && at.offset + header.size() <= end_.offset;
    return valid ? 0 : EBADMSG;
}

int Partition::peek(Cursor& at, RecordHeader& object) {
    while (at.offset < end_.offset) {
        if (const int error = header_at(at, object)) return error;
        if (object.is_object()) {
            at.previous = object.previous;  // a place from the index does not know them
            at.previous_crc = object.previous_crc;
            return 0;
        }
        at = behind(at, object);
    }
    object = {};
    return 0;
}

bool Partition::peek_cached(Cursor& at, RecordHeader& object) {
    if (!in_window(at.offset) || header_at(at, object) != 0 || !object.is_object()) return false;
    at.previous = object.previous;
    at.previous_crc = object.previous_crc;
    return true;
}

int Partition::forward(Cursor& at, RecordHeader& passed) {
    Cursor to = at;
    if (const int error = peek(to, passed)) return error;
    at = passed.is_object() ? behind(to, passed) : to;
    return 0;
}

int Partition::back(Cursor& at, RecordHeader& passed) {
    Cursor to = at;
    passed = {};
    do {
        if (to.offset <= start_) {
            passed = {};
            return 0;
        }
        bool valid = false;
        if (const int error = read_header(to.previous, passed, valid)) return error;
        if (!valid || passed.crc != to.previous_crc || to.previous + passed.size() != to.offset)
            return EBADMSG;
        to = {passed.object, passed.file, to.previous, passed.previous, passed.previous_crc};
    } while (!passed.is_object());
    at = to;
    return 0;
}

int Partition::find(Count what, uint64_t target, const Cursor& hint, Cursor& found) {
    if (what == Count::objects && target == end_.object) {
        found = end_;
        return 0;
    }
    Cursor at = begin();
    if (const IndexEntry* entry = index_.before(member_of(what), target))
        at = {.object = entry->object, .file = entry->file, .offset = entry->offset};
    if (count_of(hint, what) < target && hint.offset > at.offset) at = hint;
    RecordHeader passed;
    while (count_of(at, what) < target) {
        if (const int error = forward(at, passed)) return error;
        if (!passed.is_object()) return EBADMSG;
    }
    found = at;
    return 0;
}

// With the header behind it: reading on takes one call of the system for each block.
int Partition::read(const Cursor& at, const RecordHeader& block, std::span<const iovec> out) {
    return read_by(&ImageFile::read, at, block, out);
}

int Partition::read_cached(const Cursor& at, const RecordHeader& block,
                           std::span<const iovec> out) {
    return read_by(&ImageFile::read_cached, at, block, out) ? EAGAIN : 0;
}

int Partition::read_by(ReadFile read, const Cursor& at, const RecordHeader& block,
                       std::span<const iovec> out) {
    if (length_of(out) < block.stored) return EINVAL;
    pieces_.clear();
    take_front(out, block.stored, pieces_);
    pieces_.push_back({window_.bytes.data(), record_header_size});
    uint64_t got = 0;
    const uint64_t kept = std::exchange(window_.length, 0);
    const int error = (file_.*read)(at.offset + record_header_size, pieces_, got);
    pieces_.pop_back();
    if (error || got < block.stored) {
        window_.length = kept;  // it was not reached
        return error ? error : EBADMSG;
    }
    if (crc_of(pieces_) != block.payload_crc) return EBADMSG;
    window_.offset = at.offset + block.size();
    window_.length = got - block.stored;
    return 0;
}

int Partition::put(RecordHeader& header, std::span<const iovec> payload, uint64_t generation) {
    header.partition = number_;
    header.object = end_.object;
    header.file = end_.file;
    header.previous = end_.previous;
    header.previous_crc = end_.previous_crc;
    header.generation = generation;
    header.payload_crc = crc_of(payload);
    if (!fits(end_, header.size())) return EFBIG;
    HeaderBytes bytes = encode(header);
    pieces_.assign(1, {bytes.data(), bytes.size()});
    pieces_.insert(pieces_.end(), payload.begin(), payload.end());
    window_.length = 0;
    if (const int error = file_.write(end_.offset, pieces_)) return error;
    passed(end_, header);
    end_ = behind(end_, header);
    return 0;
}

int Partition::append(RecordHeader block, std::span<const iovec> payload, uint64_t generation) {
    if (const int error = put(block, payload, generation)) return error;
    put_index(generation);
    return 0;
}

// An index record that cannot be written is left out: the next object tries again.
void Partition::put_index(uint64_t generation) {
    const auto due = index_.due();
    if (!due) return;
    RecordHeader header;
    header.type = RecordType::index;
    header.level = due->level;
    std::vector<uint8_t> payload = encode_index(*due);
    header.stored = uint32_t(payload.size());
    const iovec piece = {payload.data(), payload.size()};
    put(header, {&piece, 1}, generation);
}

int Partition::append_filemarks(uint64_t count, uint64_t generation) {
    constexpr uint64_t at_once = 1024;
    if (count > limit_ / record_header_size || !fits(end_, count * record_header_size))
        return EFBIG;
    const Cursor from = end_;
    window_.length = 0;
    for (uint64_t left = count; left > 0;) {
        const uint64_t now = std::min(left, at_once);
        payload_.clear();
        const uint64_t offset = end_.offset;
        for (uint64_t i = 0; i < now; ++i) {
            RecordHeader mark{.type = RecordType::filemark,
                              .partition = number_,
                              .object = end_.object,
                              .file = end_.file,
                              .previous = end_.previous,
                              .previous_crc = end_.previous_crc,
                              .generation = generation};
            const HeaderBytes bytes = encode(mark);
            payload_.insert(payload_.end(), bytes.begin(), bytes.end());
            passed(end_, mark);
            end_ = behind(end_, mark);
        }
        if (const int error = file_.write_bytes(offset, payload_)) {
            cut(from);
            return error;
        }
        left -= now;
    }
    put_index(generation);
    return 0;
}

void Partition::cut(const Cursor& at) {
    end_ = at;
    if (synced_.offset > at.offset) synced_ = at;
    index_.cut(at.offset);
    window_.length = 0;
}

void Partition::passed(const Cursor& at, const RecordHeader& header) {
    if (header.is_object())
        index_.note({at.object, at.file, at.offset});
    else
        index_.recorded(at.offset, header.level);
}

void Partition::describe(const Cursor& checkpoint, uint64_t floor, PartitionRecord& record) const {
    record.checkpoint = checkpoint;
    record.floor = floor;
    record.index = index_.last_record(checkpoint.offset);
    record.pending = index_.pending(checkpoint.offset);
}

}  // namespace tgt::store::ssc
