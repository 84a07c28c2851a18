// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/peer_log.h"

#include <algorithm>
#include <utility>

namespace tgt::iscsi {

namespace {

constexpr auto period = std::chrono::seconds(1);

}  // namespace

void EventCounter::report() {
    if (events_ == 0) return;
    write_(std::exchange(events_, 0));
    worker_.timers().arm_in(next_line_, period);
}

bool LineBudget::spend(Share& share, log::Level level) {
    if (!log::enabled(log::Module::iscsi, level)) return false;
    if (!refill_.armed()) worker_.timers().arm_in(refill_, period);
    return ++share.used <= share.lines;
}

void LineBudget::refill() {
    uint64_t left_out = 0;
    for (Share* share : {&info_, &warning_, &stranger_}) {
        left_out += share->used - std::min(share->used, share->lines);
        share->used = 0;
    }
    if (left_out > 0)
        log::warn(log::Module::iscsi, "{} more lines about connections were left out", left_out);
}

}  // namespace tgt::iscsi
