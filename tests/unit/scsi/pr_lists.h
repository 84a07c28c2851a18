// SPDX-License-Identifier: GPL-2.0-or-later
// CDBs and parameter lists of PERSISTENT RESERVE.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scsi/transport_id.h"
#include "wire/endian.h"

namespace tgt::test {

using Bytes = std::vector<uint8_t>;

inline Bytes pr_in_cdb(uint8_t action, uint16_t length = 4096) {
    return {0x5e, action, 0, 0, 0, 0, 0, uint8_t(length >> 8), uint8_t(length), 0};
}
inline Bytes pr_out_cdb(uint8_t action, uint8_t type = 0, uint8_t length = 24) {
    return {0x5f, action, type, 0, 0, 0, 0, 0, length, 0};
}
inline Bytes pr_list(uint64_t key, uint64_t action_key, uint8_t flags = 0) {
    Bytes list(24, 0);
    wire::store_be<8>(&list[0], key);
    wire::store_be<8>(&list[8], action_key);
    list[20] = flags;
    return list;
}
inline Bytes move_list(uint64_t key, uint64_t action_key, uint8_t flags,
                       const Bytes& transport_id) {
    Bytes list = pr_list(key, action_key);
    list[17] = flags;
    wire::store_be<2>(&list[18], 1);
    wire::store_be<4>(&list[20], uint32_t(transport_id.size()));
    list.insert(list.end(), transport_id.begin(), transport_id.end());
    return list;
}
inline Bytes transport_id(const std::string& port) {
    Bytes out;
    scsi::append_transport_id(out, port);
    return out;
}

// A REGISTER with SPEC_I_PT and key 99h.
inline Bytes spec_list(const std::vector<Bytes>& ids) {
    Bytes list = pr_list(0, 0x99, 0x08);
    list.resize(28);
    for (const Bytes& id : ids) list.insert(list.end(), id.begin(), id.end());
    wire::store_be<4>(&list[24], uint32_t(list.size() - 28));
    return list;
}

}  // namespace tgt::test
