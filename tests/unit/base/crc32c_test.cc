// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace tgt {
namespace {

// The bytes of RFC 3720 B.4 are in wire order: least significant byte first.
TEST(Crc32c, Rfc3720B4ThirtyTwoZeroes) {
    std::array<uint8_t, 32> data{};
    EXPECT_EQ(crc32c(data.data(), data.size()), 0x8a9136aau);
}

TEST(Crc32c, Rfc3720B4ThirtyTwoOnes) {
    std::array<uint8_t, 32> data;
    data.fill(0xff);
    EXPECT_EQ(crc32c(data.data(), data.size()), 0x62a8ab43u);
}

TEST(Crc32c, Rfc3720B4Incrementing) {
    std::array<uint8_t, 32> data;
    std::iota(data.begin(), data.end(), uint8_t(0));
    EXPECT_EQ(crc32c(data.data(), data.size()), 0x46dd794eu);
}

TEST(Crc32c, Rfc3720B4Decrementing) {
    std::array<uint8_t, 32> data;
    std::iota(data.rbegin(), data.rend(), uint8_t(0));
    EXPECT_EQ(crc32c(data.data(), data.size()), 0x113fdb5cu);
}

TEST(Crc32c, Rfc3720B4ScsiReadPdu) {
    std::array<uint8_t, 48> pdu{};
    pdu[0] = 0x01;
    pdu[1] = 0xc0;
    pdu[16] = 0x14;
    pdu[22] = 0x04;
    pdu[27] = 0x14;
    pdu[31] = 0x18;
    pdu[32] = 0x28;
    pdu[40] = 0x02;
    EXPECT_EQ(crc32c(pdu.data(), pdu.size()), 0xd9963a56u);
}

TEST(Crc32c, PiecesGiveTheSameAsTheWhole) {
    std::array<uint8_t, 1000> data;
    std::iota(data.begin(), data.end(), uint8_t(3));
    for (size_t cut : {0, 1, 7, 500, 999, 1000}) {
        uint32_t crc = crc32c_update(crc32c_start, data.data(), cut);
        crc = crc32c_update(crc, data.data() + cut, data.size() - cut);
        EXPECT_EQ(crc32c_finish(crc), crc32c(data.data(), data.size())) << "cut at " << cut;
    }
}

}  // namespace
}  // namespace tgt
