// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "scsi/reservations.h"
#include "scsi/unit_attention.h"

namespace tgt::scsi {

// Unit attentions that a device establishes itself (a medium was loaded, an import element was
// opened), for the nexuses of all workers at once: each looks here before it runs a command, so
// there is no moment at which the event has happened and a nexus does not know. Costs a nexus one
// load when there is nothing new. Any thread.
class AttentionBoard {
  public:
    // For every nexus but `except`.
    void post(UnitAttention attention, std::optional<NexusId> except = {});
    // How many were posted: a new nexus has seen that many.
    uint64_t posted() const { return posted_.load(std::memory_order_acquire); }
    // Whether anything was posted after `seen` for this nexus.
    bool has_news(uint64_t seen, const NexusId& id) const;
    // What was posted after `seen` and is for this nexus, in order; `seen` becomes posted().
    void take(uint64_t& seen, const NexusId& id, UnitAttentions& into);

  private:
    struct Entry {
        uint64_t number;
        UnitAttention attention;
        std::optional<NexusId> except;
    };
    std::atomic<uint64_t> posted_{0};
    mutable std::mutex mutex_;
    // Bounded: an old entry goes when all that it says is said by a newer one.
    std::vector<Entry> entries_;
};

}  // namespace tgt::scsi
