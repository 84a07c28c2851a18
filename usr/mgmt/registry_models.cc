// SPDX-License-Identifier: GPL-2.0-or-later
// What devices with a model of their own need of management: parameters of theirs, and to hear of
// other LUNs (a changer's drives).
#include <algorithm>
#include <future>

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/numbers.h"
#include "mgmt/registry.h"
#include "mgmt/unit_request.h"
#include "scsi/device_model.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
// A changer waits for its drives.
constexpr auto model_bound = std::chrono::seconds(60);

// The number in the pair of that name.
std::optional<uint64_t> number_in(const NamedValues& values, std::string_view name) {
    std::optional<uint64_t> out;
    for (const auto& [key, value] : values)
        if (key == name) out = parse_number(value);
    return out;
}

// On the strand of the unit, which may be busy; the caller is a thread of the pool.
struct Updated {
    Result<void> result;
    std::vector<std::string> warnings;
};
Updated update_on_strand(const std::weak_ptr<scsi::LogicalUnit>& weak,
                         const scsi::ModelUpdate& change) {
    auto promise = std::make_shared<std::promise<Updated>>();
    auto future = promise->get_future();
    {
        const auto unit = weak.lock();
        if (!unit) return {fail(ENODEV, "the LUN has gone"), {}};
        unit->on_strand([promise, change, model = unit->model()] {
            Updated out;
            out.result = model->update(change, out.warnings);
            promise->set_value(std::move(out));
        });
    }
    return future.get();
}

}  // namespace

// A LUN is there, or its unit is called otherwise now.
void Registry::introduce(int tid, uint64_t lun) {
    const auto entry = targets_.find(tid);
    if (entry == targets_.end()) return;
    const auto found = entry->second.target->luns().find(lun);
    if (found == entry->second.target->luns().end()) return;
    const UnitPtr unit = found->second;
    std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : listeners_)
        if (const auto listener = weak.lock()) listener->model()->lun_came(tid, lun, unit);
    if (!unit->model() || !unit->model()->wants_luns()) return;
    const bool known = std::any_of(listeners_.begin(), listeners_.end(),
                                   [&](const auto& weak) { return weak.lock() == unit; });
    if (known) return;
    listeners_.push_back(unit);
    for (const auto& [other_tid, other] : targets_)
        for (const auto& [other_lun, there] : other.target->luns())
            unit->model()->lun_came(other_tid, other_lun, there);
}

Registry::UnitPtr Registry::unit_at(std::optional<uint64_t> tid,
                                    std::optional<uint64_t> lun) const {
    if (!tid || !lun || *tid > INT32_MAX) return nullptr;
    const auto entry = targets_.find(int(*tid));
    if (entry == targets_.end()) return nullptr;
    const auto found = entry->second.target->luns().find(*lun);
    return found == entry->second.target->luns().end() ? nullptr : found->second;
}

// All parameters of the device itself that the request has, as one: tgt takes them so.
void Registry::update_model(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit) {
    scsi::ModelUpdate change;
    const auto first = update->parameters.begin() + ptrdiff_t(--update->next);
    const auto mine = std::stable_partition(first, update->parameters.end(), [&](const auto& pair) {
        return !unit->model()->takes(pair.first);
    });
    change.values.assign(mine, update->parameters.end());
    update->parameters.erase(mine, update->parameters.end());
    const auto tid = number_in(change.values, "tid"), lun = number_in(change.values, "lun");
    change.unit = unit_at(tid, lun);
    change.state = unit->state();
    auto work = [weak = std::weak_ptr(unit), change] { return update_on_strand(weak, change); };
    auto updated = [this, update, weak = std::weak_ptr(unit), tid,
                    lun](const std::optional<Updated>& done) {
        const UnitPtr unit = weak.lock();
        if (update->over() || !unit) return;
        if (!done)
            return update->finish(refuse(ErrorCode::lun_active,
                                         "LUN {} of target {} did not take the change within {} s; "
                                         "it may still do so",
                                         update->lun, update->tid, whole_seconds(model_bound)));
        if (!done->result)
            return update->finish(
                refuse(ErrorCode::invalid_request, "{}", done->result.error().text));
        for (const auto& warning : done->warnings) {
            log::warn(module, "target {} LUN {}: {}", update->tid, update->lun, warning);
            update->warnings.push_back(warning);
        }
        if (const UnitPtr drive = unit_at(tid, lun))
            unit->model()->lun_came(int(*tid), *lun, drive);
        adjust_to_model(update, unit);
    };
    call_bounded(runtime_, model_bound, std::move(work), std::move(updated));
}

// What initiators see of the change is in force before it is answered.
void Registry::adjust_to_model(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit) {
    auto build = [unit](const scsi::LunState& now) {
        scsi::LunChange change;
        auto next = std::make_shared<scsi::LunState>(now);
        unit->model()->adjust(*next);
        if (*next != now) change.next = std::move(next);
        return change;
    };
    unit->change(build, runtime_.control(),
                 [this, update](const scsi::Outcome&) { update_next(update); });
}

}  // namespace tgt::mgmt
