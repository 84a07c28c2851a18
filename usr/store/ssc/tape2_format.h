// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes of version 2 of tgt's older tape images. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/ssc/create.h"
#include "store/tape.h"

namespace tgt::store::ssc::v2 {

constexpr uint32_t header_size = 48;
constexpr uint32_t memory_size = 1104;  // the record of the cartridge, behind the first header
constexpr uint32_t first_block = header_size + memory_size;
constexpr size_t barcode_length = 31;

enum Type : uint32_t {
    compressed = 1,
    data = 2,
    encrypted = 4,
    beginning_of_tape = 0x10,
    end_of_data = 0x20,
    filemark = 0x40,
    setmark = 0x80,
};

struct Header {
    uint32_t stored = 0;  // bytes that follow
    uint32_t size = 0;    // of the block; of the beginning of the tape: its capacity in MiB
    uint32_t type = 0;
    uint64_t number = 0;
    uint64_t previous = 0;  // offsets in the file
    uint64_t current = 0;
    uint64_t next = 0;
};

void append(const Header& header, std::vector<uint8_t>& to);
// Nothing when its checksum is wrong.
std::optional<Header> decode_header(std::span<const uint8_t> bytes);

// The record of the cartridge as it is kept: `memory_size` bytes.
using Memory = std::vector<uint8_t>;

TapeInfo info_of(const Memory& memory);
void set_density(Memory& memory, uint8_t density);
// The attributes that have a place in the record, and something there.
std::map<uint16_t, TapeAttribute> attributes_of(const Memory& memory);
// ENOSPC: it has none.
int set_attribute(Memory& memory, uint16_t id, const TapeAttribute& attribute);

// The file of a blank cartridge.
std::vector<uint8_t> blank(const CartridgeSpec& spec);

}  // namespace tgt::store::ssc::v2
