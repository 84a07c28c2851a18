// SPDX-License-Identifier: GPL-2.0-or-later
// `--mode logicalunit --op update`.
#include <algorithm>

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/capacity.h"
#include "mgmt/numbers.h"
#include "mgmt/registry.h"
#include "mgmt/settings.h"
#include "mgmt/unit_request.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

// What stays when the medium of a unit is replaced.
void carry_over(const scsi::LunState& old, scsi::LunState& next) {
    next.identity = old.identity;
    next.removable = old.removable;
    next.online = false;
    next.thin = old.thin;
    next.read_only = old.read_only || next.read_only;
    next.descriptor_sense = old.descriptor_sense;
    next.mode_pages = old.mode_pages;
    next.reservations = old.reservations;
}

// Parameters of stores that it does not show are not settings: they make something happen.
bool shows_parameter(const scsi::LogicalUnit& unit, std::string_view name) {
    if (!unit.store()) return false;
    const auto shown = unit.store()->parameters();
    return std::any_of(shown.begin(), shown.end(),
                       [&](const auto& one) { return one.first == name; });
}

// `store`: what the backing store says to it.
tl::unexpected<Failure> unknown_parameter(const scsi::DeviceType& type, std::string_view name,
                                          std::string_view store = {}) {
    return refuse(
        type.name == "changer" ? ErrorCode::unknown_parameter : ErrorCode::invalid_request,
        "a {} has no parameter '{}'{}{}", type.name, name, store.empty() ? "" : "; ", store);
}

// A pass-through device answers for itself: what would be told to initiators in its place has no
// effect, and must not seem to have one where data is at stake.
Status judge_for_device(const LunParameter& row, std::string_view value, Warnings& warnings) {
    if (row.kind == LunParameter::Kind::online) return {};
    if (row.name == "readonly" && parse_number(value) != 0)
        return refuse(
            ErrorCode::invalid_request,
            "readonly={} is refused: every command goes to the pass-through device, those "
            "that write, too",
            value);
    warnings.push_back(fmt::format(
        "{}: initiators do not see it, the pass-through device answers for itself", row.name));
    return {};
}

}  // namespace

void Registry::update_lun(int tid, uint64_t lun, NamedValues parameters, LunCallback done) {
    auto found = find_target(tid);
    if (!found) return done(tl::unexpected(found.error()));
    if (!(*found)->target->luns().count(lun))
        return done(refuse(ErrorCode::no_lun, "target {} has no LUN {}", tid, lun));
    auto& busy = (*found)->busy_luns;
    if (busy.count(lun))
        return done(refuse(ErrorCode::lun_active, "LUN {} of target {} is being changed; try again",
                           lun, tid));
    auto update = std::make_shared<LunUpdate>();
    update->tid = tid;
    update->lun = lun;
    update->parameters = std::move(parameters);
    update->done = [this, tid, lun, done = std::move(done)](Outcome<Warnings> outcome) {
        if (auto it = targets_.find(tid); it != targets_.end()) it->second.busy_luns.erase(lun);
        done(std::move(outcome));
    };
    busy[lun] = [weak = std::weak_ptr(update)](const Failure& why) {
        if (const auto running = weak.lock()) running->interrupt(why);
    };
    update_next(std::move(update));
}

void Registry::update_next(std::shared_ptr<LunUpdate> update) {
    if (update->over()) return;
    auto found = find_target(update->tid);
    if (!found) return update->finish(tl::unexpected(found.error()));
    if (update->next > 0) remember_update(**found, *update);
    if (update->next == update->parameters.size())
        return update->finish(std::move(update->warnings));
    const auto& [name, value] = update->parameters[update->next++];
    const UnitPtr& unit = (*found)->target->luns().at(update->lun);
    if (unit->model() && unit->model()->takes(name)) return update_model(update, unit);
    const LunParameter* row = find_lun_parameter(name);
    if (row && value.empty() && !row->may_be_empty)
        return update->finish(refuse(ErrorCode::invalid_request, "{} has no value", name));
    if (!row && unit->store()) return update_store(update, unit);
    if (!row) return update->finish(unknown_parameter(unit->type(), name));
    if (row->kind == LunParameter::Kind::path) return update_path(update, value);
    if (row->kind == LunParameter::Kind::capacity) return update_capacity(update, unit);
    if (unit->type().passes_through())
        if (auto status = judge_for_device(*row, value, update->warnings); !status)
            return update->finish(tl::unexpected(status.error()));
    update_state(update, *row);
}

