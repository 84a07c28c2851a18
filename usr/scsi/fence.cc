// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/fence.h"

#include <algorithm>

#include "scsi/engine.h"
#include "scsi/logical_unit.h"

namespace tgt::scsi {

namespace {

bool something_overlaps(LunShard& shard, const BlockRange& range) {
    return shard.at_store.find_if(
               [&](const Command& command) { return command.reach().overlaps(range); }) != nullptr;
}

}  // namespace

// --- the control thread's side -----------------------------------------------------------------

void FenceTable::raise(FencePtr fence) {
    unit_.runtime().control().post(
        [this, unit = unit_.shared_from_this(), fence = std::move(fence)] { add(fence); });
}

void FenceTable::lower(FencePtr fence) {
    unit_.runtime().control().post(
        [this, unit = unit_.shared_from_this(), fence = std::move(fence)] { remove(fence); });
}

void FenceTable::add(const FencePtr& fence) {
    entries_.push_back({fence});
    if (fence->orphan || !must_wait(std::prev(entries_.end()))) begin(entries_.back());
}

bool FenceTable::must_wait(Entries::const_iterator entry) const {
    return std::any_of(entries_.begin(), entry, [&](const Entry& earlier) {
        return earlier.fence->range.overlaps(entry->fence->range);
    });
}

void FenceTable::begin(Entry& entry) {
    io::Runtime& runtime = unit_.runtime();
    entry.begun = true;
    entry.workers_left = runtime.worker_count();
    runtime.on_every_worker([this, unit = unit_.shared_from_this(), fence = entry.fence,
                             &control = runtime.control()](io::Worker& worker) {
        LunShard& shard = unit->shard(worker.index());
        shard.fences.add(shard, fence, [this, unit, fence, &control] {
            control.post([this, unit, fence] { answered(fence); });
        });
    });
}

void FenceTable::answered(const FencePtr& fence) {
    auto entry = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Entry& one) { return one.fence == fence; });
    // It may have been lowered before it was up.
    if (entry == entries_.end() || --entry->workers_left > 0) return;
    fence->home.worker.post(
        [unit = unit_.shared_from_this(), fence] { Engine::fence_is_up(*fence); });
}

void FenceTable::remove(const FencePtr& fence) {
    auto entry = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Entry& one) { return one.fence == fence; });
    if (entry == entries_.end()) return;
    const bool begun = entry->begun;
    entries_.erase(entry);
    if (begun)
        unit_.runtime().on_every_worker(
            [unit = unit_.shared_from_this(), fence](io::Worker& worker) {
                LunShard& shard = unit->shard(worker.index());
                if (shard.fences.remove(*fence)) Engine::release_held(shard);
            });
    begin_unblocked();
}

void FenceTable::begin_unblocked() {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
        if (!entry->begun && !must_wait(entry)) begin(*entry);
}

// --- a worker's side ----------------------------------------------------------------------------

void ShardFences::add(LunShard& shard, FencePtr fence, std::function<void()> clear) {
    const bool at_once = fence->orphan || !something_overlaps(shard, fence->range);
    standing_.push_back({std::move(fence), at_once ? nullptr : clear});
    if (at_once)
        clear();
    else
        ++unclear_;
}

bool ShardFences::remove(const Fence& fence) {
    auto found = std::find_if(standing_.begin(), standing_.end(),
                              [&](const Standing& one) { return one.fence.get() == &fence; });
    if (found == standing_.end()) return false;
    if (found->clear) --unclear_;
    standing_.erase(found);
    return true;
}

bool ShardFences::overlaps_any(const BlockRange& range) const {
    return std::any_of(standing_.begin(), standing_.end(),
                       [&](const Standing& one) { return one.fence->range.overlaps(range); });
}

void ShardFences::answer_clear(LunShard& shard) {
    for (Standing& one : standing_) {
        if (!one.clear || something_overlaps(shard, one.fence->range)) continue;
        --unclear_;
        std::exchange(one.clear, nullptr)();
    }
}

}  // namespace tgt::scsi
