// SPDX-License-Identifier: GPL-2.0-or-later
// LUNs: made and removed. From a path to a logical unit: unit_request.cc; updates:
// registry_lun_update.cc.
#include "base/log.h"
#include "mgmt/capacity.h"
#include "mgmt/lun_identity.h"
#include "mgmt/registry.h"
#include "mgmt/settings.h"
#include "mgmt/unit_request.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr uint32_t min_block_size = 512;
constexpr uint32_t max_block_size = 4096;

template <class Span>
std::string names_of(const Span& all) {
    std::string out;
    for (const auto* one : all) {
        if (!out.empty()) out += ", ";
        out += one->name;
    }
    return out;
}

// "sg or bsg": those of the array that have to do with such content.
template <class Span>
std::string names_with(const Span& all, store::Content content) {
    std::string out;
    for (const auto* one : all) {
        if (one->content != content) continue;
        if (!out.empty()) out += " or ";
        out += one->name;
    }
    return out;
}

Status check_block_size(uint32_t size) {
    if (size >= min_block_size && size <= max_block_size && (size & (size - 1)) == 0) return {};
    return refuse(ErrorCode::invalid_request, "block size {} is not a power of two from {} to {}",
                  size, min_block_size, max_block_size);
}

template <class Engines>
Status check_pair(const scsi::DeviceType& type, const store::Engine& engine,
                  const Engines& engines) {
    if (type.content == engine.content) return {};
    if (type.content != store::Content::bytes)
        return refuse(ErrorCode::invalid_request,
                      "the device type {} needs the backing store type {}, not {}", type.name,
                      names_with(engines, type.content), engine.name);
    return refuse(ErrorCode::invalid_request,
                  "the backing store type {} is for the device type {}, not for {}", engine.name,
                  names_with(scsi::device_types(), engine.content), type.name);
}

// Types whose medium can come later; the others are nothing without one.
bool may_be_empty(std::string_view type) {
    return type == "disk" || type == "tape" || type == "cd";
}

}  // namespace

Registry::UnitPtr Registry::make_controller(int tid, const std::string& name) {
    const scsi::DeviceType* type = scsi::find_device_type("controller");
    if (!type) return nullptr;
    scsi::LunSetup setup;
    setup.identity = options_.unique_ids ? unique_identity(options_.machine_id, name + " LUN 0")
                                         : default_identity(tid, 0);
    return scsi::LogicalUnit::make(runtime_, *type, nullptr, "null", "", "",
                                   type->initial_state(setup), 1);
}

std::string_view default_engine(const scsi::DeviceType& type) {
    return type.default_store.empty() ? "rdwr" : type.default_store;
}

// --- new --------------------------------------------------------------------------------------

const store::Engine* Registry::find_engine(std::string_view name) const {
    for (const store::Engine* engine : options_.engines)
        if (engine->name == name) return engine;
    return nullptr;
}

Status Registry::check_new_lun(const NewLun& request, UnitRequest& unit) {
    auto found = find_target(request.tid);
    if (!found) return tl::unexpected(found.error());
    if (request.lun > max_lun)
        return refuse(ErrorCode::invalid_request, "LUN {} is above {}", request.lun, max_lun);
    const TargetEntry& entry = **found;
    if (entry.target->luns().count(request.lun) || entry.busy_luns.count(request.lun))
        return refuse(ErrorCode::lun_exists, "target {} has a LUN {} already", request.tid,
                      request.lun);
    return resolve_lun(request, unit);
}

// What the request names, in this build.
Status Registry::resolve_lun(const NewLun& request, UnitRequest& unit) {
    if (auto status = check_origin(request.origin); !status) return status;
    unit.tid = request.tid;
    unit.lun = request.lun;
    unit.type = scsi::find_device_type(request.device_type);
    if (!unit.type)
        return refuse(ErrorCode::invalid_request,
                      "there is no device type '{}' in this build (there is: {})",
                      request.device_type, names_of(scsi::device_types()));
    std::string_view engine = request.engine;
    if (engine.empty()) engine = default_engine(*unit.type);
    unit.engine = find_engine(engine);
    if (!unit.engine)
        return refuse(ErrorCode::invalid_request,
                      "there is no backing store type '{}' in this build (there is: {})", engine,
                      names_of(options_.engines));
    if (auto status = check_pair(*unit.type, *unit.engine, options_.engines); !status)
        return status;
    if (request.path.empty() && !may_be_empty(request.device_type))
        return refuse(ErrorCode::invalid_request, "a {} needs a backing store; give its path",
                      request.device_type);
    auto flags = store::parse_flags(*unit.engine, request.flags);
    if (!flags) return refuse(ErrorCode::invalid_request, "{}", flags.error().text);
    unit.open.flags = *flags;
    unit.open.flags.force = request.force;
    unit.open.path = request.path;
    unit.open.options = request.engine_options;
    unit.block_size = request.block_size ? request.block_size : unit.type->default_block_size;
    unit.open.block_size = unit.block_size;
    if (unit.block_size == 0) return {};  // a medium without blocks of one size
    return check_block_size(unit.block_size);
}

