// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/target.h"

#include "scsi/abort.h"

namespace tgt::scsi {

namespace {

// The removal of one LUN. Lives until every worker has let go; keeps the logical unit alive
// meanwhile.
struct Removal {
    std::shared_ptr<LogicalUnit> unit;
    size_t workers_left;
    bool all_ended = true;
    std::function<void(bool)> done;
};

void add_lun_here(TargetShard& shard, uint64_t lun, LunShard& unit) {
    shard.luns[lun] = &unit;
    shard.nexuses.for_each([&](Nexus& nexus) {
        for (auto& [number, itl] : nexus.luns()) itl->attentions.raise(ua::reported_luns_changed);
        nexus.luns()[lun] = std::make_unique<ItlNexus>(nexus, unit, lun);
    });
}

// Detaches the LUN from every nexus here; what is still with the store stays behind in
// unit.detached.
std::vector<Command*> remove_lun_here(TargetShard& shard, uint64_t lun, LunShard& unit) {
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
        for (auto& [number, other] : nexus.luns())
            other->attentions.raise(ua::reported_luns_changed);
    });
    return victims;
}

// Keeps the unit alive while commands that outlived the bound are with its store.
void hold_while_busy(LunShard& shard, std::shared_ptr<LogicalUnit> unit) {
    if (shard.detached.empty()) return;
    shard.on_drained = [&shard, unit]() mutable {
        // Let go in a later turn: the caller still uses the shard.
        shard.worker.post([last_reference = std::move(unit)] {});
    };
}

}  // namespace

Target::Target(io::Runtime& runtime, std::string name, uint16_t relative_port)
    : runtime_(runtime), name_(std::move(name)), relative_port_(relative_port) {
    for (unsigned i = 0; i < runtime.worker_count(); ++i)
        shards_.push_back(std::make_unique<TargetShard>(*this, runtime.worker(i)));
}

Target::~Target() = default;

void Target::add_lun(uint64_t lun, std::shared_ptr<LogicalUnit> unit, std::function<void()> done) {
    luns_[lun] = unit;
    unit->add_port(relative_port_);
    auto self = shared_from_this();
    runtime_.on_every_worker(
        [self, lun, unit](io::Worker& worker) {
            add_lun_here(self->shard(worker.index()), lun, unit->shard(worker.index()));
        },
        std::move(done));
}

void Target::remove_lun(uint64_t lun, io::Duration bound, std::function<void(bool)> done) {
    auto found = luns_.find(lun);
    if (found == luns_.end()) {
        done(true);
        return;
    }
    auto removal = std::make_shared<Removal>(
        Removal{std::move(found->second), runtime_.worker_count(), true, std::move(done)});
    luns_.erase(found);
    removal->unit->remove_port(relative_port_);
    auto self = shared_from_this();
    runtime_.on_every_worker([self, lun, bound, removal](io::Worker& worker) {
        LunShard& unit_shard = removal->unit->shard(worker.index());
        auto answer = [self, removal, &unit_shard](bool ended) {
            unit_shard.drop_idle_detached();
            hold_while_busy(unit_shard, removal->unit);
            self->runtime().control().post([removal, ended] {
                removal->all_ended = removal->all_ended && ended;
                if (--removal->workers_left > 0) return;
                removal->unit.reset();
                removal->done(removal->all_ended);
            });
        };
        auto wait = std::make_shared<AbortWait>(worker, std::move(answer));
        abort_commands(remove_lun_here(self->shard(worker.index()), lun, unit_shard), wait);
        unit_shard.drop_idle_detached();
        wait->seal(bound);
    });
}

}  // namespace tgt::scsi
