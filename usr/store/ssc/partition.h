// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <vector>

#include "store/ssc/file.h"
#include "store/ssc/metadata.h"
#include "store/ssc/record.h"
#include "store/ssc/sparse_index.h"

namespace tgt::store::ssc {

// The records of one partition of a "tgt tape 3" image: finding, reading, and writing behind the
// last one. Knows nothing of positions; cursors are the caller's. One thread; the file outlives it.
// Errors are errno values, EBADMSG for a damaged record; after an error nothing has changed, but
// for bytes behind the end.
class Partition {
  public:
    Partition(ImageFile& file, uint8_t number, const PartitionRecord& record,
              const IndexRule& rule);

    // Finds the end: the first record behind the checkpoint that does not check.
    int open(const PartitionRecord& record);

    Cursor begin() const { return {.offset = start_}; }
    const Cursor& end() const { return end_; }
    uint64_t start() const { return start_; }
    uint64_t size() const { return size_; }
    uint64_t limit() const { return limit_; }
    // All in front of it is on the medium.
    const Cursor& synced() const { return synced_; }
    void set_synced() { synced_ = end_; }

    // The object behind `at`; type none: it is the end. Goes over index records.
    int peek(Cursor& at, RecordHeader& object);
    // Over one object, or none at the end or the beginning.
    int forward(Cursor& at, RecordHeader& passed);
    int back(Cursor& at, RecordHeader& passed);
    // The first place with `target` objects, or filemarks, in front of it; no more than there are.
    // A `hint` in front of it saves time.
    enum class Count : uint8_t { objects, filemarks };
    int find(Count what, uint64_t target, const Cursor& hint, Cursor& found);
    // The payload of the object at `at`, which peek() has found. EINVAL: `out` is too small.
    int read(const Cursor& at, const RecordHeader& block, std::span<const iovec> out);
    // As peek() and read(), of what is in memory. False: what is there is not known without the
    // file, or is no object. EAGAIN: the payload is not in the page cache, or is damaged.
    bool peek_cached(Cursor& at, RecordHeader& object);
    int read_cached(const Cursor& at, const RecordHeader& block, std::span<const iovec> out);

    // Whether so many bytes of records may follow there.
    bool fits(const Cursor& at, uint64_t bytes) const {
        return at.offset <= limit_ && bytes <= limit_ - at.offset;
    }
    // Behind the end. The payload is block.stored bytes.
    int append(RecordHeader block, std::span<const iovec> payload, uint64_t generation);
    int append_filemarks(uint64_t count, uint64_t generation);
    // `at` becomes the end.
    void cut(const Cursor& at);

    // The record of it for the metadata, with the checkpoint there.
    void describe(const Cursor& checkpoint, uint64_t floor, PartitionRecord& record) const;

  private:
    // Headers that were read, together with the bytes behind them.
    struct Window {
        uint64_t offset = 0;
        uint64_t length = 0;
        std::array<uint8_t, 8192> bytes;
    };
    bool in_window(uint64_t offset) const;
    int fill_window(uint64_t offset);
    using ReadFile = int (ImageFile::*)(uint64_t, std::span<const iovec>, uint64_t&);
    int read_by(ReadFile read, const Cursor& at, const RecordHeader& block,
                std::span<const iovec> out);
    int read_header(uint64_t offset, RecordHeader& header, bool& valid);
    int header_at(const Cursor& at, RecordHeader& header);
    bool follows(const RecordHeader& header, uint64_t floor, uint64_t file_size) const;
    int check_payload(uint64_t offset, const RecordHeader& header, bool& good);
    int walk(uint64_t floor);
    void passed(const Cursor& at, const RecordHeader& header);
    bool load_index(const PartitionRecord& record);
    int load_record(uint64_t offset, uint64_t limit, RecordHeader& header,
                    std::optional<SparseIndex::Due>& due);
    void rebuild_index();
    int put(RecordHeader& header, std::span<const iovec> payload, uint64_t generation);
    void put_index(uint64_t generation);

    ImageFile& file_;
    const uint8_t number_;
    const uint64_t start_, size_, limit_;
    const IndexRule rule_;
    Cursor end_, synced_;
    SparseIndex index_;
    Window window_;
    std::vector<iovec> pieces_;  // kept for its memory
    std::vector<uint8_t> payload_;
};

// The place behind a record.
Cursor behind(const Cursor& at, const RecordHeader& header);

}  // namespace tgt::store::ssc
