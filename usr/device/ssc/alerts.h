// SPDX-License-Identifier: GPL-2.0-or-later
// TapeAlert flags as pages show them (SSC-4 4.2.20): flag 1 is the most significant of 64 bits.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "device/ssc/counters.h"

namespace tgt::ssc {

constexpr unsigned alert_flags = 64;

// Of Counters::alerts, where bit n-1 is flag n.
constexpr uint64_t shown_alerts(uint64_t alerts) {
    uint64_t shown = 0;
    for (unsigned i = 0; i < alert_flags; ++i)
        if (alerts >> i & 1) shown |= uint64_t(1) << (alert_flags - 1 - i);
    return shown;
}

constexpr uint64_t alerts_of(std::initializer_list<Alert> flags) {
    uint64_t alerts = 0;
    for (Alert flag : flags) alerts |= uint64_t(1) << (unsigned(flag) - 1);
    return alerts;
}
constexpr uint64_t supported_alerts = alerts_of(
    {Alert::hard_error, Alert::media, Alert::read_failure, Alert::write_failure,
     Alert::write_protect, Alert::no_removal, Alert::cleaning_media, Alert::unsupported_format,
     Alert::expired_cleaning_media, Alert::worm_overwrite_attempted});

}  // namespace tgt::ssc