// The parameter before `next` is in force.
void Registry::remember_update(TargetEntry& target, const LunUpdate& update) {
    const auto& [name, value] = update.parameters[update.next - 1];
    const UnitPtr& unit = target.target->luns().at(update.lun);
    if (!find_lun_parameter(name) && !shows_parameter(*unit, name)) return;
    LunEntry& entry = target.lun_entries[update.lun];
    entry.made.tid = update.tid;
    entry.made.lun = update.lun;
    remember_lun_setting(*entry.set, name, value);
}

void Registry::update_state(const std::shared_ptr<LunUpdate>& update, const LunParameter& row) {
    UnitPtr unit = targets_.at(update->tid).target->luns().at(update->lun);
    auto status = std::make_shared<Status>();
    auto build = [update, unit, status, &row](const scsi::LunState& now) {
        scsi::LunChange change;
        auto next = std::make_shared<scsi::LunState>(now);
        const std::string& value = update->parameters[update->next - 1].second;
        const LunParameterContext context{unit->store() ? &unit->store()->info() : nullptr,
                                          &unit->type()};
        *status = row.apply(*next, value, context, update->warnings);
        if (unit->model()) unit->model()->adjust(*next);
        if (*status && now.online && !next->online && unit->preventers() > 0)
            *status = refuse(ErrorCode::prevent_removal,
                             "{} initiator(s) of LUN {} of target {} prevent the removal of its "
                             "medium",
                             unit->preventers(), update->lun, update->tid);
        if (!*status || *next == now) return change;
        change.next = std::move(next);
        if (row.attention && (row.kind != LunParameter::Kind::online || change.next->online))
            change.attentions.push_back({*row.attention, {}, {}});
        return change;
    };
    unit->change(build, runtime_.control(), [this, update, status, unit](const scsi::Outcome&) {
        if (!*status) return update->finish(tl::unexpected(status->error()));
        introduce(update->tid, update->lun);
        update_next(update);
    });
}

// A parameter that is none of the LUN's may be one of its backing store.
void Registry::update_store(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit) {
    auto change = [&type = unit->type(), store = unit->store(),
                   pair = update->parameters[update->next - 1]]() -> Status {
        const auto& [name, value] = pair;
        auto changed = store->update(name, value);
        if (changed) return {};
        if (changed.error().code == ENOENT)
            return unknown_parameter(type, name, changed.error().text);
        return refuse(ErrorCode::invalid_request, "{}", changed.error().text);
    };
    auto changed = [this, update, path = unit->path()](const std::optional<Status>& status) {
        if (update->over()) return;
        const auto& [name, value] = update->parameters[update->next - 1];
        if (!status)
            return update->finish(refuse(ErrorCode::invalid_request,
                                         "the backing store {} did not take {}={} within {} s; it "
                                         "may still do so",
                                         path, name, value, whole_seconds(options_.store_bound)));
        if (!*status) return update->finish(tl::unexpected(status->error()));
        log::info(module, "target {} LUN {}: {}={}", update->tid, update->lun, name, value);
        update_next(update);
    };
    call_bounded(runtime_, options_.store_bound, std::move(change), std::move(changed));
}

