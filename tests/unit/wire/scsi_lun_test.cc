// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/scsi_lun.h"

#include <gtest/gtest.h>

namespace tgt::wire {
namespace {

TEST(ScsiLun, Sam5_4_7_EveryMethodDecodes) {
    EXPECT_EQ(decode_lun(LunBytes{0, 0}), 0u);
    EXPECT_EQ(decode_lun(LunBytes{0, 255}), 255u);
    EXPECT_EQ(decode_lun(LunBytes{0x40, 7}), 7u);
    EXPECT_EQ(decode_lun(LunBytes{0x7f, 0xff}), 16383u);
    EXPECT_EQ(decode_lun(LunBytes{0xd2, 1, 2, 3}), 0x010203u);
}

TEST(ScsiLun, WhatNamesNothingHereIsRefused) {
    EXPECT_FALSE(decode_lun(LunBytes{1, 1}));        // another bus
    EXPECT_FALSE(decode_lun(LunBytes{0x80, 1}));     // logical unit addressing
    EXPECT_FALSE(decode_lun(LunBytes{0xc1, 1}));     // REPORT LUNS well known unit
    EXPECT_FALSE(decode_lun(LunBytes{0, 1, 0, 1}));  // a second level
    EXPECT_FALSE(decode_lun(LunBytes{0x40, 1, 0, 0, 0, 0, 0, 1}));
    EXPECT_FALSE(decode_lun(LunBytes{0xd2, 0, 0, 1, 1}));
}

TEST(ScsiLun, EncodingChoosesTheShortestMethodAndReturns) {
    EXPECT_EQ(encode_lun(255), (LunBytes{0, 255}));
    EXPECT_EQ(encode_lun(256), (LunBytes{0x41, 0}));
    EXPECT_EQ(encode_lun(16383), (LunBytes{0x7f, 0xff}));
    EXPECT_EQ(encode_lun(16384), (LunBytes{0xd2, 0, 0x40, 0}));
    for (uint64_t lun : {0u, 1u, 255u, 256u, 16383u, 16384u, 0xffffffu})
        EXPECT_EQ(decode_lun(encode_lun(lun)), lun);
}

}  // namespace
}  // namespace tgt::wire
