// SPDX-License-Identifier: GPL-2.0-or-later
// Logical units: made, shared between LUNs that lead to one medium, removed. Their update:
// registry_lun_update.cc.
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/lun_identity.h"
#include "mgmt/registry.h"
#include "mgmt/tracked_store.h"
#include "mgmt/unit_request.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr uint32_t min_block_size = 512;
constexpr uint32_t max_block_size = 4096;
constexpr std::string_view default_engine = "rdwr";

template <class Span>
std::string names_of(const Span& all) {
    std::string out;
    for (const auto* one : all) {
        if (!out.empty()) out += ", ";
        out += one->name;
    }
    return out;
}

// Which medium a path leads to, the same answer that an engine gives once it is open: opening a
// file a second time would fail on our own lock.
store::Identity probe_identity(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return {};
    if (S_ISREG(info.st_mode)) return {info.st_dev, info.st_ino, true};
    if (S_ISBLK(info.st_mode)) return {info.st_rdev, 0, true};
    return {};
}

Status check_block_size(uint32_t size) {
    if (size >= min_block_size && size <= max_block_size && (size & (size - 1)) == 0) return {};
    return refuse(ErrorCode::invalid_request, "block size {} is not a power of two from {} to {}",
                  size, min_block_size, max_block_size);
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
    unit.type = scsi::find_device_type(request.device_type);
    if (!unit.type)
        return refuse(ErrorCode::invalid_request,
                      "there is no device type '{}' in this build (there is: {})",
                      request.device_type, names_of(scsi::device_types()));
    std::string_view engine = request.engine;
    if (engine.empty()) engine = unit.type->default_store;
    if (engine.empty()) engine = default_engine;
    unit.engine = find_engine(engine);
    if (!unit.engine)
        return refuse(ErrorCode::invalid_request,
                      "there is no backing store type '{}' in this build (there is: {})", engine,
                      names_of(options_.engines));
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
    return check_block_size(unit.block_size);
}

void Registry::new_lun(const NewLun& request, LunCallback done) {
    auto unit = std::make_shared<UnitRequest>();
    unit->tid = request.tid;
    unit->lun = request.lun;
    if (auto status = check_new_lun(request, *unit); !status)
        return done(tl::unexpected(status.error()));
    targets_.at(request.tid).busy_luns.insert(request.lun);
    unit->done = [this, unit, done = std::move(done)](Outcome<UnitPtr> made) {
        const int tid = unit->tid;
        const uint64_t lun = unit->lun;
        auto warnings = unit->warnings;
        // The request holds this function, and this function the request.
        auto finish = [this, tid, lun, warnings, done](Status status) {
            if (auto it = targets_.find(tid); it != targets_.end()) it->second.busy_luns.erase(lun);
            if (!status) return done(tl::unexpected(status.error()));
            log::info(module, "target {} has a LUN {} now", tid, lun);
            done(warnings);
        };
        if (!made) return finish(tl::unexpected(made.error()));
        attach_lun(tid, lun, std::move(*made), finish);
    };
    probe_and_open(std::move(unit));
}

