// SPDX-License-Identifier: GPL-2.0-or-later
// How the end of a partition is found, and its index.
#include <algorithm>

#include "base/crc32c.h"
#include "store/ssc/partition.h"

namespace tgt::store::ssc {

// An image that is shorter than what it once had on the medium has lost that; what is left counts.
int Partition::open(const PartitionRecord& record) {
    if (file_.size() < record.checkpoint.offset) {
        index_.clear();
        end_ = synced_ = begin();
        return walk(0);
    }
    if (!load_index(record)) rebuild_index();
    return walk(record.floor);
}

bool Partition::follows(const RecordHeader& header, uint64_t floor, uint64_t file_size) const {
    return header.partition == number_ && header.object == end_.object &&
           header.file == end_.file && header.previous == end_.previous &&
           header.previous_crc == end_.previous_crc && header.generation >= floor &&
           fits(end_, header.size()) && end_.offset + header.size() <= file_size;
}

int Partition::check_payload(uint64_t offset, const RecordHeader& header, bool& good) {
    uint64_t got = 0;
    payload_.resize(header.stored);
    const int error = file_.read_bytes(offset + record_header_size, payload_, got);
    good = error == 0 && got == header.stored &&
           crc32c(payload_.data(), payload_.size()) == header.payload_crc;
    return error;
}

int Partition::walk(uint64_t floor) {
    const uint64_t file_size = file_.size();
    for (;;) {
        RecordHeader header;
        bool good = false;
        if (const int error = read_header(end_.offset, header, good)) return error;
        if (!good || !follows(header, floor, file_size)) return 0;
        if (const int error = check_payload(end_.offset, header, good)) return error;
        if (!good) return 0;
        passed(end_, header);
        end_ = behind(end_, header);
        floor = header.generation;
    }
}

int Partition::load_record(uint64_t offset, uint64_t limit, RecordHeader& header,
                           std::optional<SparseIndex::Due>& due) {
    bool good = false;
    if (offset < start_ || offset >= limit) return EBADMSG;
    if (const int error = read_header(offset, header, good)) return error;
    if (!good || header.type != RecordType::index || header.partition != number_ ||
        header.size() > limit - offset)
        return EBADMSG;
    if (const int error = check_payload(offset, header, good)) return error;
    if (good) due = decode_index(payload_);
    return due ? 0 : EBADMSG;
}

// From the last record to the first, then in order.
bool Partition::load_index(const PartitionRecord& record) {
    struct Loaded {
        uint64_t offset;
        uint8_t level;
        std::vector<IndexEntry> entries;
    };
    std::vector<Loaded> records;
    uint64_t limit = record.checkpoint.offset;
    for (uint64_t at = record.index; at != 0;) {
        RecordHeader header;
        std::optional<SparseIndex::Due> due;
        if (load_record(at, limit, header, due) != 0) return false;
        records.push_back({at, header.level, std::move(due->entries)});
        limit = at;
        at = due->previous;
    }
    const auto in_front = [this](std::span<const IndexEntry> entries, uint64_t offset) {
        return entries.empty() ||
               (entries.front().offset >= start_ && entries.back().offset < offset);
    };
    for (auto one = records.rbegin(); one != records.rend(); ++one) {
        if (!index_.add(one->entries) || !in_front(one->entries, one->offset)) return false;
        index_.recorded(one->offset, one->level);
    }
    return index_.add(record.pending) && in_front(record.pending, record.checkpoint.offset);
}

// Every header is read, as far as none is damaged.
void Partition::rebuild_index() {
    index_.clear();
    Cursor at = begin();
    while (at.offset < end_.offset) {
        RecordHeader header;
        if (header_at(at, header) != 0) return;
        passed(at, header);
        at = behind(at, header);
    }
}

}  // namespace tgt::store::ssc
