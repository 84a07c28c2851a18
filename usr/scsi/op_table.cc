// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/op_table.h"

#include <bit>

#include "scsi/command.h"
#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr uint8_t op_write_same_16 = 0x93;

// Where a CDB format keeps LBA and block count; a width of 0 means that there is none.
struct RangeFormat {
    uint8_t lba_at, lba_bytes, blocks_at, blocks_bytes;
};
constexpr RangeFormat range_formats[] = {
    {0, 0, 0, 0},   // none
    {1, 3, 4, 1},   // cdb6
    {2, 4, 7, 2},   // cdb10
    {2, 4, 6, 4},   // cdb12
    {2, 8, 10, 4},  // cdb16
    {2, 8, 13, 1},  // cdb16_byte
    {2, 8, 0, 0},   // cdb16_lba
};

uint64_t load(const uint8_t* bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
    return value;
}

// SBC-4 5.36 (VERIFY): what BYTCHK makes the initiator send.
uint64_t verify_blocks(uint8_t byte1, uint64_t blocks) {
    unsigned bytchk = wire::Bits<1, 2>::get(byte1);
    if (bytchk == 1) return blocks;
    return bytchk == 3 ? 1 : 0;
}

// SBC-4 5.52 (WRITE SAME(16)): NDOB says that there is no block.
uint64_t write_same_blocks(const OpRow& row, const uint8_t* cdb) {
    bool no_data_out = row.opcode == op_write_same_16 && (row.usage[1] & cdb[1] & 0x01);
    return no_data_out ? 0 : 1;
}

// SSC-4 5.3, 7.3: a number of blocks of the fixed length, or the length of one block.
uint64_t tape_bytes(const uint8_t* cdb, uint32_t block_size) {
    const bool fixed = (cdb[1] & 0x01) != 0;
    return load(cdb + 2, 3) * (fixed ? block_size : 1);
}

uint64_t bytes_of(const OpRow& row, const uint8_t* cdb, uint64_t blocks, uint32_t block_size) {
    switch (row.amount) {
        case Amount::none:
        case Amount::expected:
            return 0;
        case Amount::blocks:
            return blocks * block_size;
        case Amount::one_block:
            return write_same_blocks(row, cdb) * block_size;
        case Amount::two_times:
            return 2 * blocks * block_size;
        case Amount::verify_bytes:
            return verify_blocks(cdb[1], blocks) * block_size;
        case Amount::tape_6:
            return tape_bytes(cdb, block_size);
        case Amount::tape_verify_6:
            return (cdb[1] & 0x02) ? tape_bytes(cdb, block_size) : 0;
        case Amount::field:
            return load(cdb + row.length_at, row.length_bytes);
    }
    return 0;
}

}  // namespace

OpIndex::OpIndex(std::span<const OpRow> rows) : rows_(rows) {
    first_.fill(-1);
    has_actions_.fill(false);
    for (size_t i = rows.size(); i-- > 0;) {
        first_[rows[i].opcode] = int16_t(i);
        has_actions_[rows[i].opcode] = rows[i].service_action >= 0;
    }
}

const OpRow* OpIndex::find(const uint8_t* cdb, bool& opcode_known) const {
    const int first = first_[cdb[0]];
    opcode_known = first >= 0;
    if (!opcode_known) return nullptr;
    if (!has_actions_[cdb[0]]) return &rows_[size_t(first)];
    const int action = cdb[1] & 0x1f;
    for (size_t i = size_t(first); i < rows_.size(); ++i)
        if (rows_[i].opcode == cdb[0] && rows_[i].service_action == action) return &rows_[i];
    return nullptr;
}

Extents decode(const OpRow& row, const uint8_t* cdb, uint32_t block_size) {
    const RangeFormat& format = range_formats[size_t(row.range)];
    Extents extents;
    extents.lba = load(cdb + format.lba_at, format.lba_bytes);
    extents.blocks = load(cdb + format.blocks_at, format.blocks_bytes);
    if (row.range == Range::cdb6) {
        extents.lba &= 0x1fffff;
        if (extents.blocks == 0) extents.blocks = 256;
    }
    extents.bytes = bytes_of(row, cdb, extents.blocks, block_size);
    return extents;
}

std::optional<Sense> check_reserved_bits(const OpRow& row, const uint8_t* cdb) {
    for (size_t i = 1; i < row.cdb_length && i < row.usage.size(); ++i) {
        const uint8_t wrong = uint8_t(cdb[i] & ~row.usage[i]);
        if (wrong != 0)
            return sense::invalid_field_in_cdb(uint16_t(i), int8_t(std::bit_width(wrong) - 1));
    }
    return std::nullopt;
}

BlockRange reach_of_range(const Command& command) {
    return {command.extents.lba, command.extents.blocks};
}

}  // namespace tgt::scsi
