// SPDX-License-Identifier: GPL-2.0-or-later
// From a path to a logical unit: one medium is one unit, however many LUNs and names lead to it.
#include "mgmt/unit_request.h"

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/capacity.h"
#include "mgmt/medium_key.h"
#include "mgmt/numbers.h"
#include "mgmt/probe_identity.h"
#include "mgmt/reservation_store.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

}  // namespace

// What an open gives. The reservations come with it, so that no initiator meets the unit without
// them.
struct Registry::UnitRequest::Opened {
    std::unique_ptr<store::Store> store;
    std::string key;  // of the reservations; empty: none are kept
    std::optional<scsi::Reservations> kept;
    std::string warning;

    static Result<Opened> open(const store::Engine& engine, const store::OpenRequest& request,
                               const NamedValues& set, ReservationStore* reservations) {
        auto store = engine.open(request);
        if (!store) return tl::unexpected(std::move(store.error()));
        Opened out;
        out.store = std::move(*store);
        for (const auto& [name, value] : set) {
            if (find_lun_parameter(name)) continue;
            if (auto changed = out.store->update(name, value); !changed)
                return fail(EINVAL, fmt::format("{}={}: {}", name, value, changed.error().text));
        }
        // Those of a pass-through device are its own.
        if (reservations && engine.content == store::Content::bytes)
            out.key = medium_key(out.store->info(), request.path);
        if (out.key.empty()) return out;
        auto kept = reservations->load(out.key);
        if (kept)
            out.kept = std::move(*kept);
        else
            out.warning = kept.error().text;
        return out;
    }
};

void Registry::UnitRequest::finish(Outcome<UnitPtr> outcome) {
    const auto self = shared_from_this();
    const auto call = std::exchange(done, nullptr);
    if (!call) return;
    if (patience) patience->disarm();
    call(std::move(outcome));
    replaces.reset();  // what is under way may outlive the workers
    if (!entered.empty()) registry.attempts_.give_up(entered);
}

void Registry::UnitRequest::be_patient(io::Duration bound, std::string reason) {
    late = std::move(reason);
    if (!patience)
        patience = std::make_unique<io::Timer>([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self || self->over()) return;
            log::error(module, "target {} LUN {}: {}", self->tid, self->lun, self->late);
            self->finish(refuse(ErrorCode::lun_active, "{}", self->late));
        });
    registry.runtime_.control().timers().arm_in(*patience, bound);
}

// False: another request is at it, and this one waits or has ended.
bool Registry::UnitRequest::enter(const std::string& what, std::function<void()> again) {
    auto call = [self = shared_from_this(), again = std::move(again)] {
        if (!self->over()) again();
    };
    switch (registry.attempts_.enter(what, std::move(call))) {
        case Attempts::Entry::entered:
            entered = what;
            return true;
        case Attempts::Entry::waiting:
            return false;
        case Attempts::Entry::late:
            finish(refuse(ErrorCode::lun_active,
                          "{}: an earlier attempt to open it has not come back; its file system or "
                          "device does not answer",
                          open.path));
            return false;
    }
    return false;
}

void Registry::UnitRequest::begin() {
    if (open.path.empty()) return finish(make_unit({}));
    const io::Duration bound = registry.options_.open_bound;
    be_patient(bound, fmt::format("{} could not be opened within {} s: its file system or device "
                                  "does not answer",
                                  open.path, whole_seconds(bound)));
    if (!engine->needs_path) return find_medium({});
    probe();
}

void Registry::UnitRequest::probe() {
    const auto self = shared_from_this();
    if (!enter("look at " + open.path, [self] { self->probe(); })) return;
    call_blocking(
        registry.runtime_, [path = open.path] { return probe_identity(path); },
        [self](store::Identity identity) {
            self->registry.attempts_.leave(std::exchange(self->entered, {}));
            if (!self->over()) self->find_medium(identity);
        });
}

void Registry::UnitRequest::find_medium(store::Identity identity) {
    if (const MediumPtr medium = registry.media_.find(identity)) return use(medium);
    const auto self = shared_from_this();
    if (identity.known && !enter(fmt::format("open {}:{}", identity.device, identity.inode),
                                 [self, identity] { self->find_medium(identity); }))
        return;
    call_blocking(
        registry.runtime_,
        [engine = engine, request = open, set = set,
         reservations = registry.options_.reservations] {
            return Opened::open(*engine, request, set, reservations.get());
        },
        [self](Result<Opened> result) { self->opened(std::move(result)); });
}

void Registry::UnitRequest::opened(Result<Opened> result) {
    const auto ended = [self = shared_from_this(), mine = std::exchange(entered, {})] {
        if (!mine.empty()) self->registry.attempts_.leave(mine);
    };
    if (!result) {
        if (!over()) {
            log::error(module, "target {} LUN {}: {}", tid, lun, result.error().text);
            finish(refuse(ErrorCode::invalid_request, "{}", result.error().text));
        }
        return ended();
    }
    const store::Info& info = result->store->info();
    const MediumPtr medium = registry.media_.find(info.identity, info.lasting_id);
    if (!over() && !medium) {
        finish(make_unit(std::move(*result)));
        return ended();
    }
    // Nobody waits for it any more, or the name moved since it was looked at. The next open would
    // meet our own lock until this handle is closed.
    close_on_pool(registry.runtime_, std::move(result->store), ended);
    if (!over()) use(medium);
}

scsi::LunState initial_state(const scsi::DeviceType& type, const scsi::LunSetup& setup) {
    scsi::LunState state = type.initial_state(setup);
    if (setup.store || type.make_model) return state;
    state.removable = true;
    state.online = false;
    state.medium_present = false;
    return state;
}

