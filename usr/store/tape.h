// SPDX-License-Identifier: GPL-2.0-or-later
// The third seam to backing stores: a tape cartridge holds blocks and filemarks in partitions. It
// knows positions and room, and nothing of SCSI.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tgt::store {

enum class TapeKind : uint8_t { data, worm, cleaning };

// What a cartridge is, whatever is written on it.
struct TapeInfo {
    std::string_view format;  // of the file: "tgt tape 3", "tgt tape 2"
    TapeKind kind = TapeKind::data;
    uint8_t density = 0;    // SSC density code that it is made for; 0: any
    std::string barcode;    // at most 32 characters
    std::string serial;     // of the medium, at most 32
    uint64_t capacity = 0;  // nominal, bytes
    unsigned max_partitions = 1;
    bool read_only = false;    // the write-protect tab: the file, or how it was opened
    bool keeps_flags = false;  // TapeBlock::flags other than 0 can be written
};

enum class TapeObject : uint8_t { block, filemark, end_of_data, beginning_of_partition };

// A logical object. `flags` is the writer's: how the payload was made of the block.
struct TapeBlock {
    TapeObject kind = TapeObject::end_of_data;
    uint32_t length = 0;  // of the logical block, bytes
    uint32_t stored = 0;  // of the payload, bytes
    uint16_t flags = 0;
};

struct TapePosition {
    uint32_t partition = 0;
    uint64_t object = 0;  // blocks and filemarks in front of it, in the partition
    uint64_t file = 0;    // filemarks in front of it
    bool operator==(const TapePosition&) const = default;
};

// Room of a partition, in bytes as they are stored (headers included).
struct TapeRoom {
    uint64_t capacity = 0;
    uint64_t before = 0;  // taken up to the position; of another partition: up to its end of data
    uint64_t used = 0;    // taken up to the end of data
};

// How far a movement came: `count` objects passed, and what stopped it before all were.
struct TapeMoved {
    uint64_t count = 0;
    TapeObject stopped_at = TapeObject::block;  // block: nothing did
};

// A medium auxiliary memory attribute (SPC-5 7.4): binary, ASCII or text, at most 65,535 bytes.
struct TapeAttribute {
    enum class Format : uint8_t { binary = 0, ascii = 1, text = 2 };
    Format format = Format::binary;
    std::vector<uint8_t> value;
    bool operator==(const TapeAttribute&) const = default;
};

// An open cartridge. Owned by its Store. One thread at a time (the strand of the drive that has
// it); calls may wait for the device. Errors are errno values: EBADMSG is a damaged object (its
// checksum is wrong), EROFS a cartridge that cannot be written, ENOSPC a full file system. After an
// error the position is where it was, and what lies in front of it is as it was.
class Tape {
  public:
    virtual ~Tape() = default;
    virtual const TapeInfo& info() const = 0;

    // --- partitions
    virtual unsigned partitions() const = 0;
    virtual TapeRoom room(uint32_t partition) const = 0;
    // All partitions anew and empty, of these sizes in bytes (the sum is at most the nominal
    // capacity, which they use up or not); the position is the beginning of partition 0.
    virtual int format(std::span<const uint64_t> sizes) = 0;

    // --- where
    virtual const TapePosition& position() const = 0;
    // The object at the position, and the one in front of it.
    virtual int next(TapeBlock& block) = 0;
    virtual int previous(TapeBlock& block) = 0;

    // --- moving; nothing is flushed by it
    // To object `object` of `partition`, or to the end of data when that lies before it (then
    // `reached` is false).
    virtual int locate(uint32_t partition, uint64_t object, bool& reached) = 0;
    // To behind filemark number `file` (0: the beginning), or to the end of data.
    virtual int locate_file(uint32_t partition, uint64_t file, bool& reached) = 0;
    virtual int to_end_of_data(uint32_t partition) = 0;
    // Over blocks; stops behind (backwards: in front of) a filemark that it meets.
    virtual int space_blocks(int64_t count, TapeMoved& moved) = 0;
    // Over filemarks; forwards it ends behind the last, backwards in front of it.
    virtual int space_filemarks(int64_t count, TapeMoved& moved) = 0;

    // --- data
    // The payload of the block at the position into `out` (at least `stored` bytes in sum), then
    // moves behind it. EINVAL: there is no block. EBADMSG: the payload is damaged; the position is
    // behind it.
    virtual int read(std::span<const iovec> out) = 0;
    // As next() and read(), where no device has to be waited for: what next() has to tell is known
    // (false: it is not), and the payload is in the page cache (EAGAIN: it is not, or is damaged;
    // the position has not moved).
    virtual bool next_cached(TapeBlock&) { return false; }
    virtual int read_cached(std::span<const iovec>) { return EAGAIN; }
    // Puts a block at the position and moves behind it; everything behind is gone. The payload is
    // `stored` bytes. EFBIG: it would go beyond the partition's capacity by more than the format
    // allows.
    virtual int write(const TapeBlock& block, std::span<const iovec> payload) = 0;
    virtual int write_filemarks(uint32_t count) = 0;
    // The position becomes the end of data.
    virtual int truncate() = 0;
    // What was written before is on the medium.
    virtual int flush() = 0;
    // Why the medium does not have all that it was given: a flush has failed, also one that was not
    // asked for. From then on write() and flush() fail. 0: nothing is lost.
    virtual int lost() const { return 0; }

    // --- auxiliary memory; kept by the next flush() at the latest
    virtual const std::map<uint16_t, TapeAttribute>& attributes(uint32_t partition) const = 0;
    // An empty value removes it. ENOSPC: the memory is full.
    virtual int set_attribute(uint32_t partition, uint16_t id, TapeAttribute attribute) = 0;
    // What has been recorded: changes info().density.
    virtual int set_density(uint8_t density) = 0;
};

}  // namespace tgt::store
