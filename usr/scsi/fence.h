// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges of a logical unit that one command has for itself, on all workers: while COMPARE AND WRITE
// and its like run, and while a write that was aborted may still land. A unit without fences pays
// one test per command.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "scsi/block_range.h"

namespace tgt::scsi {

class AbortWait;
class Command;
class LogicalUnit;
class LunShard;

// One fence. Shared by the table, by the workers where it stands, and by its command.
struct Fence {
    Fence(BlockRange r, bool is_orphan, LunShard& shard, Command& owner)
        : range(r), orphan(is_orphan), home(shard), command(&owner) {}

    const BlockRange range;
    // Its command is with the store already: the fence waits for nobody.
    const bool orphan;
    LunShard& home;  // where the command is

    // On the worker of `home`:
    Command* command;  // null when the command has ended
    bool up = false;   // it stands on every worker, and nothing that overlaps runs any more
    std::vector<std::shared_ptr<AbortWait>> waits;  // told when it is up
};
using FencePtr = std::shared_ptr<Fence>;

// The fences of a logical unit in the order in which they were asked for: of two that overlap the
// later waits for the earlier. Owned by the LogicalUnit; raise() and lower() on any thread, the
// rest on the control thread.
class FenceTable {
  public:
    explicit FenceTable(LogicalUnit& unit) : unit_(unit) {}

    // When the fence is up, Engine::fence_is_up() is called on the worker of its home.
    void raise(FencePtr fence);
    // Also before it is up.
    void lower(FencePtr fence);

  private:
    struct Entry {
        FencePtr fence;
        bool begun = false;       // the workers were told
        size_t workers_left = 0;  // whose answers are missing
    };
    using Entries = std::list<Entry>;

    void add(const FencePtr& fence);
    void remove(const FencePtr& fence);
    bool must_wait(Entries::const_iterator entry) const;
    void begin(Entry& entry);
    void answered(const FencePtr& fence);
    void begin_unblocked();

    LogicalUnit& unit_;
    Entries entries_;
};

// The fences that stand on one worker. Part of the LunShard; its worker's thread.
class ShardFences {
  public:
    bool stands_in_the_way(const BlockRange& range) const {
        return !standing_.empty() && overlaps_any(range);
    }
    // `clear` is called when no command that overlaps is with the store: perhaps at once.
    void add(LunShard& shard, FencePtr fence, std::function<void()> clear);
    // False when it does not stand here.
    bool remove(const Fence& fence);
    // A command of the shard has left the store.
    void command_left(LunShard& shard) {
        if (unclear_ > 0) answer_clear(shard);
    }

  private:
    struct Standing {
        FencePtr fence;
        std::function<void()> clear;  // empty: called
    };
    bool overlaps_any(const BlockRange& range) const;
    void answer_clear(LunShard& shard);

    std::vector<Standing> standing_;
    size_t unclear_ = 0;  // of standing_, with `clear` still to be called
};

}  // namespace tgt::scsi
