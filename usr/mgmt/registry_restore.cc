// SPDX-License-Identifier: GPL-2.0-or-later
// LUNs of the saved state. One whose backing store cannot be opened yet is there and not ready, and
// is tried again until it opens.
#include "base/log.h"
#include "mgmt/gone_store.h"
#include "mgmt/registry.h"
#include "mgmt/settings.h"
#include "mgmt/unit_request.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

// Registrations that initiators made while the medium was missing; those that were kept with the
// medium count more.
void carry_reservations(io::Runtime& runtime, const scsi::LogicalUnit& from,
                        const std::shared_ptr<scsi::LogicalUnit>& to, std::function<void()> then) {
    const scsi::Reservations made = from.state()->reservations;
    static const scsi::Reservations none;
    if (made == none) return then();
    auto build = [made](const scsi::LunState& now) {
        scsi::LunChange change;
        if (!now.reservations.registrations.empty()) return change;
        change.next = std::make_shared<scsi::LunState>(now);
        change.next->reservations = made;
        return change;
    };
    to->change(build, runtime.control(),
               [then = std::move(then)](const scsi::Outcome&) { then(); });
}

}  // namespace

// The LUN while its medium is missing: not ready, with all that is known of it.
Registry::UnitPtr Registry::make_stand_in(const UnitRequest& request, uint64_t size) {
    store::Info info;
    info.size = size;
    scsi::LunSetup setup;
    setup.identity = identity_for(request);
    setup.store = &info;
    setup.block_size = request.block_size;
    scsi::LunState state = request.type->initial_state(setup);
    Warnings unused;
    for (const auto& [name, value] : request.set)
        if (const LunParameter* row = find_lun_parameter(name); row && row->apply)
            static_cast<void>(row->apply(state, value, {&info}, unused));
    state.backing = scsi::Backing::gone;
    return scsi::LogicalUnit::make(runtime_, *request.type, std::make_unique<GoneStore>(info),
                                   std::string(request.engine->name), request.open.path,
                                   store::flags_text(request.open.flags), std::move(state),
                                   options_.io_threads);
}

void Registry::restore_lun(const SavedLun& saved, bool open_now, StatusCallback done) {
    const int tid = saved.made.tid;
    const uint64_t lun = saved.made.lun;
    if (lun == 0) {
        if (saved.set.empty()) return done({});
        return update_lun(tid, 0, saved.set, [done = std::move(done)](Outcome<Warnings> updated) {
            done(updated ? Status() : tl::unexpected(updated.error()));
        });
    }
    auto request = std::make_shared<UnitRequest>(*this);
    request->set = saved.set;
    if (auto status = check_new_lun(saved.made, *request); !status) return done(status);
    request->done = [this, saved, weak = std::weak_ptr(request),
                     done = std::move(done)](const Outcome<UnitPtr>& made) {
        const auto request = weak.lock();
        for (const auto& warning : request->warnings)
            log::warn(module, "{}: {}", place_text(saved.made.tid, saved.made.lun), warning);
        if (made) return enter_restored(saved, *made, {}, done);
        if (request->open.path.empty()) {
            leave_busy(saved.made.tid, saved.made.lun);
            return done(tl::unexpected(made.error()));
        }
        enter_restored(saved, make_stand_in(*request, saved.size), made.error().reason, done);
    };
    targets_.at(tid).busy_luns[lun] = [weak = std::weak_ptr(request)](const Failure& why) {
        if (const auto opening = weak.lock()) opening->finish(tl::unexpected(why));
    };
    if (open_now) return request->begin();
    request->finish(refuse(ErrorCode::lun_active, "it was not looked at yet"));
}

void Registry::give_up_restoring(int tid, uint64_t lun, const std::string& why) {
    if (auto found = find_target(tid)) interrupt(**found, lun, {ErrorCode::lun_active, why});
}

void Registry::leave_busy(int tid, uint64_t lun) {
    if (const auto it = targets_.find(tid); it != targets_.end()) it->second.busy_luns.erase(lun);
}

// `why_not` is empty when the unit has its medium.
void Registry::enter_restored(const SavedLun& saved, UnitPtr unit, const std::string& why_not,
                              const StatusCallback& done) {
    auto attached = [this, saved, unit, why_not, done](const Status& status) {
        const auto [tid, lun] = std::pair(saved.made.tid, saved.made.lun);
        leave_busy(tid, lun);
        if (!status) return done(status);
        LunEntry& entry = targets_.at(tid).lun_entries[lun];
        entry = entry_for(saved.made, saved.set, *unit);
        if (!why_not.empty()) {
            entry.waiting_for = why_not;
            reopening_.add({tid, lun});
        }
        done({});
    };
    attach_lun(saved.made.tid, saved.made.lun, unit, std::move(attached));
}

// --- until it opens
// -------------------------------------------------------------------------------

// Null: there is no such LUN any more, or it has its medium.
LunEntry* Registry::find_waiting(Reopening::Place place) {
    auto found = find_target(place.first);
    if (!found) return nullptr;
    const auto entry = (*found)->lun_entries.find(place.second);
    if (entry == (*found)->lun_entries.end() || !entry->second.waiting_for) return nullptr;
    return &entry->second;
}

void Registry::reopen(Reopening::Place place, std::function<void(bool again)> ended) {
    const LunEntry* entry = find_waiting(place);
    if (!entry || stopping_) return ended(false);
    auto request = std::make_shared<UnitRequest>(*this);
    request->set = *entry->set;
    if (auto status = resolve_lun(entry->made, *request); !status) return ended(false);
    request->done = [this, place, asked = entry->made, weak = std::weak_ptr(request),
                     ended = std::move(ended)](const Outcome<UnitPtr>& made) {
        reopen_requests_.erase(place);
        LunEntry* entry = find_waiting(place);
        if (!entry || stopping_) return ended(false);
        if (!made) {
            if (entry->waiting_for != made.error().reason)
                log::warn(module, "{} is not ready: {}", place_text(place.first, place.second),
                          made.error().reason);
            entry->waiting_for = made.error().reason;
            return ended(true);
        }
        // An administrator was quicker.
        const bool changed = entry->made != asked || *entry->set != weak.lock()->set;
        if (changed || targets_.at(place.first).busy_luns.count(place.second)) return ended(true);
        use_reopened(place, *made, ended);
    };
    reopen_requests_[place] = request;
    request->begin();
}

// What is under way must not outlive the workers.
void Registry::stop_reopening() {
    for (const auto& [place, waiting] : std::exchange(reopen_requests_, {}))
        if (const auto request = waiting.lock())
            request->finish(refuse(ErrorCode::invalid_request, "the daemon is being stopped"));
}

void Registry::use_reopened(Reopening::Place place, const UnitPtr& unit,
                            const std::function<void(bool again)>& ended) {
    TargetEntry& target = targets_.at(place.first);
    const UnitPtr stand_in = target.target->luns().at(place.second);
    target.busy_luns[place.second] = nullptr;  // there is nothing to wait for
    carry_reservations(runtime_, *stand_in, unit, [this, place, unit, ended] {
        LunEntry* entry = find_waiting(place);
        if (!entry) return ended(false);  // its target was deleted
        replace_lun(targets_.at(place.first), place.second, unit, [](bool) {});
        *entry = entry_for(entry->made, *entry->set, *unit);
        leave_busy(place.first, place.second);
        log::info(module, "{}, the medium of {}, is there now", unit->path(),
                  place_text(place.first, place.second));
        ended(false);
    });
}

}  // namespace tgt::mgmt
