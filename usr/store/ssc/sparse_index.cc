// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/sparse_index.h"

#include <algorithm>

#include "wire/endian.h"

namespace tgt::store::ssc {

namespace {

using namespace wire;

struct IndexHead {
    be64 previous;
    be32 count;
    be32 reserved;
};

struct IndexItem {
    be64 object;
    be64 file;
    be64 offset;
};

}  // namespace

void SparseIndex::note(const IndexEntry& object) {
    if (!entries_.empty()) {
        const IndexEntry& last = entries_.back();
        const uint64_t bytes = object.offset - last.offset;
        const bool many = object.object - last.object >= rule_.objects;
        if (bytes < rule_.bytes && !(many && bytes >= rule_.least_bytes)) return;
    }
    entries_.push_back(object);
}

const SparseIndex::Record* SparseIndex::last_of_level(uint8_t level) const {
    const auto found = std::find_if(records_.rbegin(), records_.rend(),
                                    [level](const Record& one) { return one.level >= level; });
    return found == records_.rend() ? nullptr : &*found;
}

std::optional<SparseIndex::Due> SparseIndex::due() const {
    const Record* lower = last_of_level(0);
    if (entries_.size() - (lower ? lower->entries : 0) < rule_.entries) return std::nullopt;
    const Record* upper = last_of_level(1);
    Due due;
    due.level = entries_.size() - (upper ? upper->entries : 0) >= rule_.upper_entries ? 1 : 0;
    const Record* back = due.level ? upper : lower;
    const size_t from = back ? back->entries : 0;
    due.previous = back ? back->offset : 0;
    due.entries.assign(entries_.begin() + ptrdiff_t(from), entries_.end());
    return due;
}

void SparseIndex::recorded(uint64_t offset, uint8_t level) {
    records_.push_back({offset, level, entries_.size()});
}

void SparseIndex::cut(uint64_t offset) {
    while (!records_.empty() && records_.back().offset >= offset) records_.pop_back();
    while (!entries_.empty() && entries_.back().offset >= offset) entries_.pop_back();
}

void SparseIndex::clear() {
    records_.clear();
    entries_.clear();
}

const IndexEntry* SparseIndex::before(uint64_t IndexEntry::*member, uint64_t target) const {
    const auto found = std::partition_point(
        entries_.begin(), entries_.end(),
        [member, target](const IndexEntry& one) { return one.*member < target; });
    return found == entries_.begin() ? nullptr : &*(found - 1);
}

std::vector<SparseIndex::Record>::const_iterator SparseIndex::record_at(uint64_t offset) const {
    return std::partition_point(records_.begin(), records_.end(),
                                [offset](const Record& one) { return one.offset < offset; });
}

uint64_t SparseIndex::last_record(uint64_t offset) const {
    const auto found = record_at(offset);
    return found == records_.begin() ? 0 : (found - 1)->offset;
}

std::vector<IndexEntry> SparseIndex::pending(uint64_t offset) const {
    const auto found = record_at(offset);
    auto from = entries_.begin();
    if (found != records_.begin()) from += ptrdiff_t((found - 1)->entries);
    const auto to = std::partition_point(
        from, entries_.end(), [offset](const IndexEntry& one) { return one.offset < offset; });
    return {from, to};
}

bool SparseIndex::add(std::span<const IndexEntry> entries) {
    for (const IndexEntry& entry : entries) {
        if (!entries_.empty()) {
            const IndexEntry& last = entries_.back();
            if (entry.offset <= last.offset || entry.object <= last.object ||
                entry.file < last.file)
                return false;
        }
        if (entry.file > entry.object) return false;
        entries_.push_back(entry);
    }
    return true;
}

std::vector<uint8_t> encode_index(const SparseIndex::Due& due) {
    std::vector<uint8_t> out(sizeof(IndexHead) + due.entries.size() * sizeof(IndexItem));
    IndexHead head = {};
    head.previous = due.previous;
    head.count = uint32_t(due.entries.size());
    memcpy(out.data(), &head, sizeof(head));
    uint8_t* at = out.data() + sizeof(head);
    for (const IndexEntry& entry : due.entries) {
        const IndexItem item = {entry.object, entry.file, entry.offset};
        memcpy(at, &item, sizeof(item));
        at += sizeof(item);
    }
    return out;
}

std::optional<SparseIndex::Due> decode_index(std::span<const uint8_t> payload) {
    if (payload.size() < sizeof(IndexHead)) return std::nullopt;
    const auto head = from_bytes<IndexHead>(payload.data());
    payload = payload.subspan(sizeof(IndexHead));
    if (head.count > most_pending || payload.size() != head.count * sizeof(IndexItem))
        return std::nullopt;
    SparseIndex::Due due;
    due.previous = head.previous;
    for (; !payload.empty(); payload = payload.subspan(sizeof(IndexItem))) {
        const auto item = from_bytes<IndexItem>(payload.data());
        due.entries.push_back({item.object, item.file, item.offset});
    }
    return due;
}

}  // namespace tgt::store::ssc
