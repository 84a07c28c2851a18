// SPDX-License-Identifier: GPL-2.0-or-later
// Logical block protection (SSC-5 4.2.29; ECMA-319; RFC 7143 for CRC32C).
#include "device/ssc/block_protection.h"

#include <gtest/gtest.h>

#include <numeric>

namespace tgt::ssc {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(BlockProtection, Ecma319_ABlockAndItsCrcLeaveNoRemainder) {
    Bytes block(1000);
    std::iota(block.begin(), block.end(), uint8_t(7));
    const auto info = protection_of(Protection::reed_solomon, block);
    block.insert(block.end(), info.begin(), info.end());
    EXPECT_EQ(reed_solomon_crc(0, block), 0u);
    block[500] ^= 1;
    EXPECT_NE(reed_solomon_crc(0, block), 0u);
}

TEST(BlockProtection, Ecma319_TheCrcOfOneByteIsItTimesTheGenerator) {
    EXPECT_EQ(reed_solomon_crc(0, Bytes{0x00}), 0u);
    EXPECT_EQ(protection_of(Protection::reed_solomon, Bytes{0x01}),
              (ProtectionInfo{0x38, 0xcf, 0x38, 0x01}));
    EXPECT_EQ(protection_of(Protection::reed_solomon, Bytes{0x80}),
              (ProtectionInfo{0x51, 0x47, 0x51, 0x80}));
    EXPECT_EQ(protection_of(Protection::reed_solomon, Bytes{0xff}),
              (ProtectionInfo{0x76, 0x3f, 0x76, 0xff}));
}

TEST(BlockProtection, Rfc7143_B4_Crc32cGoesLeastSignificantByteFirst) {
    EXPECT_EQ(protection_of(Protection::crc32c, Bytes(32)),
              (ProtectionInfo{0xaa, 0x36, 0x91, 0x8a}));
}

TEST(BlockProtection, PiecesDoNotMatter) {
    Bytes block(77);
    std::iota(block.begin(), block.end(), uint8_t(0));
    const iovec pieces[] = {{block.data(), 5}, {block.data() + 5, 30}, {block.data() + 35, 42}};
    for (Protection method : {Protection::reed_solomon, Protection::crc32c}) {
        EXPECT_EQ(protection_of(method, pieces, 77), protection_of(method, block));
        EXPECT_EQ(protection_of(method, pieces, 20),
                  protection_of(method, std::span(block).first(20)));
    }
}

}  // namespace
}  // namespace tgt::ssc
