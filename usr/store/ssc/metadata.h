// SPDX-License-Identifier: GPL-2.0-or-later
// What a "tgt tape 3" image says of the cartridge: two copies at the beginning of the file, written
// in turn (doc/tape-format.md).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/ssc/file.h"
#include "store/tape.h"

namespace tgt::store::ssc {

constexpr uint64_t metadata_copy_size = uint64_t(256) << 10;
constexpr uint64_t metadata_area_size = 2 * metadata_copy_size;
constexpr size_t most_pending = 2048;                  // entries of an index
constexpr size_t attribute_memory = size_t(32) << 10;  // bytes, of one partition
constexpr uint64_t most_capacity = uint64_t(1) << 60;  // keeps offsets in 63 bits

// A place between records, and what is in front of it.
struct Cursor {
    uint64_t object = 0;
    uint64_t file = 0;
    uint64_t offset = 0;  // in the image
    uint64_t previous = 0;
    uint32_t previous_crc = 0;
    bool operator==(const Cursor&) const = default;
};

// Where an object begins.
struct IndexEntry {
    uint64_t object = 0;
    uint64_t file = 0;
    uint64_t offset = 0;
    bool operator==(const IndexEntry&) const = default;
};

struct PartitionRecord {
    uint64_t start = 0;               // of its region in the image
    uint64_t size = 0;                // nominal
    Cursor checkpoint;                // all in front of it is on the medium
    uint64_t floor = 0;               // the least generation of what stands behind it
    uint64_t index = 0;               // offset of the last index record in front of it; 0: none
    std::vector<IndexEntry> pending;  // between the two
    std::map<uint16_t, TapeAttribute> attributes;

    uint64_t limit() const;  // nothing goes beyond it
};

struct Metadata {
    uint64_t sequence = 0;
    uint64_t generation = 0;  // of what is written
    TapeKind kind = TapeKind::data;
    uint8_t density = 0;
    uint8_t max_partitions = 1;
    uint64_t capacity = 0;
    std::string barcode;
    std::string serial;
    std::vector<PartitionRecord> partitions;
};

// Bytes that a partition may have beyond its size, for what is written behind the end that it
// tells.
constexpr uint64_t slack_of(uint64_t size) {
    return size / 64;
}
// Empty partitions of these sizes: the largest has the end of the file.
std::vector<PartitionRecord> laid_out(std::span<const uint64_t> sizes);
// Bytes that an attribute takes.
size_t memory_of(const TapeAttribute& attribute);

std::vector<uint8_t> encode(const Metadata& metadata);
// Nothing when it is damaged, or of a version that this build does not know.
std::optional<Metadata> decode_metadata(std::span<const uint8_t> bytes);

// Whether an image begins as one of ours, also when nothing of it can be used.
bool looks_like_tape3(ImageFile& file);

// The newer copy that is whole. EINVAL: neither is; EPROTONOSUPPORT: a newer build's.
int load(ImageFile& file, Metadata& metadata);
// Puts it, with the next sequence number, over the older copy. What was stored before is on the
// medium by now.
int save(ImageFile& file, Metadata& metadata);

}  // namespace tgt::store::ssc
