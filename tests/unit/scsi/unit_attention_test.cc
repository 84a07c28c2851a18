// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/unit_attention.h"

#include <gtest/gtest.h>

namespace tgt::scsi {
namespace {

using Codes = std::vector<UnitAttention>;

TEST(UnitAttentions, ResetsComeFirstInTheirPrecedence_Sam5_5_14) {
    UnitAttentions pending;
    pending.raise(ua::mode_parameters_changed);
    pending.raise(ua::nexus_loss);
    pending.raise(ua::reported_luns_changed);
    pending.raise(ua::power_on_reset);
    pending.raise(ua::bus_device_reset);
    EXPECT_EQ(pending.all(), Codes({ua::power_on_reset, ua::bus_device_reset, ua::nexus_loss,
                                    ua::mode_parameters_changed, ua::reported_luns_changed}));
}

TEST(UnitAttentions, EachCodeIsPendingOnce) {
    UnitAttentions pending;
    pending.raise(ua::capacity_changed);
    pending.raise(ua::reservations_released);
    pending.raise(ua::capacity_changed);
    EXPECT_EQ(pending.all(), Codes({ua::capacity_changed, ua::reservations_released}));
}

TEST(UnitAttentions, PopTakesTheFront) {
    UnitAttentions pending;
    pending.raise(ua::capacity_changed);
    pending.raise(ua::power_on_reset);
    EXPECT_EQ(pending.front(), ua::power_on_reset);
    pending.pop();
    EXPECT_EQ(pending.front(), ua::capacity_changed);
    pending.pop();
    EXPECT_TRUE(pending.empty());
    EXPECT_EQ(pending.front(), std::nullopt);
    pending.pop();
}

TEST(UnitAttentions, ClearTakesOneCodeOnly) {
    UnitAttentions pending;
    pending.raise(ua::reported_luns_changed);
    pending.raise(ua::capacity_changed);
    pending.clear(ua::reported_luns_changed);
    EXPECT_EQ(pending.all(), Codes({ua::capacity_changed}));
}

}  // namespace
}  // namespace tgt::scsi