void Registry::new_lun(const NewLun& request, LunCallback done) {
    auto unit = std::make_shared<UnitRequest>(*this);
    if (auto status = check_new_lun(request, *unit); !status)
        return done(tl::unexpected(status.error()));
    auto& busy = targets_.at(request.tid).busy_luns;
    busy[request.lun] = [weak = std::weak_ptr(unit)](const Failure& why) {
        if (const auto opening = weak.lock()) opening->finish(tl::unexpected(why));
    };
    unit->done = [this, weak = std::weak_ptr(unit), asked = request,
                  done = std::move(done)](Outcome<UnitPtr> made) {
        auto finish = [this, asked, warnings = weak.lock()->warnings,
                       done](const Outcome<UnitPtr>& unit) {
            const auto it = targets_.find(asked.tid);
            if (it != targets_.end()) it->second.busy_luns.erase(asked.lun);
            if (!unit) return done(tl::unexpected(unit.error()));
            if (it != targets_.end())
                it->second.lun_entries[asked.lun] = entry_for(asked, {}, **unit);
            log::info(module, "target {} has a LUN {} now", asked.tid, asked.lun);
            done(warnings);
        };
        if (!made) return finish(tl::unexpected(made.error()));
        attach_lun(asked.tid, asked.lun, *made, [finish, unit = *made](const Status& status) {
            finish(status ? Outcome<UnitPtr>(unit) : tl::unexpected(status.error()));
        });
    };
    unit->begin();
}

// With what was a default until now, so that it stays; LUNs of one unit share what is set of it.
LunEntry Registry::entry_for(NewLun made, NamedValues set, const scsi::LogicalUnit& unit) {
    made.engine = unit.store_name();
    if (made.block_size == 0) made.block_size = unit.type().default_block_size;
    made.force = made.force && !made.path.empty();
    LunEntry entry;
    entry.made = std::move(made);
    const MediumPtr medium = media_.of(unit);
    if (medium && medium->set) {
        entry.set = medium->set;
        return entry;
    }
    remember_identity(set, unit.state()->identity);
    *entry.set = std::move(set);
    if (medium) medium->set = entry.set;
    return entry;
}

void Registry::attach_lun(int tid, uint64_t lun, UnitPtr unit, StatusCallback done) {
    auto found = find_target(tid);  // it may have been deleted meanwhile
    if (!found) return done(tl::unexpected(found.error()));
    (*found)->busy_luns[lun] = nullptr;  // there is nothing to wait for any more
    Driver& driver = *(*found)->driver;
    (*found)->target->add_lun(lun, std::move(unit),
                              [this, &driver, tid, lun, done = std::move(done)] {
                                  lun_changed(driver, tid, lun, true);
                                  introduce(tid, lun);
                                  done({});
                              });
}

scsi::LunIdentity Registry::identity_for(const UnitRequest& request) {
    if (options_.unique_ids) {
        auto entry = targets_.find(request.tid);
        const std::string name = entry == targets_.end() ? "" : entry->second.name;
        return unique_identity(options_.machine_id,
                               request.open.path.empty() || !request.engine->needs_path
                                   ? fmt::format("{} LUN {}", name, request.lun)
                                   : request.open.path);
    }
    if (!std::exchange(warned_default_ids_, true))
        log::warn(module,
                  "SCSI IDs and serial numbers default to the same values on every host; an "
                  "initiator of two such hosts can take their disks for one: start tgtd with "
                  "--unique-ids, or set scsi_id and scsi_sn");
    return default_identity(request.tid, request.lun);
}

// --- whose a unit is ---------------------------------------------------------------------------