// What was set of a LUN of the saved state, in that order.
Status Registry::UnitRequest::restore_settings(scsi::LunState& state, const store::Store* store,
                                               std::optional<uint64_t>& limit) {
    const LunParameterContext context{store ? &store->info() : nullptr, type};
    for (const auto& [name, value] : set) {
        const LunParameter* row = find_lun_parameter(name);
        Status status;
        if (row && row->apply)
            status = row->apply(state, value, context, warnings);
        else if (row && row->kind == LunParameter::Kind::capacity && store)
            status = restore_capacity(state, value, store->info().size, limit);
        else if (row || !store)
            status =
                refuse(ErrorCode::invalid_request, "a {} cannot have '{}' here", type->name, name);
        if (!status) return status;
    }
    return {};
}

Outcome<Registry::UnitPtr> Registry::UnitRequest::make_unit(Opened opened) {
    scsi::LunSetup setup;
    setup.identity = registry.identity_for(*this);
    setup.store = opened.store ? &opened.store->info() : nullptr;
    setup.block_size = block_size;
    scsi::LunState state = initial_state(*type, setup);
    std::optional<uint64_t> limit;
    if (auto status = restore_settings(state, opened.store.get(), limit); !status) {
        if (opened.store) close_on_pool(registry.runtime_, std::move(opened.store));
        return tl::unexpected(status.error());
    }
    const std::string flags = store::flags_text(open.flags);
    const auto make = [&](std::unique_ptr<store::Store> store) {
        return scsi::LogicalUnit::make(registry.runtime_, *type, std::move(store),
                                       std::string(engine->name), open.path, flags, state,
                                       registry.options_.io_threads);
    };
    if (!opened.store) {
        if (adjust) adjust(state);
        return make(nullptr);
    }
    note_unused_bytes(*setup.store);
    if (!opened.warning.empty()) warnings.push_back(opened.warning);
    if (opened.kept) state.reservations = std::move(*opened.kept);
    if (adjust) adjust(state);
    state.keeps_reservations = !opened.key.empty();
    if (!state.keeps_reservations) state.reservations.aptpl = false;
    const MediumPtr medium = registry.media_.add(*engine, open, *setup.store);
    medium->place = place_text(tid, lun);
    medium->first_identity = setup.identity;
    medium->limit = limit;
    UnitPtr unit = make(registry.media_.track(medium, std::move(opened.store)));
    registry.media_.set_unit(medium, unit);
    unit->set_observer(&registry.revival_);
    registry.watch_.watch(medium);
    if (state.keeps_reservations) keep_reservations(*unit, opened.key);
    return unit;
}

void Registry::UnitRequest::note_unused_bytes(const store::Info& info) {
    const uint64_t rest = block_size == 0 ? 0 : info.size % block_size;
    if (rest == 0) return;
    warnings.push_back(
        fmt::format("the last {} bytes of {} are not used: its size is not a multiple of the "
                    "block size {}",
                    rest, open.path, block_size));
    log::warn(module, "{}", warnings.back());
}

void Registry::UnitRequest::keep_reservations(scsi::LogicalUnit& unit, const std::string& key) {
    const scsi::LunState& state = *unit.state();
    auto keeper =
        registry.options_.reservations->make_keeper(key, {open.path, state.identity.scsi_id});
    // Those of the unit's old medium, instead of what this one had.
    if (adjust) keeper->keep(state.reservations, [](bool) {});
    unit.set_keeper(std::move(keeper));
}

// --- a medium that is there already -----------------------------------------------------------

void Registry::UnitRequest::use(const MediumPtr& medium) {
    UnitPtr unit = medium->unit.lock();
    const bool stays =
        unit && (unit == replaces || !registry.place_of(*unit).empty() || unit->orphans() > 0);
    if (!stays) return wait_for_close(medium);
    finish(share(*medium, std::move(unit)));
}

// The handle holds the lock; closing it takes as long as the device wishes.
void Registry::UnitRequest::wait_for_close(const MediumPtr& medium) {
    const auto self = shared_from_this();
    medium->on_closed.push_back([self] {
        if (!self->over()) self->begin();
    });
    be_patient(
        registry.options_.store_bound,
        medium->unit.expired()
            ? fmt::format("{} is still being closed after its last use; try again later", open.path)
            : fmt::format("{} is still held by commands of {}, which was deleted; try again "
                          "when they have ended",
                          open.path, medium->place));
}

Outcome<Registry::UnitPtr> Registry::UnitRequest::share(const Medium& medium, UnitPtr unit) const {
    if (unit == replaces) return unit;
    const std::string place = registry.place_of(*unit);
    if (place.empty())
        return refuse(ErrorCode::lun_active,
                      "{} writes of {}, which was deleted, are stuck in {} (backing store type {}) "
                      "and may still land there; try again when they have ended",
                      unit->orphans(), medium.place, medium.open.path, medium.engine->name);
    if (adjust)
        return refuse(ErrorCode::lun_active, "{} is the medium of another logical unit, {}",
                      open.path, place);
    if (medium.engine != engine)
        return refuse(ErrorCode::invalid_request,
                      "{} is the medium of {} with the backing store type {} already; a second LUN "
                      "on it must have the same, not {}",
                      open.path, place, medium.engine->name, engine->name);
    const uint32_t size = unit->state()->geometry.block_size;
    if (&unit->type() != type || size != block_size)
        return refuse(ErrorCode::invalid_request,
                      "{} is the medium of {}, a {} with block size {}, already; a second LUN on "
                      "it must be the same",
                      open.path, place, unit->type().name, size);
    return unit;
}

}  // namespace tgt::mgmt
