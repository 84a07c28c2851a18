// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/target.h"

#include <optional>

#include "scsi/abort.h"

namespace tgt::scsi {

namespace {

// One LUN comes, goes, or leads to another unit. Lives until every worker has let go of the old
// one, and keeps that alive; the new one may have gone before.
struct LunSwap {
    std::shared_ptr<Target> target;
    uint64_t lun;
    std::shared_ptr<LogicalUnit> from;  // null: there was none
    io::Duration bound;
    size_t workers_left;
    bool all_ended = true;
    std::function<void(bool)> done;
};

// Detaches the LUN from every nexus here; what is still with the store stays behind in
// unit.detached.
std::vector<Command*> detach_lun(TargetShard& shard, uint64_t lun, LunShard& unit) {
    std::vector<Command*> victims;
    shard.luns.erase(lun);
    // Those of nexuses that ended before are with the store, too.
    for (auto& itl : unit.detached) {
        if (&itl->target != &shard || itl->lun != lun) continue;
        for (Command* command : commands_of(*itl)) victims.push_back(command);
    }
    shard.nexuses.for_each([&](Nexus& nexus) {
        ItlNexus* itl = nexus.find(lun);
        if (!itl) return;
        for (Command* command : commands_of(*itl)) victims.push_back(command);
        IntrusiveList<ItlNexus>::remove(*itl);
        itl->set_prevents_removal(false);
        itl->shard.detached.push_back(std::move(nexus.luns()[lun]));
        nexus.luns().erase(lun);
    });
    return victims;
}

void attach_lun(TargetShard& shard, uint64_t lun, LunShard& unit) {
    shard.luns[lun] = &unit;
    shard.nexuses.for_each(
        [&](Nexus& nexus) { nexus.luns()[lun] = std::make_unique<ItlNexus>(nexus, unit, lun); });
}

// On every LUN but one that was not there before.
void announce_luns(TargetShard& shard, std::optional<uint64_t> but) {
    shard.nexuses.for_each([&](Nexus& nexus) {
        for (auto& [lun, itl] : nexus.luns())
            if (lun != but) itl->attentions.raise(ua::reported_luns_changed);
    });
}

// Keeps the unit alive while commands that outlived the bound are with its store.
void hold_while_busy(LunShard& shard, std::shared_ptr<LogicalUnit> unit) {
    if (shard.detached.empty()) return;
    shard.on_drained = [&shard, unit]() mutable {
        // Let go in a later turn: the caller still uses the shard.
        shard.worker.post([last_reference = std::move(unit)] {});
    };
}

void let_go(const std::shared_ptr<LunSwap>& swap, unsigned worker, bool ended) {
    if (swap->from) {
        LunShard& unit = swap->from->shard(worker);
        unit.drop_idle_detached();
        hold_while_busy(unit, swap->from);
    }
    swap->target->runtime().control().post([swap, ended] {
        swap->all_ended = swap->all_ended && ended;
        if (--swap->workers_left > 0) return;
        swap->from.reset();
        swap->done(swap->all_ended);
    });
}

// In one turn of the worker, so that no command sees half of it. `to` may be null.
void swap_here(const std::shared_ptr<LunSwap>& swap, LogicalUnit* to, io::Worker& worker) {
    const unsigned index = worker.index();
    TargetShard& shard = swap->target->shard(index);
    std::vector<Command*> victims;
    if (swap->from) victims = detach_lun(shard, swap->lun, swap->from->shard(index));
    if (to) attach_lun(shard, swap->lun, to->shard(index));
    announce_luns(shard, swap->from ? std::nullopt : std::optional(swap->lun));
    auto wait = std::make_shared<AbortWait>(
        worker, [swap, index](bool ended) { let_go(swap, index, ended); });
    abort_commands(victims, wait);
    if (swap->from) swap->from->shard(index).drop_idle_detached();
    wait->seal(swap->bound);
}

}  // namespace

Target::Target(io::Runtime& runtime, std::string name, uint16_t relative_port)
    : runtime_(runtime), name_(std::move(name)), relative_port_(relative_port) {
    for (unsigned i = 0; i < runtime.worker_count(); ++i)
        shards_.push_back(std::make_unique<TargetShard>(*this, runtime.worker(i)));
}

Target::~Target() = default;

void Target::add_lun(uint64_t lun, std::shared_ptr<LogicalUnit> unit, std::function<void()> done) {
    change_lun(lun, std::move(unit), {}, [done = std::move(done)](bool) {
        if (done) done();
    });
}

void Target::remove_lun(uint64_t lun, io::Duration bound, std::function<void(bool)> done) {
    if (luns_.count(lun))
        change_lun(lun, nullptr, bound, std::move(done));
    else
        done(true);
}

void Target::replace_lun(uint64_t lun, std::shared_ptr<LogicalUnit> unit, io::Duration bound,
                         std::function<void(bool)> done) {
    change_lun(lun, std::move(unit), bound, std::move(done));
}

void Target::change_lun(uint64_t lun, std::shared_ptr<LogicalUnit> unit, io::Duration bound,
                        std::function<void(bool)> done) {
    std::shared_ptr<LogicalUnit> from;
    if (const auto found = luns_.find(lun); found != luns_.end()) from = found->second;
    if (unit) {
        unit->add_port(relative_port_);
        luns_[lun] = unit;
    } else {
        luns_.erase(lun);
    }
    if (from) from->remove_port(relative_port_);
    auto swap = std::make_shared<LunSwap>(LunSwap{shared_from_this(), lun, std::move(from), bound,
                                                  runtime_.worker_count(), true, std::move(done)});
    runtime_.on_every_worker(
        [swap, to = std::move(unit)](io::Worker& worker) { swap_here(swap, to.get(), worker); });
}

}  // namespace tgt::scsi
