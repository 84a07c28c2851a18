// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/metadata.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/crc32c.h"
#include "store/ssc/create.h"
#include "store/ssc/record.h"
#include "wire/endian.h"

namespace tgt::store::ssc {

namespace {

using namespace wire;

constexpr uint32_t version = 3;
constexpr std::array<uint8_t, 8> magic = {'t', 'g', 't', ' ', 't', 'a', 'p', 'e'};
constexpr uint64_t region_alignment = 4096;

struct Head {
    uint8_t magic[8];
    be32 version;
    be32 crc;  // of the version and of all that follows
    be64 sequence;
    be32 length;    // of the copy, with this
    be32 features;  // that a reader must know; none are defined
    be64 generation;
    be64 capacity;
    uint8_t kind;
    uint8_t density;
    uint8_t max_partitions;
    uint8_t partitions;
    uint8_t reserved[12];
};
static_assert(sizeof(Head) == 64 && alignof(Head) == 1);

enum class Tag : uint16_t { barcode = 1, serial = 2, partition = 3, pending = 4, attribute = 5 };

struct ItemHead {
    be16 tag;
    uint8_t partition;
    uint8_t reserved;
    be32 length;  // of what follows
};

struct PartitionItem {
    be64 start;
    be64 size;
    be64 object;
    be64 file;
    be64 offset;
    be64 previous;
    be32 previous_crc;
    be32 reserved;
    be64 floor;
    be64 index;
};

struct EntryItem {
    be64 object;
    be64 file;
    be64 offset;
};

struct AttributeItem {
    be16 id;
    uint8_t format;
    uint8_t reserved;
};

using Bytes = std::vector<uint8_t>;
using Piece = std::span<const uint8_t>;

uint32_t crc_of(Piece copy) {
    uint32_t crc = crc32c_update(crc32c_start, &copy[offsetof(Head, version)], sizeof(be32));
    constexpr size_t from = offsetof(Head, sequence);
    return crc32c_finish(crc32c_update(crc, copy.data() + from, copy.size() - from));
}

void put(Bytes& out, Piece bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Piece bytes_of_text(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void put_item(Bytes& out, Tag tag, size_t partition, Piece first, Piece second = {}) {
    ItemHead head = {};
    head.tag = uint16_t(tag);
    head.partition = uint8_t(partition);
    head.length = uint32_t(first.size() + second.size());
    put(out, bytes_of(head));
    put(out, first);
    put(out, second);
}

void put_partition(Bytes& out, size_t number, const PartitionRecord& record) {
    PartitionItem item = {};
    item.start = record.start;
    item.size = record.size;
    item.object = record.checkpoint.object;
    item.file = record.checkpoint.file;
    item.offset = record.checkpoint.offset;
    item.previous = record.checkpoint.previous;
    item.previous_crc = record.checkpoint.previous_crc;
    item.floor = record.floor;
    item.index = record.index;
    put_item(out, Tag::partition, number, bytes_of(item));
    Bytes entries;
    for (const IndexEntry& entry : record.pending)
        put(entries, bytes_of(EntryItem{entry.object, entry.file, entry.offset}));
    if (!entries.empty()) put_item(out, Tag::pending, number, entries);
    for (const auto& [id, attribute] : record.attributes) {
        const AttributeItem head = {id, uint8_t(attribute.format), 0};
        put_item(out, Tag::attribute, number, bytes_of(head), attribute.value);
    }
}

bool take_text(Piece value, std::string& text) {
    text.assign(value.begin(), value.end());
    return text.size() <= longest_text;
}

bool take_partition(Piece value, PartitionRecord& record) {
    if (value.size() != sizeof(PartitionItem)) return false;
    const auto item = from_bytes<PartitionItem>(value.data());
    record.start = item.start;
    record.size = item.size;
    record.checkpoint = {item.object, item.file, item.offset, item.previous, item.previous_crc};
    record.floor = item.floor;
    record.index = item.index;
    if (record.start < metadata_area_size || record.start > most_capacity || record.size == 0 ||
        record.size > most_capacity)
        return false;
    const Cursor& at = record.checkpoint;
    return at.offset >= record.start && at.offset <= record.limit() && at.file <= at.object &&
           at.object <= (at.offset - record.start) / record_header_size &&
           (record.index == 0 || (record.index >= record.start && record.index < at.offset));
}

bool take_pending(Piece value, PartitionRecord& record) {
    if (value.size() % sizeof(EntryItem) != 0 || value.size() / sizeof(EntryItem) > most_pending)
        return false;
    for (; !value.empty(); value = value.subspan(sizeof(EntryItem))) {
        const auto item = from_bytes<EntryItem>(value.data());
        record.pending.push_back({item.object, item.file, item.offset});
    }
    return true;
}

bool take_attribute(Piece value, PartitionRecord& record) {
    if (value.size() <= sizeof(AttributeItem)) return false;
    const auto head = from_bytes<AttributeItem>(value.data());
    if (head.format > uint8_t(TapeAttribute::Format::text)) return false;
    value = value.subspan(sizeof(AttributeItem));
    if (value.size() > UINT16_MAX) return false;
    record.attributes[head.id] = {TapeAttribute::Format(head.format),
                                  Bytes(value.begin(), value.end())};
    return true;
}

// What this version does not know is passed over.
bool take_item(const ItemHead& head, Piece value, Metadata& metadata) {
    const Tag tag = Tag(head.tag.get());
    if (tag == Tag::barcode) return take_text(value, metadata.barcode);
    if (tag == Tag::serial) return take_text(value, metadata.serial);
    if (tag != Tag::partition && tag != Tag::pending && tag != Tag::attribute) return true;
    if (head.partition >= metadata.partitions.size()) return false;
    PartitionRecord& record = metadata.partitions[head.partition];
    if (tag == Tag::partition) return take_partition(value, record);
    return tag == Tag::pending ? take_pending(value, record) : take_attribute(value, record);
}

bool take_items(Piece rest, Metadata& metadata) {
    while (!rest.empty()) {
        if (rest.size() < sizeof(ItemHead)) return false;
        const auto head = from_bytes<ItemHead>(rest.data());
        rest = rest.subspan(sizeof(ItemHead));
        if (head.length > rest.size() || !take_item(head, rest.first(head.length), metadata))
            return false;
        rest = rest.subspan(head.length);
    }
    return true;
}

bool regions_are_apart(const std::vector<PartitionRecord>& partitions) {
    for (size_t i = 0; i < partitions.size(); ++i) {
        if (partitions[i].size == 0) return false;
        for (size_t k = 0; k < i; ++k)
            if (partitions[i].start < partitions[k].limit() &&
                partitions[k].start < partitions[i].limit())
                return false;
    }
    return true;
}

bool take_head(const Head& head, Metadata& metadata) {
    if (head.kind > uint8_t(TapeKind::cleaning) || head.partitions == 0 ||
        head.partitions > most_partitions || head.max_partitions == 0 ||
        head.max_partitions > most_partitions || head.capacity == 0 ||
        head.capacity > most_capacity)
        return false;
    metadata.sequence = head.sequence;
    metadata.generation = head.generation;
    metadata.kind = TapeKind(head.kind);
    metadata.density = head.density;
    metadata.max_partitions = head.max_partitions;
    metadata.capacity = head.capacity;
    metadata.partitions.resize(head.partitions);
    return true;
}

// One of the copies: its length, or 0 when it is not there.
uint32_t read_copy(ImageFile& file, unsigned number, Bytes& copy) {
    uint64_t got = 0;
    copy.resize(sizeof(Head));
    const uint64_t offset = number * metadata_copy_size;
    if (file.read_bytes(offset, copy, got) != 0 || got < sizeof(Head)) return 0;
    const auto head = from_bytes<Head>(copy.data());
    if (!std::equal(magic.begin(), magic.end(), head.magic) || head.length < sizeof(Head) ||
        head.length > metadata_copy_size)
        return 0;
    copy.resize(head.length);
    if (file.read_bytes(offset, copy, got) != 0 || got < copy.size()) return 0;
    return crc_of(copy) == head.crc ? uint32_t(head.length) : 0;
}

}  // namespace

uint64_t PartitionRecord::limit() const {
    return start + size + slack_of(size);
}

std::vector<PartitionRecord> laid_out(std::span<const uint64_t> sizes) {
    std::vector<size_t> by_size(sizes.size());
    std::iota(by_size.begin(), by_size.end(), size_t(0));
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](size_t a, size_t b) { return sizes[a] < sizes[b]; });
    std::vector<PartitionRecord> records(sizes.size());
    uint64_t at = metadata_area_size;
    for (size_t number : by_size) {
        PartitionRecord& record = records[number];
        record.start = record.checkpoint.offset = at;
        record.size = sizes[number];
        at = (record.limit() + region_alignment - 1) / region_alignment * region_alignment;
    }
    return records;
}

size_t memory_of(const TapeAttribute& attribute) {
    return sizeof(ItemHead) + sizeof(AttributeItem) + attribute.value.size();
}

std::vector<uint8_t> encode(const Metadata& metadata) {
    Head head = {};
    std::copy(magic.begin(), magic.end(), head.magic);
    head.version = version;
    head.sequence = metadata.sequence;
    head.generation = metadata.generation;
    head.capacity = metadata.capacity;
    head.kind = uint8_t(metadata.kind);
    head.density = metadata.density;
    head.max_partitions = metadata.max_partitions;
    head.partitions = uint8_t(metadata.partitions.size());
    Bytes out;
    put(out, bytes_of(head));
    put_item(out, Tag::barcode, 0, bytes_of_text(metadata.barcode));
    put_item(out, Tag::serial, 0, bytes_of_text(metadata.serial));
    for (size_t i = 0; i < metadata.partitions.size(); ++i)
        put_partition(out, i, metadata.partitions[i]);
    store_be<4>(&out[offsetof(Head, length)], uint32_t(out.size()));
    store_be<4>(&out[offsetof(Head, crc)], crc_of(out));
    return out;
}

std::optional<Metadata> decode_metadata(std::span<const uint8_t> bytes) {
    if (bytes.size() < sizeof(Head) || bytes.size() > metadata_copy_size) return std::nullopt;
    const auto head = from_bytes<Head>(bytes.data());
    Metadata metadata;
    if (!std::equal(magic.begin(), magic.end(), head.magic) || head.version != version ||
        head.features != 0 || head.length != bytes.size() || head.crc != crc_of(bytes) ||
        !take_head(head, metadata) || !take_items(bytes.subspan(sizeof(Head)), metadata) ||
        !regions_are_apart(metadata.partitions))
        return std::nullopt;
    return metadata;
}

bool looks_like_tape3(ImageFile& file) {
    for (unsigned number : {0u, 1u}) {
        std::array<uint8_t, magic.size()> start;
        uint64_t got = 0;
        if (file.read_bytes(number * metadata_copy_size, start, got) == 0 && got == start.size() &&
            start == magic)
            return true;
    }
    return false;
}

int load(ImageFile& file, Metadata& metadata) {
    bool found = false, unknown = false;
    for (unsigned number : {0u, 1u}) {
        Bytes copy;
        if (!read_copy(file, number, copy)) continue;
        auto one = decode_metadata(copy);
        if (!one) unknown = true;
        if (!one || (found && one->sequence <= metadata.sequence)) continue;
        metadata = std::move(*one);
        found = true;
    }
    // A whole copy that means nothing to us was written by somebody who knew more.
    if (unknown) return EPROTONOSUPPORT;
    return found ? 0 : EINVAL;
}

int save(ImageFile& file, Metadata& metadata) {
    ++metadata.sequence;
    const Bytes copy = encode(metadata);
    const int error = copy.size() > metadata_copy_size
                          ? ENOSPC
                          : file.write_bytes((metadata.sequence & 1) * metadata_copy_size, copy);
    if (error) --metadata.sequence;
    return error;
}

}  // namespace tgt::store::ssc
