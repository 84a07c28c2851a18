// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/attention_board.h"

#include <algorithm>

namespace tgt::scsi {

namespace {
// Beyond it nobody is left out any more: one attention too many does no harm.
constexpr size_t max_entries = 64;
}  // namespace

void AttentionBoard::post(UnitAttention attention, std::optional<NexusId> except) {
    const std::lock_guard lock(mutex_);
    const uint64_t number = posted_.load(std::memory_order_relaxed) + 1;
    if (entries_.size() >= max_entries) except.reset();
    // A nexus has each code at most once, so the same code for the same nexuses replaces it.
    std::erase_if(entries_, [&](const Entry& old) {
        return old.attention == attention && (!except || old.except == except);
    });
    entries_.push_back({number, attention, std::move(except)});
    posted_.store(number, std::memory_order_release);
}

bool AttentionBoard::has_news(uint64_t seen, const NexusId& id) const {
    if (seen == posted()) return false;
    const std::lock_guard lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.number > seen && entry.except != id;
    });
}

void AttentionBoard::take(uint64_t& seen, const NexusId& id, UnitAttentions& into) {
    if (seen == posted()) return;
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_)
        if (entry.number > seen && entry.except != id) into.raise(entry.attention);
    seen = posted_.load(std::memory_order_relaxed);
}

}  // namespace tgt::scsi
