// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/scsi_identity.h"

#include <gmock/gmock.h>

#include <cstring>

namespace tgt::tgt_admin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ScsiIdentityTest, WhatTheDeviceSaysBecomesParameters) {
    std::vector<uint8_t> inquiry(36), limits(64), capacity(32);
    std::memcpy(inquiry.data() + 8, "ATA     Some Disk       1.0 ", 28);
    const std::vector<uint8_t> serial{0, 0x80, 0, 6, ' ', ' ', 'S', 'N', '1', ' '};
    limits[1] = 0xb0;
    limits[7] = 8;
    limits[14] = 1;
    capacity[10] = 2;     // 512
    capacity[13] = 0x13;  // P_I_EXPONENT 1, LBPPBE 3
    capacity[14] = 0xc0;  // LBPME and LBPRZ, not part of the alignment
    capacity[15] = 7;
    const Identity identity = identity_from({inquiry, serial, limits, capacity});
    EXPECT_THAT(identity.parameters,
                ElementsAre(Pair("vendor_id", "ATA"), Pair("product_id", "Some Disk"),
                            Pair("product_rev", "1.0"), Pair("scsi_sn", "SN1"),
                            Pair("optimal_xfer_gran", "8"), Pair("optimal_xfer_len", "256"),
                            Pair("lbppbe", "3"), Pair("la_lba", "7")));
    EXPECT_EQ(identity.block_size, "512");
}

TEST(ScsiIdentityTest, AnswersThatAreMissingOrCutShortAreLeftOut) {
    const std::vector<uint8_t> shorter{0, 0x80, 0, 200, 'S'};
    const Identity identity = identity_from({{}, shorter, shorter, shorter});
    EXPECT_THAT(identity.parameters, ElementsAre(Pair("scsi_sn", "S")));
    EXPECT_THAT(identity.block_size, IsEmpty());
    EXPECT_FALSE(scsi_identity("/dev/null"));
}

}  // namespace
}  // namespace tgt::tgt_admin
