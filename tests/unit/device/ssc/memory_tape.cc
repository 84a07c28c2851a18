// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/device/ssc/memory_tape.h"

#include <algorithm>

namespace tgt::test {

using store::TapeBlock;
using store::TapeMoved;
using store::TapeObject;

MemoryTape::MemoryTape(uint64_t capacity) {
    about.format = "memory";
    about.barcode = "MEM001L8";
    about.capacity = capacity;
    about.max_partitions = 4;
    all.resize(1);
    all[0].capacity = capacity;
}

store::TapeRoom MemoryTape::room(uint32_t partition) const {
    const Partition& p = all[partition];
    store::TapeRoom room;
    room.capacity = p.capacity;
    const uint64_t end = partition == at_.partition ? at_.object : p.objects.size();
    for (size_t i = 0; i < p.objects.size(); ++i) {
        room.used += p.objects[i].payload.size();
        if (i < end) room.before += p.objects[i].payload.size();
    }
    return room;
}

int MemoryTape::format(std::span<const uint64_t> sizes) {
    if (about.read_only) return EROFS;
    const auto attributes = all[0].attributes;
    all.clear();
    all.resize(sizes.size());
    for (size_t i = 0; i < sizes.size(); ++i) all[i].capacity = sizes[i];
    all[0].attributes = attributes;
    at_ = {};
    ++unflushed;
    return 0;
}

void MemoryTape::go(uint32_t partition, uint64_t object) {
    at_ = {partition, object, 0};
    for (uint64_t i = 0; i < object; ++i)
        if (here()[i].block.kind == TapeObject::filemark) ++at_.file;
}

int MemoryTape::next(TapeBlock& block) {
    if (int error = check(Call::move)) return error;
    block = {};
    block.kind = TapeObject::end_of_data;
    if (at_.object < here().size()) block = here()[at_.object].block;
    return 0;
}

int MemoryTape::previous(TapeBlock& block) {
    if (int error = check(Call::move)) return error;
    block = {};
    block.kind = TapeObject::beginning_of_partition;
    if (at_.object > 0) block = here()[at_.object - 1].block;
    return 0;
}

int MemoryTape::locate(uint32_t partition, uint64_t object, bool& reached) {
    if (int error = check(Call::move)) return error;
    const uint64_t end = all[partition].objects.size();
    reached = object <= end;
    go(partition, std::min(object, end));
    return 0;
}

int MemoryTape::locate_file(uint32_t partition, uint64_t file, bool& reached) {
    if (int error = check(Call::move)) return error;
    go(partition, 0);
    while (at_.file < file && at_.object < here().size()) go(partition, at_.object + 1);
    reached = at_.file == file;
    return 0;
}

int MemoryTape::to_end_of_data(uint32_t partition) {
    if (int error = check(Call::move)) return error;
    go(partition, all[partition].objects.size());
    return 0;
}

// `passed`: what an object is to the movement: counted, passed, or passed and the end of it.
enum class Step : uint8_t { counted, passed, stops };

template <class Passed>
int MemoryTape::space(int64_t count, TapeMoved& moved, Passed passed) {
    if (int error = check(Call::move)) return error;
    moved = {};
    const bool forwards = count > 0;
    const uint64_t wanted = forwards ? uint64_t(count) : uint64_t(0) - uint64_t(count);
    while (moved.count < wanted && moved.stopped_at == TapeObject::block) {
        if (forwards ? at_.object == here().size() : at_.object == 0) {
            moved.stopped_at =
                forwards ? TapeObject::end_of_data : TapeObject::beginning_of_partition;
            break;
        }
        const TapeObject kind = here()[forwards ? at_.object : at_.object - 1].block.kind;
        go(at_.partition, forwards ? at_.object + 1 : at_.object - 1);
        const Step step = passed(kind);
        if (step == Step::counted) ++moved.count;
        if (step == Step::stops) moved.stopped_at = kind;
    }
    return 0;
}

int MemoryTape::space_blocks(int64_t count, TapeMoved& moved) {
    return space(count, moved, [](TapeObject kind) {
        return kind == TapeObject::block ? Step::counted : Step::stops;
    });
}

int MemoryTape::space_filemarks(int64_t count, TapeMoved& moved) {
    return space(count, moved, [](TapeObject kind) {
        return kind == TapeObject::filemark ? Step::counted : Step::passed;
    });
}

int MemoryTape::read(std::span<const iovec> out) {
    if (int error = check(Call::read)) return error;
    if (at_.object >= here().size() || here()[at_.object].block.kind != TapeObject::block)
        return EINVAL;
    const Object& object = here()[at_.object];
    size_t done = 0;
    for (const iovec& piece : out) {
        const size_t bytes = std::min(piece.iov_len, object.payload.size() - done);
        std::copy_n(object.payload.begin() + ptrdiff_t(done), bytes,
                    static_cast<uint8_t*>(piece.iov_base));
        done += bytes;
    }
    if (done < object.payload.size()) return EFAULT;  // the caller has to have room
    ++at_.object;
    return object.damaged ? EBADMSG : 0;
}

bool MemoryTape::next_cached(TapeBlock& block) {
    return is_cached() && next(block) == 0;
}

int MemoryTape::read_cached(std::span<const iovec> out) {
    if (!is_cached() || here()[at_.object].damaged) return EAGAIN;
    if (const int error = read(out)) return error;
    ++cached_reads;
    return 0;
}

void MemoryTape::cut() {
    here().resize(at_.object);
    ++unflushed;
}

int MemoryTape::write(const TapeBlock& block, std::span<const iovec> payload) {
    if (about.read_only) return EROFS;
    if (int error = check(Call::write)) return error;
    Object object;
    object.block = block;
    for (const iovec& piece : payload) {
        const auto* bytes = static_cast<const uint8_t*>(piece.iov_base);
        object.payload.insert(object.payload.end(), bytes, bytes + piece.iov_len);
    }
    if (object.payload.size() != block.stored) return EINVAL;
    cut();
    here().push_back(std::move(object));
    ++at_.object;
    return 0;
}

int MemoryTape::write_filemarks(uint32_t count) {
    if (about.read_only) return EROFS;
    if (int error = check(Call::write)) return error;
    cut();
    Object mark;
    mark.block.kind = TapeObject::filemark;
    here().insert(here().end(), count, mark);
    at_.object += count;
    at_.file += count;
    return 0;
}

int MemoryTape::truncate() {
    if (about.read_only) return EROFS;
    if (int error = check(Call::write)) return error;
    cut();
    return 0;
}

int MemoryTape::flush() {
    if (int error = check(Call::flush)) return error;
    ++flushes;
    unflushed = 0;
    return 0;
}

int MemoryTape::set_attribute(uint32_t partition, uint16_t id, store::TapeAttribute attribute) {
    if (attribute.value.empty())
        all[partition].attributes.erase(id);
    else
        all[partition].attributes[id] = std::move(attribute);
    return 0;
}

int MemoryTape::set_density(uint8_t density) {
    about.density = density;
    return 0;
}

}  // namespace tgt::test
