// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-lun/setup.h"

#include <gtest/gtest.h>

namespace tgt::setup_lun {
namespace {

using Numbers = std::vector<uint64_t>;

TEST(LowestFree, fills_the_first_hole) {
    EXPECT_EQ(lowest_free(1, {}), 1u);
    EXPECT_EQ(lowest_free(1, {2, 3}), 1u);
    EXPECT_EQ(lowest_free(1, {3, 1, 2}), 4u);
    EXPECT_EQ(lowest_free(0, {0, 2}), 1u);
    EXPECT_EQ(lowest_free(1, {0, 1, 1, 2}), 3u);
}

TEST(LowestFree, goes_beyond_255) {
    Numbers taken;
    for (uint64_t i = 1; i <= 300; ++i) taken.push_back(i);
    EXPECT_EQ(lowest_free(1, taken), 301u);
}

}  // namespace
}  // namespace tgt::setup_lun
