// SPDX-License-Identifier: GPL-2.0-or-later
// CDBs of block commands for tests.
#pragma once

#include <cstdint>
#include <vector>

#include "wire/endian.h"

namespace tgt::test {

using Bytes = std::vector<uint8_t>;

// The block command with this opcode: LBA and block count in the form of its group.
inline Bytes block_cdb(uint8_t opcode, uint64_t lba, uint32_t blocks, uint8_t byte1 = 0) {
    const unsigned group = opcode >> 5;
    Bytes cdb(group == 0 ? 6 : group == 4 ? 16 : group == 5 ? 12 : 10);
    cdb[0] = opcode;
    switch (cdb.size()) {
        case 6:
            wire::store_be<3>(&cdb[1], uint32_t(lba & 0x1fffff));
            cdb[4] = uint8_t(blocks);
            break;
        case 10:
            wire::store_be<4>(&cdb[2], uint32_t(lba));
            wire::store_be<2>(&cdb[7], uint16_t(blocks));
            break;
        case 12:
            wire::store_be<4>(&cdb[2], uint32_t(lba));
            wire::store_be<4>(&cdb[6], blocks);
            break;
        default:
            wire::store_be<8>(&cdb[2], lba);
            wire::store_be<4>(&cdb[10], blocks);
    }
    cdb[1] |= byte1;
    return cdb;
}

inline Bytes repeated(const Bytes& block, size_t times) {
    Bytes all;
    for (size_t i = 0; i < times; ++i) all.insert(all.end(), block.begin(), block.end());
    return all;
}

// Sense as Answer::sense() gives it.
constexpr uint32_t invalid_opcode = 0x052000, lba_out_of_range = 0x052100,
                   invalid_field_in_cdb = 0x052400, invalid_field_in_parameters = 0x052600,
                   parameter_list_length = 0x051a00, removal_prevented = 0x055302,
                   write_protected = 0x072700, miscompare = 0x0e1d00, no_medium = 0x023a00,
                   unrecovered_read = 0x031100, write_error = 0x030c00, no_space = 0x072707;

}  // namespace tgt::test
