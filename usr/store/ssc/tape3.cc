// SPDX-License-Identifier: GPL-2.0-or-later
// Opening, looking and moving; writing is in tape3_write.cc.
#include "store/ssc/tape3.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

namespace tgt::store::ssc {

namespace {

constexpr uint64_t short_walk = 32;  // objects; a search costs more

TapeBlock block_of(const RecordHeader& header, TapeObject none) {
    if (header.type == RecordType::filemark) return {.kind = TapeObject::filemark};
    if (header.type != RecordType::block) return {.kind = none};
    return {.kind = TapeObject::block,
            .length = header.length,
            .stored = header.stored,
            .flags = header.flags};
}

uint64_t magnitude(int64_t count) {
    return count < 0 ? -uint64_t(count) : uint64_t(count);
}

}  // namespace

Result<std::unique_ptr<Tape3>> Tape3::open(std::unique_ptr<ImageFile> file, bool read_only,
                                           const IndexRule& rule) {
    Metadata metadata;
    const int error = load(*file, metadata);
    if (error == EPROTONOSUPPORT) return fail(error, "it was written by a newer version of tgt");
    if (error) return fail(error, "what it says of the cartridge is damaged, in both copies");
    std::unique_ptr<Tape3> tape(new Tape3(std::move(file), std::move(metadata), read_only, rule));
    if (const int failed = tape->open_partitions())
        return fail(failed, fmt::format("it cannot be read: {}", strerror(failed)));
    return tape;
}

Tape3::Tape3(std::unique_ptr<ImageFile> file, Metadata metadata, bool read_only,
             const IndexRule& rule)
    : file_(std::move(file)), rule_(rule), metadata_(std::move(metadata)) {
    info_.format = "tgt tape 3";
    info_.kind = metadata_.kind;
    info_.density = metadata_.density;
    info_.barcode = metadata_.barcode;
    info_.serial = metadata_.serial;
    info_.capacity = metadata_.capacity;
    info_.max_partitions = metadata_.max_partitions;
    info_.read_only = read_only;
    info_.keeps_flags = true;
    make_partitions();
}

Tape3::~Tape3() {
    close();
}

void Tape3::make_partitions() {
    partitions_.clear();
    partitions_.reserve(metadata_.partitions.size());
    for (size_t i = 0; i < metadata_.partitions.size(); ++i)
        partitions_.emplace_back(*file_, uint8_t(i), metadata_.partitions[i], rule_);
    go(0, partitions_[0].begin());
}

int Tape3::open_partitions() {
    for (size_t i = 0; i < partitions_.size(); ++i)
        if (const int error = partitions_[i].open(metadata_.partitions[i])) return error;
    return 0;
}

TapeRoom Tape3::room(uint32_t partition) const {
    if (partition >= partitions_.size()) return {};
    const Partition& one = partitions_[partition];
    const uint64_t used = one.end().offset - one.start();
    const bool current = partition == position_.partition;
    return {.capacity = one.size(),
            .before = current ? cursor_.offset - one.start() : used,
            .used = used};
}

void Tape3::go(uint32_t partition, const Cursor& at) {
    cursor_ = at;
    position_ = {partition, at.object, at.file};
}

int Tape3::next(TapeBlock& block) {
    RecordHeader header;
    if (const int error = here().peek(cursor_, header)) return error;
    block = block_of(header, TapeObject::end_of_data);
    return 0;
}

int Tape3::previous(TapeBlock& block) {
    RecordHeader header;
    Cursor at = cursor_;
    if (const int error = here().back(at, header)) return error;
    block = block_of(header, TapeObject::beginning_of_partition);
    return 0;
}

int Tape3::read(std::span<const iovec> out) {
    RecordHeader header;
    Partition& partition = here();
    if (const int error = partition.peek(cursor_, header)) return error;
    if (header.type != RecordType::block) return EINVAL;
    const int error = partition.read(cursor_, header, out);
    if (error == 0 || error == EBADMSG) go(position_.partition, behind(cursor_, header));
    return error;
}

bool Tape3::next_cached(TapeBlock& block) {
    RecordHeader header;
    if (!here().peek_cached(cursor_, header)) return false;
    block = block_of(header, TapeObject::end_of_data);
    return true;
}

int Tape3::read_cached(std::span<const iovec> out) {
    RecordHeader header;
    Partition& partition = here();
    if (!partition.peek_cached(cursor_, header)) return EAGAIN;
    if (header.type != RecordType::block) return EINVAL;
    if (const int error = partition.read_cached(cursor_, header, out)) return error;
    go(position_.partition, behind(cursor_, header));
    return 0;
}

int Tape3::locate_count(uint32_t number, Partition::Count what, uint64_t target, bool& reached) {
    if (number >= partitions_.size()) return EINVAL;
    Partition& partition = partitions_[number];
    const Cursor& end = partition.end();
    reached = target <= (what == Partition::Count::objects ? end.object : end.file);
    Cursor found = end;
    const Cursor hint = number == position_.partition ? cursor_ : partition.begin();
    if (reached)
        if (const int error = partition.find(what, target, hint, found)) return error;
    go(number, found);
    return 0;
}

int Tape3::locate(uint32_t partition, uint64_t object, bool& reached) {
    return locate_count(partition, Partition::Count::objects, object, reached);
}

int Tape3::locate_file(uint32_t partition, uint64_t file, bool& reached) {
    return locate_count(partition, Partition::Count::filemarks, file, reached);
}

int Tape3::to_end_of_data(uint32_t partition) {
    if (partition >= partitions_.size()) return EINVAL;
    go(partition, partitions_[partition].end());
    return 0;
}

int Tape3::space_blocks(int64_t count, TapeMoved& moved) {
    moved = {};
    const uint64_t distance = magnitude(count);
    if (distance <= short_walk) return walk_blocks(count > 0, distance, moved);
    return count > 0 ? blocks_forwards(distance, moved) : blocks_backwards(distance, moved);
}

int Tape3::walk_blocks(bool forwards, uint64_t count, TapeMoved& moved) {
    Partition& partition = here();
    Cursor at = cursor_;
    TapeMoved so_far;
    while (so_far.count < count && so_far.stopped_at == TapeObject::block) {
        RecordHeader header;
        const int error = forwards ? partition.forward(at, header) : partition.back(at, header);
        if (error) return error;
        if (header.type == RecordType::block)
            ++so_far.count;
        else
            so_far.stopped_at = block_of(header, forwards ? TapeObject::end_of_data
                                                          : TapeObject::beginning_of_partition)
                                    .kind;
    }
    moved = so_far;
    go(position_.partition, at);
    return 0;
}

int Tape3::blocks_forwards(uint64_t count, TapeMoved& moved) {
    Partition& partition = here();
    const Cursor& end = partition.end();
    const bool mark = cursor_.file < end.file;
    Cursor stop = end;
    if (mark)
        if (const int error =
                partition.find(Partition::Count::filemarks, cursor_.file + 1, cursor_, stop))
            return error;
    const uint64_t blocks = stop.object - cursor_.object - (mark ? 1 : 0);
    if (blocks >= count) {
        if (const int error =
                partition.find(Partition::Count::objects, cursor_.object + count, cursor_, stop))
            return error;
        moved = {count, TapeObject::block};
    } else {
        moved = {blocks, mark ? TapeObject::filemark : TapeObject::end_of_data};
    }
    go(position_.partition, stop);
    return 0;
}

int Tape3::blocks_backwards(uint64_t count, TapeMoved& moved) {
    Partition& partition = here();
    Cursor stop;
    if (const int error =
            partition.find(Partition::Count::filemarks, cursor_.file, partition.begin(), stop))
        return error;
    const uint64_t blocks = cursor_.object - stop.object;
    RecordHeader passed;
    if (blocks >= count) {
        if (const int error =
                partition.find(Partition::Count::objects, cursor_.object - count, stop, stop))
            return error;
        moved = {count, TapeObject::block};
    } else {
        if (const int error = partition.back(stop, passed)) return error;
        moved = {blocks, block_of(passed, TapeObject::beginning_of_partition).kind};
    }
    go(position_.partition, stop);
    return 0;
}

int Tape3::space_filemarks(int64_t count, TapeMoved& moved) {
    Partition& partition = here();
    const uint64_t distance = magnitude(count);
    const bool forwards = count > 0;
    const uint64_t there = forwards ? partition.end().file - cursor_.file : cursor_.file;
    moved = {};
    if (count == 0) return 0;
    Cursor to = forwards ? partition.end() : partition.begin();
    if (there >= distance) {
        const uint64_t behind_mark =
            forwards ? cursor_.file + distance : cursor_.file - distance + 1;
        int error = partition.find(Partition::Count::filemarks, behind_mark,
                                   forwards ? cursor_ : partition.begin(), to);
        RecordHeader mark;
        if (error == 0 && !forwards) error = partition.back(to, mark);
        if (error) return error;
        moved = {distance, TapeObject::block};
    } else {
        moved = {there, forwards ? TapeObject::end_of_data : TapeObject::beginning_of_partition};
    }
    go(position_.partition, to);
    return 0;
}

}  // namespace tgt::store::ssc
