// SPDX-License-Identifier: GPL-2.0-or-later
// Where some of a partition's objects begin, so that any is found with a short walk. Kept in the
// image as index records, each with what came since the one before; those of level 1 repeat what
// the ones of level 0 in front of them had, so that a full cartridge is opened by few of them.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "store/ssc/metadata.h"

namespace tgt::store::ssc {

// How dense it is.
struct IndexRule {
    uint64_t bytes = uint64_t(64) << 20;  // an entry after so many
    uint64_t least_bytes = uint64_t(8) << 20;
    uint64_t objects = 2048;      // or after so many and `least_bytes`
    size_t entries = 16;          // an index record of level 0 after so many entries
    size_t upper_entries = 1024;  // one of level 1
    // Of the tape: so much may be written before it is flushed unasked, and so much may stand
    // behind a checkpoint that a flush leaves where it is.
    uint64_t unsynced_bytes = uint64_t(8) << 30;
    uint64_t checkpoint_bytes = uint64_t(64) << 20;
};

// Of one partition; in order of places. One thread.
class SparseIndex {
  public:
    explicit SparseIndex(const IndexRule& rule) : rule_(rule) {}

    // What an index record that is due has to hold.
    struct Due {
        uint8_t level = 0;
        std::vector<IndexEntry> entries;
        uint64_t previous = 0;  // index record that goes on where these entries begin
    };

    // An object begins there: it becomes an entry if it is far enough from the last one.
    void note(const IndexEntry& object);
    std::optional<Due> due() const;
    // An index record of all entries so far stands at `offset`.
    void recorded(uint64_t offset, uint8_t level);
    // Nothing is left at `offset` and behind it.
    void cut(uint64_t offset);
    void clear();

    // The last entry with less than `target` in the member; null: there is none.
    const IndexEntry* before(uint64_t IndexEntry::*member, uint64_t target) const;
    // The last index record that begins before `offset`; 0: none. And the entries between.
    uint64_t last_record(uint64_t offset) const;
    std::vector<IndexEntry> pending(uint64_t offset) const;

    // From an image, in order; false: these do not stand behind what is there.
    bool add(std::span<const IndexEntry> entries);

  private:
    struct Record {
        uint64_t offset = 0;
        uint8_t level = 0;
        size_t entries = 0;  // all in front of it
    };
    const Record* last_of_level(uint8_t level) const;
    std::vector<Record>::const_iterator record_at(uint64_t offset) const;

    IndexRule rule_;
    std::vector<IndexEntry> entries_;
    std::vector<Record> records_;
};

std::vector<uint8_t> encode_index(const SparseIndex::Due& due);
// Nothing when it is no payload of an index record.
std::optional<SparseIndex::Due> decode_index(std::span<const uint8_t> payload);

}  // namespace tgt::store::ssc
