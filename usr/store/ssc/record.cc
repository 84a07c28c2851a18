// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/record.h"

#include "base/crc32c.h"
#include "wire/endian.h"

namespace tgt::store::ssc {

namespace {

using namespace wire;

struct Layout {
    be32 magic;
    be32 crc;  // of all that follows
    uint8_t type;
    uint8_t level;
    be16 flags;
    be32 length;
    be32 stored;
    be32 payload_crc;
    be64 object;
    be64 file;
    be64 previous;
    be32 previous_crc;
    uint8_t partition;
    uint8_t reserved[3];
    be64 generation;
};
static_assert(sizeof(Layout) == record_header_size && alignof(Layout) == 1);

constexpr uint32_t magic = 0x54675233;  // "TgR3"
constexpr size_t crc_from = 8;

uint32_t crc_of(std::span<const uint8_t> bytes) {
    return crc32c(bytes.data() + crc_from, record_header_size - crc_from);
}

bool sensible(const RecordHeader& header) {
    switch (header.type) {
        case RecordType::block:
            return header.length <= longest_block && header.stored <= longest_payload;
        case RecordType::filemark:
            return header.length == 0 && header.stored == 0;
        case RecordType::index:
            return header.stored <= longest_payload && header.level <= 1;
        case RecordType::none:
            break;
    }
    return false;
}

}  // namespace

HeaderBytes encode(RecordHeader& header) {
    Layout wire = {};
    wire.magic = magic;
    wire.type = uint8_t(header.type);
    wire.level = header.level;
    wire.flags = header.flags;
    wire.length = header.length;
    wire.stored = header.stored;
    wire.payload_crc = header.payload_crc;
    wire.object = header.object;
    wire.file = header.file;
    wire.previous = header.previous;
    wire.previous_crc = header.previous_crc;
    wire.partition = header.partition;
    wire.generation = header.generation;
    header.crc = crc_of(bytes_of(wire));
    wire.crc = header.crc;
    HeaderBytes bytes;
    memcpy(bytes.data(), &wire, sizeof(wire));
    return bytes;
}

std::optional<RecordHeader> decode_header(std::span<const uint8_t> bytes) {
    if (bytes.size() < record_header_size) return std::nullopt;
    const auto wire = from_bytes<Layout>(bytes.data());
    if (wire.magic != magic || wire.crc != crc_of(bytes)) return std::nullopt;
    RecordHeader header;
    header.type = RecordType(wire.type);
    header.level = wire.level;
    header.partition = wire.partition;
    header.flags = wire.flags;
    header.length = wire.length;
    header.stored = wire.stored;
    header.payload_crc = wire.payload_crc;
    header.object = wire.object;
    header.file = wire.file;
    header.previous = wire.previous;
    header.previous_crc = wire.previous_crc;
    header.generation = wire.generation;
    header.crc = wire.crc;
    if (!sensible(header)) return std::nullopt;
    return header;
}

}  // namespace tgt::store::ssc
