// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/media.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "mgmt/blocking_call.h"
#include "mgmt/tracked_store.h"

namespace tgt::mgmt {

MediumPtr Media::add(const store::Engine& engine, const store::OpenRequest& request,
                     const store::Info& info) {
    auto medium = std::make_shared<Medium>();
    medium->engine = &engine;
    medium->open = request;
    medium->identity = info.identity;
    medium->lasting_id = info.lasting_id;
    medium->size = info.size;
    all_.push_back(medium);
    return medium;
}

std::unique_ptr<store::Store> Media::track(const MediumPtr& medium,
                                           std::unique_ptr<store::Store> store) {
    ++medium->handles;
    medium->identity = store->info().identity;
    return std::make_unique<TrackedStore>(std::move(store), [this, medium, &runtime = runtime_] {
        runtime.control().post([this, medium] { handle_closed(medium); });
    });
}

void Media::handle_closed(const MediumPtr& medium) {
    if (--medium->handles > 0) return;
    std::erase(all_, medium);
    forget_unit(medium);
    if (dropped_) dropped_(medium);
    for (const auto& call : std::exchange(medium->on_closed, {})) call();
}

MediumPtr Media::find(const store::Identity& identity, std::string_view lasting_id) const {
    if (!identity.known && lasting_id.empty()) return nullptr;
    const auto it = std::find_if(all_.begin(), all_.end(), [&](const MediumPtr& medium) {
        // Another device may have got the number of one that is gone.
        const bool by_number = !medium->missing || medium->lasting_id.empty();
        return (by_number && identity.known && medium->identity == identity) ||
               (!lasting_id.empty() && medium->lasting_id == lasting_id);
    });
    return it == all_.end() ? nullptr : *it;
}

bool Media::any_unit() const {
    return std::any_of(all_.begin(), all_.end(),
                       [](const MediumPtr& medium) { return !medium->unit.expired(); });
}

void Media::set_unit(const MediumPtr& medium, const std::shared_ptr<scsi::LogicalUnit>& unit) {
    forget_unit(medium);
    medium->unit = unit;
    medium->unit_key = unit.get();
    by_unit_[unit.get()] = medium;
}

// A unit that has gone may have left its address to another.
void Media::forget_unit(const MediumPtr& medium) {
    const auto found = by_unit_.find(std::exchange(medium->unit_key, nullptr));
    if (found != by_unit_.end() && found->second == medium) by_unit_.erase(found);
}

MediumPtr Media::of(const scsi::LogicalUnit& unit) const {
    const auto it = by_unit_.find(&unit);
    if (it == by_unit_.end() || it->second->unit.lock().get() != &unit) return nullptr;
    return it->second;
}

std::string place_text(int tid, uint64_t lun) {
    return fmt::format("LUN {} of target {}", lun, tid);
}

void close_on_pool(io::Runtime& runtime, std::unique_ptr<store::Store> store,
                   std::function<void()> closed) {
    call_blocking(
        runtime,
        [store = std::move(store)]() mutable {
            store.reset();
            return true;
        },
        [closed = std::move(closed)](bool) {
            if (closed) closed();
        });
}

}  // namespace tgt::mgmt