void Registry::attach_lun(int tid, uint64_t lun, UnitPtr unit, StatusCallback done) {
    auto found = find_target(tid);  // it may have been deleted meanwhile
    if (!found) return done(tl::unexpected(found.error()));
    (*found)->target->add_lun(lun, std::move(unit), [done = std::move(done)] { done({}); });
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

Registry::UnitPtr Registry::UnitRequest::make_unit(Registry& registry,
                                                   std::unique_ptr<store::Store> store) {
    scsi::LunSetup setup;
    setup.identity = registry.identity_for(*this);
    setup.store = store ? &store->info() : nullptr;
    setup.block_size = block_size;
    scsi::LunState state = type->initial_state(setup);
    if (!store) {
        state.removable = true;
        state.online = false;
        state.medium_present = false;
    } else if (const uint64_t rest = store->info().size % block_size; rest != 0) {
        warnings.push_back(
            fmt::format("the last {} bytes of {} are not used: its size is not a multiple of the "
                        "block size {}",
                        rest, open.path, block_size));
        log::warn(module, "{}", warnings.back());
    }
    if (adjust) adjust(state);
    return scsi::LogicalUnit::make(
        registry.runtime_, *type, std::move(store), std::string(engine->name), open.path,
        store::flags_text(open.flags), std::move(state), registry.options_.io_threads);
}

// --- one medium, one logical unit -------------------------------------------------------------

void Registry::probe_and_open(std::shared_ptr<UnitRequest> request) {
    if (request->open.path.empty()) return request->finish(request->make_unit(*this, nullptr));
    call_blocking(
        runtime_,
        [path = request->open.path, probe = request->engine->needs_path] {
            return probe ? probe_identity(path) : store::Identity{};
        },
        [this, request](store::Identity identity) { open_identified(request, identity); });
}

void Registry::open_identified(std::shared_ptr<UnitRequest> request, store::Identity identity) {
    if (identity.known) {
        for (auto& [busy, waiting] : opening_)
            if (busy == identity) {
                if (request->patience) request->patience->disarm();
                waiting.push_back(
                    [this, request, identity] { open_identified(request, identity); });
                return;
            }
        if (UnitPtr unit = unit_with(identity, request->engine->name))
            return request->finish(share(*request, std::move(unit)));
        if (is_open(identity)) return wait_for_close(request, identity);
        if (request->patience) request->patience->disarm();
        opening_.push_back({identity, {}});
    }
    call_blocking(
        runtime_, [open = request->engine->open, what = request->open] { return open(what); },
        [this, request, identity](Result<std::unique_ptr<store::Store>> store) {
            opened(request, identity, std::move(store));
        });
}

void Registry::opened(const std::shared_ptr<UnitRequest>& request, store::Identity identity,
                      Result<std::unique_ptr<store::Store>> store) {
    if (!store) {
        log::error(module, "target {} LUN {}: {}", request->tid, request->lun, store.error().text);
        request->finish(refuse(ErrorCode::invalid_request, "{}", store.error().text));
    } else if (UnitPtr unit = unit_with((*store)->info().identity, request->engine->name)) {
        request->finish(share(*request, std::move(unit)));  // the name moved since the probe
    } else {
        unit = request->make_unit(*this, track(std::move(*store)));
        std::erase_if(units_, [](const auto& weak) { return weak.expired(); });
        units_.push_back(unit);
        request->finish(std::move(unit));
    }
    finish_opening(identity);
}

void Registry::finish_opening(const store::Identity& identity) {
    const auto it = std::find_if(opening_.begin(), opening_.end(),
                                 [&](const auto& item) { return item.first == identity; });
    if (!identity.known || it == opening_.end()) return;
    const auto waiting = std::move(it->second);
    opening_.erase(it);
    for (const auto& again : waiting) again();
}

// Every store that becomes a unit's is noted until its handle is closed, which the blocking pool
// does some time after the unit has gone.
std::unique_ptr<store::Store> Registry::track(std::unique_ptr<store::Store> store) {
    const store::Identity identity = store->info().identity;
    if (!identity.known) return store;
    handles_.push_back(identity);
    return std::make_unique<TrackedStore>(std::move(store), [this, identity, &runtime = runtime_] {
        runtime.control().post([this, identity] { handle_closed(identity); });
    });
}

bool Registry::is_open(const store::Identity& identity) const {
    return std::find(handles_.begin(), handles_.end(), identity) != handles_.end();
}

void Registry::wait_for_close(const std::shared_ptr<UnitRequest>& request,
                              store::Identity identity) {
    closing_.emplace_back(identity, [this, request, identity] {
        if (request->done) open_identified(request, identity);
    });
    if (!request->patience) {
        std::weak_ptr<UnitRequest> weak = request;
        request->patience = std::make_unique<io::Timer>([weak] {
            const auto late = weak.lock();
            if (late && late->done)
                late->finish(refuse(ErrorCode::lun_active,
                                    "{} is still being closed after its last use; try again later",
                                    late->open.path));
        });
    }
    if (!request->patience->armed())
        runtime_.control().timers().arm_in(*request->patience, store_bound);
}

void Registry::handle_closed(const store::Identity& identity) {
    const auto it = std::find(handles_.begin(), handles_.end(), identity);
    if (it != handles_.end()) handles_.erase(it);
    std::vector<std::function<void()>> again;
    std::erase_if(closing_, [&](auto& waiting) {
        if (!(waiting.first == identity)) return false;
        again.push_back(std::move(waiting.second));
        return true;
    });
    for (const auto& call : again) call();
}

Registry::UnitPtr Registry::unit_with(const store::Identity& identity, std::string_view engine) {
    if (!identity.known) return nullptr;
    for (const auto& weak : units_) {
        UnitPtr unit = weak.lock();
        if (unit && unit->store_name() == engine && unit->store() &&
            unit->store()->info().identity == identity)
            return unit;
    }
    return nullptr;
}

bool Registry::in_use(const scsi::LogicalUnit& unit) const {
    for (const auto& [tid, entry] : targets_)
        for (const auto& [lun, used] : entry.target->luns())
            if (used.get() == &unit) return true;
    return false;
}

Outcome<Registry::UnitPtr> Registry::share(const UnitRequest& request, UnitPtr unit) const {
    const std::string& path = request.open.path;
    if (unit == request.replaces) return unit;
    if (request.adjust)
        return refuse(ErrorCode::lun_active, "{} is the medium of another logical unit", path);
    if (!in_use(*unit))
        return refuse(ErrorCode::lun_active,
                      "{} is still held by commands of a deleted logical unit; try again when "
                      "they have ended",
                      path);
    const uint32_t block_size = unit->state()->geometry.block_size;
    if (&unit->type() != request.type || block_size != request.block_size)
        return refuse(ErrorCode::invalid_request,
                      "{} is the medium of a {} with block size {} already; a second LUN on it "
                      "must be the same",
                      path, unit->type().name, block_size);
    return unit;
}

// --- delete
// ---------------------------------------------------------------------------------------

void Registry::delete_lun(int tid, uint64_t lun, LunCallback done) {
    auto found = find_target(tid);
    if (!found) return done(tl::unexpected(found.error()));
    TargetEntry& entry = **found;
    if (lun == 0)
        return done(refuse(ErrorCode::invalid_request,
                           "LUN 0 is the controller; it is deleted with its target"));
    if (!entry.busy_luns.insert(lun).second)
        return done(refuse(ErrorCode::lun_active, "LUN {} of target {} is being changed; try again",
                           lun, tid));
    if (!entry.target->luns().count(lun)) {
        entry.busy_luns.erase(lun);
        return done(refuse(ErrorCode::no_lun, "target {} has no LUN {}", tid, lun));
    }
    entry.target->remove_lun(
        lun, entry.target->abort_bound(), [this, tid, lun, done = std::move(done)](bool drained) {
            if (auto it = targets_.find(tid); it != targets_.end()) it->second.busy_luns.erase(lun);
            Warnings warnings;
            if (!drained)
                warnings.push_back(fmt::format(
                    "commands of LUN {} are stuck in its backing store; it stays open until they "
                    "end",
                    lun));
            for (const auto& warning : warnings) log::warn(module, "{}", warning);
            log::info(module, "target {} has no LUN {} any more", tid, lun);
            done(std::move(warnings));
        });
}

}  // namespace tgt::mgmt
