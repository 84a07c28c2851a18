// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/nexus.h"

#include "scsi/abort.h"
#include "scsi/target.h"

namespace tgt::scsi {

ItlNexus::ItlNexus(Nexus& owner, LunShard& lun_shard, uint64_t number)
    : nexus(owner), shard(lun_shard), target(owner.target()), id(owner.id()), lun(number) {
    attentions.raise(ua::power_on_reset);
    forbidden = forbidden_classes(shard.state->reservations, nexus.id());
    board_seen_ = shard.unit.attention_board().posted();
    shard.nexuses.push_back(*this);
}

ItlNexus::~ItlNexus() {
    set_prevents_removal(false);
}

void ItlNexus::look_at_board() {
    shard.unit.attention_board().take(board_seen_, id, attentions);
}

void ItlNexus::set_prevents_removal(bool prevents) {
    if (prevents == prevents_removal_) return;
    prevents_removal_ = prevents;
    auto& count = shard.unit.preventers_;
    if (prevents)
        count.fetch_add(1, std::memory_order_relaxed);
    else
        count.fetch_sub(1, std::memory_order_relaxed);
}

Nexus::Nexus(TargetShard& target, NexusId id, uint64_t number)
    : target_(target), id_(std::move(id)), number_(number) {
    for (auto& [lun, shard] : target_.luns)
        luns_[lun] = std::make_unique<ItlNexus>(*this, *shard, lun);
    target_.nexuses.push_back(*this);
}

Nexus::~Nexus() = default;

ItlNexus* Nexus::find(uint64_t lun) {
    auto it = luns_.find(lun);
    return it == luns_.end() ? nullptr : it->second.get();
}

NexusState Nexus::snapshot() const {
    NexusState state{id_, number_, {}};
    for (const auto& [lun, itl] : luns_) {
        itl->look_at_board();
        state.luns.push_back({lun, itl->attentions.all(), itl->prevents_removal(), itl->counters});
    }
    return state;
}

void Nexus::restore(const NexusState& state) {
    for (const NexusState::Lun& saved : state.luns) {
        ItlNexus* itl = find(saved.lun);
        if (!itl) continue;
        itl->attentions.clear_all();
        for (UnitAttention attention : saved.attentions) itl->attentions.raise(attention);
        itl->set_prevents_removal(saved.prevents_removal);
        itl->counters = saved.counters;
    }
}

namespace {

// A RESERVE(6) reservation ends with its I_T nexus (SPC-2 5.5.1); persistent ones stay.
void release_reserve6(ItlNexus& itl) {
    const auto& holder = itl.shard.state->reservations.reserve6_holder;
    const NexusId& id = itl.nexus.id();
    if (!holder || *holder != id) return;
    auto release = [id](const LunState& now) {
        LunChange change;
        if (now.reservations.reserve6_holder != id) return change;
        change.next = std::make_shared<LunState>(now);
        change.next->reservations.reserve6_holder.reset();
        return change;
    };
    itl.shard.unit.change(release, itl.shard.worker, [](Outcome) {});
}

void tell_model(ItlNexus& itl) {
    LogicalUnit& unit = itl.shard.unit;
    if (!unit.model()) return;
    unit.on_strand([model = unit.model(), id = itl.id] { model->nexus_lost(id); });
}

}  // namespace

void retire(std::unique_ptr<Nexus> nexus, io::Duration bound, std::function<void()> done) {
    TargetShard& target = nexus->target();
    IntrusiveList<Nexus>::remove(*nexus);
    std::vector<Command*> victims;
    for (auto& [lun, itl] : nexus->luns())
        for (Command* command : commands_of(*itl)) victims.push_back(command);
    // Commands that outlive the bound keep their ItlNexus in the shard; the Nexus waits with them.
    auto wait =
        std::make_shared<AbortWait>(target.worker, [done = std::move(done)](bool) { done(); });
    abort_commands(victims, wait);
    std::shared_ptr<Nexus> kept = std::move(nexus);
    for (auto& [lun, itl] : kept->luns()) {
        LunShard& shard = itl->shard;
        IntrusiveList<ItlNexus>::remove(*itl);
        itl->set_prevents_removal(false);
        release_reserve6(*itl);
        tell_model(*itl);
        itl->kept_nexus = kept;
        shard.detached.push_back(std::move(itl));
        shard.drop_idle_detached();
    }
    kept->luns().clear();
    wait->seal(bound);
}

}  // namespace tgt::scsi
