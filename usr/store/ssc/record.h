// SPDX-License-Identifier: GPL-2.0-or-later
// A record of a "tgt tape 3" image: a header and its payload (doc/tape-format.md). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace tgt::store::ssc {

constexpr uint32_t record_header_size = 64;
constexpr uint32_t longest_block = uint32_t(16) << 20;
// A payload may be longer than its block: what does not compress, or a tag behind it.
constexpr uint32_t longest_payload = longest_block + (uint32_t(1) << 16);

enum class RecordType : uint8_t { none = 0, block = 1, filemark = 2, index = 3 };

struct RecordHeader {
    RecordType type = RecordType::none;
    uint8_t level = 0;      // index: how far back it reaches
    uint8_t partition = 0;  // it stands in
    uint16_t flags = 0;
    uint32_t length = 0;  // of the logical block
    uint32_t stored = 0;  // of the payload
    uint32_t payload_crc = 0;
    uint64_t object = 0;    // objects in front of it
    uint64_t file = 0;      // filemarks in front of it
    uint64_t previous = 0;  // offset of the record in front of it, in the file; 0: it is the first
    uint32_t previous_crc = 0;  // the `crc` of that one
    uint64_t generation = 0;    // never less than that of the record in front of it
    uint32_t crc = 0;           // of the header

    uint64_t size() const { return record_header_size + uint64_t(stored); }
    bool is_object() const { return type == RecordType::block || type == RecordType::filemark; }
};

using HeaderBytes = std::array<uint8_t, record_header_size>;

// Sets `crc`, too.
HeaderBytes encode(RecordHeader& header);
// Nothing when the bytes are no header that we would have written.
std::optional<RecordHeader> decode_header(std::span<const uint8_t> bytes);

}  // namespace tgt::store::ssc