// With a new medium the unit is online again, as in tgt: a step of its own, behind this one.
void Registry::update_path(const std::shared_ptr<LunUpdate>& update, std::string path) {
    const auto next = update->parameters.begin() + ptrdiff_t(update->next);
    update->parameters.insert(next, {"online", "1"});
    const UnitPtr unit = targets_.at(update->tid).target->luns().at(update->lun);
    const scsi::LunStatePtr old = unit->state();
    if (old->online)
        return update->finish(refuse(ErrorCode::invalid_request,
                                     "the path can change only while the LUN is offline; set "
                                     "online=0 first"));
    auto request = std::make_shared<UnitRequest>(*this);
    update->opening = request;
    request->tid = update->tid;
    request->lun = update->lun;
    request->type = &unit->type();
    request->engine = find_engine(unit->store_name());
    if (!request->engine || path.empty() || update->lun == 0)
        return update->finish(refuse(ErrorCode::invalid_request, "path={} cannot be set", path));
    const auto& entries = targets_.at(update->tid).lun_entries;
    if (const auto entry = entries.find(update->lun); entry != entries.end())
        request->open.options = entry->second.made.engine_options;
    if (const MediumPtr medium = media_.of(*unit))
        request->open = medium->open;
    else if (const auto flags = store::parse_flags(*request->engine, unit->flags()))
        request->open.flags = *flags;
    request->open.path = path;
    request->block_size =
        old->geometry.block_size ? old->geometry.block_size : unit->type().default_block_size;
    request->open.block_size = request->block_size;
    request->replaces = unit;
    request->adjust = [old](scsi::LunState& next) { carry_over(*old, next); };
    request->done = [this, update, weak = std::weak_ptr(request)](Outcome<UnitPtr> made) {
        const auto request = weak.lock();
        if (!made) return update->finish(tl::unexpected(made.error()));
        if (*made == request->replaces) return refresh_size(update, *made);
        for (const auto& warning : request->warnings) update->warnings.push_back(warning);
        replace_unit(update, *made);
    };
    request->begin();
}

// Looks at the store, then shows as much of it as is wished.
void Registry::update_capacity(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit) {
    const auto& [name, value] = update->parameters[update->next - 1];
    const MediumPtr medium = media_.of(*unit);
    if (!medium || unit->type().peripheral_type != direct_access)
        return update->finish(refuse(ErrorCode::invalid_request,
                                     "{}={} is refused: only a disk with a medium has a capacity",
                                     name, value));
    const auto limit = parse_capacity(value);
    if (!limit) return update->finish(tl::unexpected(limit.error()));
    look_at_size(update, unit, [this, update, medium, limit = *limit](uint64_t size) {
        set_capacity(runtime_, medium, size, limit, [this, update](const Status& status) {
            if (!status) return update->finish(tl::unexpected(status.error()));
            update_next(update);
        });
    });
}

// The same medium again, while it is offline: how tgt's users make another size of a file known.
void Registry::refresh_size(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit) {
    const MediumPtr medium = media_.of(*unit);
    const auto& path = update->parameters[update->next - 1].second;
    LunEntry& entry = targets_.at(update->tid).lun_entries[update->lun];
    entry.made.path = path;
    forget_setting(*entry.set, "capacity");
    look_at_size(update, unit, [this, update, medium](uint64_t size) {
        show_size(runtime_, medium, size, [this, update] { update_next(update); });
    });
}

void Registry::look_at_size(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit,
                            std::function<void(uint64_t)> then) {
    auto looked = [this, update, path = unit->path(),
                   then = std::move(then)](const std::optional<Result<uint64_t>>& size) {
        if (update->over()) return;
        if (!size)
            return update->finish(refuse(ErrorCode::invalid_request,
                                         "{} did not tell its size within {} s", path,
                                         whole_seconds(options_.store_bound)));
        if (!*size)
            return update->finish(refuse(ErrorCode::invalid_request, "{}", size->error().text));
        then(**size);
    };
    call_bounded(
        runtime_, options_.store_bound, [store = unit->store()] { return store->current_size(); },
        std::move(looked));
}

void Registry::replace_unit(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit) {
    auto found = find_target(update->tid);
    if (!found) return update->finish(tl::unexpected(found.error()));
    replace_lun(**found, update->lun, unit, [this, update](bool) { update_next(update); });
    remember_medium(**found, update->lun, *unit);
    log::info(module, "target {} LUN {} has the medium {} now", update->tid, update->lun,
              unit->path());
}

// A LUN that has another medium now shares its settings with nobody.
void Registry::remember_medium(TargetEntry& target, uint64_t lun, const scsi::LogicalUnit& unit) {
    LunEntry& entry = target.lun_entries[lun];
    auto set = *entry.set;
    remember_new_medium(set, *unit.state());
    NewLun made = entry.made;
    made.path = unit.path();
    entry = entry_for(std::move(made), std::move(set), unit);
    reopening_.forget({target.tid, lun});
}

}  // namespace tgt::mgmt
