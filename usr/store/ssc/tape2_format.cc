// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/tape2_format.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/crc32c.h"
#include "store/ssc/metadata.h"
#include "wire/endian.h"

namespace tgt::store::ssc::v2 {

namespace {

using namespace wire;

struct Layout {
    uint8_t crc[4];  // of what follows, the least significant byte first
    be32 stored;
    be32 size;
    be32 type;
    be64 number;
    be64 previous;
    be64 current;
    be64 next;
};
static_assert(sizeof(Layout) == header_size && alignof(Layout) == 1);

constexpr uint32_t version = 2;

// Where in the record. What is not named here is an attribute.
constexpr size_t remaining_at = 8, capacity_at = 16, memory_space_at = 40, density_at = 56,
                 serial_at = 264, length_at = 296, width_at = 300, type_at = 336,
                 information_at = 338, application_at = 344, maker_at = 256, barcode_at = 568;
constexpr uint8_t data_medium = 1, cleaning_medium = 2, worm_medium = 4;
constexpr uint16_t cleanings = 20;

using Format = TapeAttribute::Format;
struct Place {
    uint16_t id;
    Format format;
    size_t offset;
    size_t length;
};
// SPC-5 7.4.2
constexpr std::array<Place, 30> places = {{
    {0x0002, Format::binary, 24, 8},         // TapeAlert flags
    {0x0003, Format::binary, 32, 8},         // load count
    {0x0005, Format::ascii, 48, 8},          // assigning organization
    {0x0007, Format::binary, 62, 2},         // initialization count
    {0x020a, Format::ascii, 64, 40},         // the last drives
    {0x020b, Format::ascii, 104, 40},        //
    {0x020c, Format::ascii, 144, 40},        //
    {0x020d, Format::ascii, 184, 40},        //
    {0x0220, Format::binary, 224, 8},        // MiB written and read, in its life and since the load
    {0x0221, Format::binary, 232, 8},        //
    {0x0222, Format::binary, 240, 8},        //
    {0x0223, Format::binary, 248, 8},        //
    {0x0400, Format::ascii, maker_at, 8},    // manufacturer
    {0x0401, Format::ascii, serial_at, 32},  // serial number
    {0x0402, Format::binary, length_at, 4},  // length and width
    {0x0403, Format::binary, width_at, 4},
    {0x0404, Format::ascii, 304, 8},   // assigning organization
    {0x0406, Format::ascii, 320, 8},   // date
    {0x0407, Format::binary, 328, 8},  // capacity of the memory
    {0x0408, Format::binary, type_at, 1},
    {0x0409, Format::binary, information_at, 2},
    {0x0800, Format::ascii, application_at, 8},  // vendor, name and version of the application
    {0x0801, Format::ascii, 352, 32},            //
    {0x0802, Format::ascii, 384, 8},             //
    {0x0803, Format::text, 392, 160},            // label
    {0x0804, Format::ascii, 552, 12},            // date and time last written
    {0x0805, Format::binary, 567, 1},            // localization
    {0x0806, Format::ascii, barcode_at, barcode_length},
    {0x0807, Format::text, 600, 80},   // host
    {0x0808, Format::text, 680, 160},  // pool
}};

uint32_t crc_of(std::span<const uint8_t> header) {
    return crc32c(header.data() + sizeof(Layout::crc), header_size - sizeof(Layout::crc));
}

std::string text_at(const Memory& memory, size_t offset, size_t length) {
    std::string text(memory.begin() + ptrdiff_t(offset),
                     memory.begin() + ptrdiff_t(offset + length));
    text.resize(std::min(text.find('\0'), text.size()));
    text.resize(text.find_last_not_of(' ') + 1);
    return text;
}

void put_text(Memory& memory, size_t offset, std::string_view text, size_t length) {
    text = text.substr(0, length);
    std::copy(text.begin(), text.end(), memory.begin() + ptrdiff_t(offset));
}

std::string padded(std::string text, size_t length) {
    text.resize(length, ' ');
    return text;
}

TapeKind kind_of(uint8_t medium_type) {
    if (medium_type == worm_medium) return TapeKind::worm;
    return medium_type == cleaning_medium ? TapeKind::cleaning : TapeKind::data;
}

uint8_t medium_type_of(TapeKind kind) {
    if (kind == TapeKind::worm) return worm_medium;
    return kind == TapeKind::cleaning ? cleaning_medium : data_medium;
}

Memory blank_memory(const CartridgeSpec& spec, uint64_t capacity) {
    Memory memory(memory_size);
    store_be<4>(&memory[0], version);
    store_be<8>(&memory[remaining_at], capacity);
    store_be<8>(&memory[capacity_at], capacity);
    store_be<8>(&memory[memory_space_at], 256);
    memory[density_at] = spec.density;
    put_text(memory, maker_at, "Foo     ", 8);
    put_text(memory, serial_at, spec.serial, longest_text - 1);
    store_be<4>(&memory[length_at], 384);
    store_be<4>(&memory[width_at], 127);
    memory[type_at] = medium_type_of(spec.kind);
    if (spec.kind == TapeKind::cleaning) store_be<2>(&memory[information_at], cleanings);
    put_text(memory, application_at, "Bar     ", 8);
    put_text(memory, barcode_at, padded(spec.barcode, barcode_length), barcode_length);
    return memory;
}

}  // namespace

void append(const Header& header, std::vector<uint8_t>& to) {
    Layout wire = {};
    wire.stored = header.stored;
    wire.size = header.size;
    wire.type = header.type;
    wire.number = header.number;
    wire.previous = header.previous;
    wire.current = header.current;
    wire.next = header.next;
    const uint32_t crc = crc_of(bytes_of(wire));
    for (unsigned i = 0; i < 4; ++i) wire.crc[i] = uint8_t(crc >> (8 * i));
    const auto bytes = bytes_of(wire);
    to.insert(to.end(), bytes.begin(), bytes.end());
}

std::optional<Header> decode_header(std::span<const uint8_t> bytes) {
    if (bytes.size() < header_size) return std::nullopt;
    const auto wire = from_bytes<Layout>(bytes.data());
    uint32_t crc = 0;
    for (unsigned i = 0; i < 4; ++i) crc |= uint32_t(wire.crc[i]) << (8 * i);
    if (crc != crc_of(bytes)) return std::nullopt;
    return Header{wire.stored,   wire.size,    wire.type, wire.number,
                  wire.previous, wire.current, wire.next};
}

TapeInfo info_of(const Memory& memory) {
    TapeInfo info;
    info.format = "tgt tape 2";
    info.kind = kind_of(memory[type_at]);
    info.density = memory[density_at];
    info.barcode = text_at(memory, barcode_at, barcode_length);
    info.serial = text_at(memory, serial_at, longest_text);
    info.capacity = load_be<8>(&memory[capacity_at]);
    return info;
}

void set_density(Memory& memory, uint8_t density) {
    memory[density_at] = density;
}

std::map<uint16_t, TapeAttribute> attributes_of(const Memory& memory) {
    std::map<uint16_t, TapeAttribute> all;
    for (const Place& place : places) {
        std::vector<uint8_t> value(memory.begin() + ptrdiff_t(place.offset),
                                   memory.begin() + ptrdiff_t(place.offset + place.length));
        if (std::all_of(value.begin(), value.end(), [](uint8_t byte) { return byte == 0; }))
            continue;
        if (place.format == Format::ascii) std::replace(value.begin(), value.end(), '\0', ' ');
        if (place.format == Format::text)
            while (value.back() == 0) value.pop_back();
        all[place.id] = {place.format, std::move(value)};
    }
    return all;
}

// Numbers stand at the end of their field, texts at its beginning.
int set_attribute(Memory& memory, uint16_t id, const TapeAttribute& attribute) {
    const auto place =
        std::find_if(places.begin(), places.end(), [id](const Place& one) { return one.id == id; });
    const std::vector<uint8_t>& value = attribute.value;
    if (place == places.end()) return value.empty() ? 0 : ENOSPC;
    size_t length = value.size();
    // A text may be longer than its field by spaces.
    while (place->format == Format::ascii && length > place->length && value[length - 1] == ' ')
        --length;
    if (length > place->length) return ENOSPC;
    const auto field = memory.begin() + ptrdiff_t(place->offset);
    const uint8_t pad = place->format == Format::ascii && length > 0 ? ' ' : 0;
    std::fill_n(field, place->length, pad);
    const size_t skip = place->format == Format::binary ? place->length - length : 0;
    std::copy_n(value.begin(), length, field + ptrdiff_t(skip));
    return 0;
}

std::vector<uint8_t> blank(const CartridgeSpec& spec) {
    constexpr unsigned mebibyte_bits = 20;
    const uint64_t megabytes = spec.capacity >> mebibyte_bits;
    std::vector<uint8_t> file;
    append({.size = uint32_t(megabytes), .type = beginning_of_tape, .next = first_block}, file);
    const Memory memory = blank_memory(spec, megabytes << mebibyte_bits);
    file.insert(file.end(), memory.begin(), memory.end());
    append({.type = end_of_data, .number = 1, .current = first_block, .next = first_block}, file);
    return file;
}

}  // namespace tgt::store::ssc::v2