std::string Registry::place_of(const scsi::LogicalUnit& unit) const {
    for (const uint16_t port : unit.ports()) {
        const auto found = ports_.find(port);
        if (found == ports_.end()) continue;
        for (const auto& [lun, used] : targets_.at(found->second).target->luns())
            if (used.get() == &unit) return place_text(found->second, lun);
    }
    return {};
}

void Registry::remove_lun(TargetEntry& entry, uint64_t lun, io::Duration bound,
                          std::function<void(bool drained)> done) {
    const auto found = entry.target->luns().find(lun);
    const UnitPtr unit = found == entry.target->luns().end() ? nullptr : found->second;
    // Not before it is gone: who looks for it then must not find it.
    auto removed = [this, &driver = *entry.driver, tid = entry.tid, lun,
                    done = std::move(done)](bool drained) {
        lun_changed(driver, tid, lun, false);
        done(drained);
    };
    entry.target->remove_lun(lun, bound, std::move(removed));
    if (unit) unit_left(entry, lun, *unit);
}

// Whoever looks finds the LUN with the one unit or with the other. `done`: when the commands of the
// old one have ended, or could have.
void Registry::replace_lun(TargetEntry& entry, uint64_t lun, UnitPtr unit,
                           std::function<void(bool drained)> done) {
    const UnitPtr old = entry.target->luns().at(lun);
    auto replaced = [this, &driver = *entry.driver, tid = entry.tid, lun,
                     done = std::move(done)](bool drained) {
        lun_changed(driver, tid, lun, true);
        introduce(tid, lun);
        done(drained);
    };
    entry.target->replace_lun(lun, std::move(unit), entry.target->abort_bound(),
                              std::move(replaced));
    unit_left(entry, lun, *old);
}

// The LUN leads to `unit` no more.
void Registry::unit_left(const TargetEntry& entry, uint64_t lun, const scsi::LogicalUnit& unit) {
    const MediumPtr medium = media_.of(unit);
    if (!medium) return;
    medium->place = place_of(unit);
    if (!medium->place.empty()) return;
    medium->place = place_text(entry.tid, lun);
    medium->unused_since = runtime_.control().timers().now();
}

void Registry::note_size(const MediumPtr& medium, const Result<uint64_t>& size) {
    if (size && *size > 0) return follow_size(runtime_, medium, *size);
    revival_.look_at(medium, size ? 0 : size.error().code);
}

// --- delete ------------------------------------------------------------------------------------

// What waits for a device on behalf of the LUN has to give way.
bool Registry::interrupt(TargetEntry& entry, uint64_t lun, const Failure& why) {
    const auto busy = entry.busy_luns.find(lun);
    if (busy == entry.busy_luns.end() || !busy->second) return false;
    const auto end = busy->second;  // it erases itself
    end(why);
    return true;
}

void Registry::delete_lun(int tid, uint64_t lun, LunCallback done) {
    auto found = find_target(tid);
    if (!found) return done(tl::unexpected(found.error()));
    TargetEntry& entry = **found;
    if (lun == 0)
        return done(refuse(ErrorCode::invalid_request,
                           "LUN 0 is the controller; it is deleted with its target"));
    const bool interrupted = interrupt(
        entry, lun, {ErrorCode::lun_active, fmt::format("{} was deleted", place_text(tid, lun))});
    if (!entry.busy_luns.try_emplace(lun, nullptr).second)
        return done(refuse(ErrorCode::lun_active, "LUN {} of target {} is being changed; try again",
                           lun, tid));
    if (!entry.target->luns().count(lun)) {
        entry.busy_luns.erase(lun);
        if (interrupted) return done(Warnings{});
        return done(refuse(ErrorCode::no_lun, "target {} has no LUN {}", tid, lun));
    }
    entry.lun_entries.erase(lun);
    reopening_.forget({tid, lun});
    remove_lun(entry, lun, entry.target->abort_bound(),
               [this, tid, lun, done = std::move(done)](bool drained) {
                   if (auto it = targets_.find(tid); it != targets_.end())
                       it->second.busy_luns.erase(lun);
                   Warnings warnings;
                   if (!drained)
                       warnings.push_back(
                           fmt::format("commands of LUN {} are stuck in its backing store; it "
                                       "stays open until they end",
                                       lun));
                   for (const auto& warning : warnings) log::warn(module, "{}", warning);
                   log::info(module, "target {} has no LUN {} any more", tid, lun);
                   done(std::move(warnings));
               });
}

}  // namespace tgt::mgmt
