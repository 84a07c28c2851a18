// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/unit_attention.h"

#include <algorithm>

namespace tgt::scsi {

namespace {

constexpr uint8_t reset_group = 0x29;

// SAM-5 5.14: power on before hard reset before logical unit reset before nexus loss, which is the
// order of their qualifiers; everything else after them.
bool before(UnitAttention a, UnitAttention b) {
    if (a.asc != reset_group) return false;
    return b.asc != reset_group || a.ascq < b.ascq;
}

}  // namespace

void UnitAttentions::raise(UnitAttention attention) {
    if (std::find(pending_.begin(), pending_.end(), attention) != pending_.end()) return;
    auto place = std::upper_bound(pending_.begin(), pending_.end(), attention, before);
    pending_.insert(place, attention);
}

std::optional<UnitAttention> UnitAttentions::front() const {
    if (pending_.empty()) return std::nullopt;
    return pending_.front();
}

void UnitAttentions::pop() {
    if (!pending_.empty()) pending_.erase(pending_.begin());
}

void UnitAttentions::clear(UnitAttention attention) {
    std::erase(pending_, attention);
}

}  // namespace tgt::scsi
