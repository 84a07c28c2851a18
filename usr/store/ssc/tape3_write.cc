// SPDX-License-Identifier: GPL-2.0-or-later
// What changes a cartridge.

#include <algorithm>
#include <cerrno>

#include "store/ssc/tape3.h"

namespace tgt::store::ssc {

int Tape3::create(ImageFile& file, const CartridgeSpec& spec) {
    Metadata metadata;
    metadata.kind = spec.kind;
    metadata.density = spec.density;
    metadata.max_partitions = uint8_t(spec.max_partitions);
    metadata.capacity = spec.capacity;
    metadata.barcode = spec.barcode;
    metadata.serial = spec.serial;
    metadata.partitions = laid_out({&spec.capacity, 1});
    // Both copies, so that a damaged one is never the only one.
    for (int copy = 0; copy < 2; ++copy)
        if (const int error = ssc::save(file, metadata)) return error;
    return file.sync();
}

int Tape3::sync() {
    if (lost_) return lost_;
    if (!unsynced_) return 0;
    // Linux tells a lost write once. From then on nothing that the cartridge has is certain.
    if ((lost_ = file_->sync()) != 0) return lost_;
    unsynced_ = false;
    for (Partition& partition : partitions_) partition.set_synced();
    return 0;
}

int Tape3::save(Metadata next) {
    if (const int error = ssc::save(*file_, next)) return error;
    metadata_ = std::move(next);
    metadata_changed_ = false;
    unsynced_ = true;
    return 0;
}

// The end of the partition goes to `end`, and what is written from now on has a generation of its
// own, so that nothing that stands behind it now can ever follow it.
int Tape3::begin_generation(const Cursor& end) {
    unsynced_ = true;
    if (const int error = sync()) return error;
    Metadata next = metadata_;
    ++next.generation;
    for (size_t i = 0; i < partitions_.size(); ++i)
        partitions_[i].describe(i == position_.partition ? end : partitions_[i].end(),
                                next.generation, next.partitions[i]);
    if (const int error = save(std::move(next))) return error;
    if (const int error = sync()) return error;
    here().cut(end);
    writing_ = true;
    give_back();
    return 0;
}

// The room behind the end; where the file system cannot, it stays taken until it is written again.
void Tape3::give_back() {
    const Partition& one = here();
    const bool last = std::all_of(partitions_.begin(), partitions_.end(),
                                  [&](const Partition& p) { return p.start() <= one.start(); });
    const uint64_t from = one.end().offset;
    if (last)
        file_->cut(from);
    else
        file_->punch(from, one.limit() - from);
}

// The place from which to write becomes the end.
int Tape3::prepare_writing() {
    Partition& partition = here();
    const bool at_end = cursor_.object == partition.end().object;
    if (writing_ && at_end) {
        cursor_ = partition.end();
        return 0;
    }
    return begin_generation(at_end ? partition.end() : cursor_);
}

int Tape3::wrote(int error) {
    unsynced_ = true;
    // Some of it may stand behind the end.
    if (error) writing_ = false;
    cursor_ = here().end();
    go(position_.partition, cursor_);
    return error;
}

int Tape3::write(const TapeBlock& block, std::span<const iovec> payload) {
    if (info_.read_only) return EROFS;
    if (lost_) return lost_;
    if (block.kind != TapeObject::block || block.length > longest_block ||
        block.stored > longest_payload || length_of(payload) != block.stored)
        return EINVAL;
    const RecordHeader header{.type = RecordType::block,
                              .flags = block.flags,
                              .length = block.length,
                              .stored = block.stored};
    if (!here().fits(cursor_, header.size())) return EFBIG;
    if (const int error = prepare_writing()) return error;
    const int error = wrote(here().append(header, payload, metadata_.generation));
    if (!error && here().end().offset - here().synced().offset > rule_.unsynced_bytes) sync();
    return error;
}

int Tape3::write_filemarks(uint32_t count) {
    if (info_.read_only) return EROFS;
    if (lost_) return lost_;
    if (count == 0) return 0;
    if (!here().fits(cursor_, count * uint64_t(record_header_size))) return EFBIG;
    if (const int error = prepare_writing()) return error;
    return wrote(here().append_filemarks(count, metadata_.generation));
}

int Tape3::truncate() {
    if (info_.read_only) return EROFS;
    if (lost_) return lost_;
    if (cursor_.object == here().end().object) return 0;
    return begin_generation(cursor_);
}

bool Tape3::checkpoint_is_far() const {
    for (size_t i = 0; i < partitions_.size(); ++i)
        if (partitions_[i].synced().offset - metadata_.partitions[i].checkpoint.offset >=
            rule_.checkpoint_bytes)
            return true;
    return false;
}

Metadata Tape3::with_checkpoints() const {
    Metadata next = metadata_;
    for (size_t i = 0; i < partitions_.size(); ++i) {
        PartitionRecord& record = next.partitions[i];
        if (partitions_[i].synced() != record.checkpoint)
            partitions_[i].describe(partitions_[i].synced(), next.generation, record);
    }
    return next;
}

// A checkpoint follows its data by one flush, so that each flush waits for the medium once.
int Tape3::flush() {
    if (info_.read_only) return 0;
    if (lost_) return lost_;
    if (metadata_changed_ || checkpoint_is_far())
        if (const int error = save(with_checkpoints())) return error;
    return sync();
}

void Tape3::close() {
    if (info_.read_only || lost_ || flush() != 0 || !writing_) return;
    Metadata next = with_checkpoints();
    const bool same =
        std::equal(next.partitions.begin(), next.partitions.end(), metadata_.partitions.begin(),
                   [](const auto& a, const auto& b) { return a.checkpoint == b.checkpoint; });
    if (!same && save(std::move(next)) == 0) sync();
}

int Tape3::format(std::span<const uint64_t> sizes) {
    if (info_.read_only) return EROFS;
    if (lost_) return lost_;
    uint64_t left = info_.capacity;
    if (sizes.empty() || sizes.size() > info_.max_partitions) return EINVAL;
    for (const uint64_t size : sizes) {
        if (size == 0 || size > left) return EINVAL;
        left -= size;
    }
    unsynced_ = true;
    if (const int error = sync()) return error;
    Metadata next = metadata_;
    ++next.generation;
    next.partitions = laid_out(sizes);
    for (size_t i = 0; i < sizes.size(); ++i) {
        next.partitions[i].floor = next.generation;
        if (i < metadata_.partitions.size())
            next.partitions[i].attributes = metadata_.partitions[i].attributes;
    }
    if (const int error = save(std::move(next))) return error;
    make_partitions();
    if (const int error = sync()) return error;
    writing_ = true;
    file_->cut(metadata_area_size);
    return 0;
}

const std::map<uint16_t, TapeAttribute>& Tape3::attributes(uint32_t partition) const {
    static const std::map<uint16_t, TapeAttribute> none;
    return partition < metadata_.partitions.size() ? metadata_.partitions[partition].attributes
                                                   : none;
}

int Tape3::set_attribute(uint32_t partition, uint16_t id, TapeAttribute attribute) {
    if (info_.read_only) return EROFS;
    if (partition >= metadata_.partitions.size() || attribute.value.size() > UINT16_MAX)
        return EINVAL;
    auto& attributes = metadata_.partitions[partition].attributes;
    const auto old = attributes.find(id);
    if (attribute.value.empty()) {
        metadata_changed_ = metadata_changed_ || old != attributes.end();
        attributes.erase(id);
        return 0;
    }
    size_t taken = memory_of(attribute);
    for (const auto& [other, one] : attributes)
        if (other != id) taken += memory_of(one);
    if (taken > attribute_memory) return ENOSPC;
    attributes[id] = std::move(attribute);
    metadata_changed_ = true;
    return 0;
}

int Tape3::set_density(uint8_t density) {
    if (info_.read_only) return EROFS;
    if (density == info_.density) return 0;
    info_.density = metadata_.density = density;
    metadata_changed_ = true;
    return 0;
}

}  // namespace tgt::store::ssc
