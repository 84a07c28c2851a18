// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/show_units.h"

#include <array>
#include <atomic>

#include "ipc/admin/render.h"
#include "mgmt/capacity.h"
#include "mgmt/numbers.h"
#include "scsi/command.h"

namespace tgt::mgmt {

namespace {

// On the shard's worker.
size_t stuck_here(scsi::LunShard& shard) {
    size_t count = 0;
    shard.at_store.for_each([&](const scsi::Command& command) { count += command.aborted(); });
    return count;
}

size_t stuck_of(const StuckCounts& stuck, const scsi::LogicalUnit* unit) {
    const auto found = stuck.find(unit);
    return found == stuck.end() ? 0 : found->second;
}

std::string_view backing_text(scsi::Backing backing) {
    constexpr std::array<std::string_view, 3> words{"present", "draining", "gone"};
    return words[size_t(backing)];
}

// A drive is online while it has a medium that can be used, and its path is the medium's, whoever
// has loaded it.
bool online(const scsi::LogicalUnit& unit) {
    if (!unit.state()->online || !unit.model()) return unit.state()->online;
    const auto medium = unit.medium_status();
    return medium && medium->present && !medium->not_ready;
}

std::string path_of(const scsi::LogicalUnit& unit) {
    const auto medium = unit.medium_status();
    if (!medium || (medium->present && medium->path.empty())) return unit.path();
    return medium->path;
}

Json show_store(const scsi::LogicalUnit& unit) {
    Json path, parameters = Json::array();
    if (std::string shown = path_of(unit); !shown.empty()) path = std::move(shown);
    if (unit.store())
        for (const auto& [name, value] : unit.store()->parameters())
            parameters.push_back({{"name", name}, {"value", value}});
    return {{"type", unit.store_name()},
            {"path", path},
            {"flags", unit.flags()},
            {"parameters", parameters}};
}

}  // namespace

void count_stuck(Registry& registry, std::function<void(const StuckCounts&)> done) {
    struct Census {
        std::vector<std::shared_ptr<scsi::LogicalUnit>> units;
        std::vector<std::atomic<size_t>> counts;
    };
    auto census = std::make_shared<Census>();
    for (const MediumPtr& medium : registry.media().all())
        if (auto unit = medium->unit.lock()) census->units.push_back(std::move(unit));
    census->counts = std::vector<std::atomic<size_t>>(census->units.size());
    registry.runtime().on_every_worker(
        [census](io::Worker& worker) {
            for (size_t i = 0; i < census->units.size(); ++i)
                census->counts[i] += stuck_here(census->units[i]->shard(worker.index()));
        },
        [census, done = std::move(done)] {
            StuckCounts stuck;
            for (size_t i = 0; i < census->units.size(); ++i)
                stuck[census->units[i].get()] = census->counts[i];
            done(stuck);
        });
}

Json show_lun(const Registry& registry, uint64_t lun, const scsi::LogicalUnit& unit,
              const StuckCounts& stuck) {
    const scsi::LunState& state = *unit.state();
    const MediumPtr medium = registry.media().of(unit);
    const bool disk = unit.type().peripheral_type == direct_access;
    const uint32_t block_size = disk ? state.geometry.block_size : 1;
    const uint64_t size = medium ? medium->size : 0;
    Json missing, limit;
    if (medium && medium->missing) missing = *medium->missing;
    if (medium && medium->limit) limit = *medium->limit;
    const uint64_t used =
        disk && unit.store() ? state.geometry.blocks * state.geometry.block_size : size;
    Json out{{"lun", lun},
             {"type", unit.type().shown},
             {"scsi_id", state.identity.scsi_id},
             {"scsi_sn", state.identity.scsi_sn},
             {"size_bytes", used},
             {"block_size", block_size},
             {"online", online(unit)},
             {"removable", state.removable},
             {"prevent_removal", unit.preventers() > 0},
             {"readonly", state.read_only},
             {"swp", state.software_write_protected()},
             {"thin_provisioning", state.thin},
             {"backing", backing_text(state.backing)},
             {"backing_reason", missing},
             {"capacity_limit", limit},
             {"flush_failed", state.flush_failed},
             {"keeps_reservations", state.keeps_reservations},
             {"stuck_commands", stuck_of(stuck, &unit)},
             {"store", show_store(unit)},
             {"unused_bytes", disk && block_size ? size % block_size : 0}};
    if (!unit.model()) return out;
    if (const std::string held = unit.model()->shown(); !held.empty())
        out["inventory"] = Json::parse(held, nullptr, false);
    return out;
}

ShownLun look_at_lun(const Registry& registry, uint64_t lun, const scsi::LogicalUnit& unit) {
    const MediumPtr medium = registry.media().of(unit);
    const scsi::LunStatePtr& state = unit.state();
    const bool disk = unit.type().peripheral_type == direct_access;
    ShownLun out;
    out.lun = lun;
    out.type = unit.type().shown;
    out.state = state;
    out.size = medium ? medium->size : 0;
    if (disk && unit.store()) out.size = state->geometry.blocks * state->geometry.block_size;
    out.block_size = disk ? state->geometry.block_size : 1;
    out.prevented = unit.preventers() > 0;
    out.store = unit.store_name();
    out.path = path_of(unit);
    out.online = online(unit);
    out.flags = unit.flags();
    return out;
}

std::string targets_text(const std::vector<ShownTarget>& targets) {
    constexpr size_t about_one_lun = 512;
    std::string out;
    for (const ShownTarget& target : targets) {
        ipc::append_target_head(out, target.alone);
        out.reserve(out.size() + target.luns.size() * about_one_lun);
        for (const ShownLun& lun : target.luns) {
            const scsi::LunState& state = *lun.state;
            ipc::LunLines lines;
            lines.lun = lun.lun;
            lines.type = lun.type;
            lines.scsi_id = state.identity.scsi_id;
            lines.scsi_sn = state.identity.scsi_sn;
            lines.size_bytes = lun.size;
            lines.block_size = lun.block_size;
            lines.online = lun.online;
            lines.removable = state.removable;
            lines.prevent_removal = lun.prevented;
            lines.readonly = state.read_only;
            lines.swp = state.software_write_protected();
            lines.thin_provisioning = state.thin;
            lines.store = lun.store;
            lines.path = lun.path;
            lines.flags = lun.flags;
            ipc::append_lun(out, lines);
        }
        ipc::append_target_tail(out, target.alone);
    }
    return out;
}

Json show_graveyard(const Registry& registry, const StuckCounts& stuck) {
    const auto now = registry.runtime().control().timers().now();
    Json out = Json::array();
    for (const MediumPtr& medium : registry.media().all()) {
        if (!medium->unused_since) continue;
        out.push_back({{"path", medium->open.path},
                       {"bstype", medium->engine->name},
                       {"was", medium->place},
                       {"stuck_commands", stuck_of(stuck, medium->unit.lock().get())},
                       {"since", whole_seconds(now - *medium->unused_since)}});
    }
    return out;
}

}  // namespace tgt::mgmt
