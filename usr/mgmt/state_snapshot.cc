// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_snapshot.h"

#include <algorithm>
#include <set>

#include "mgmt/handlers.h"
#include "mgmt/numbers.h"
#include "mgmt/settings.h"
#include "mgmt/state_keeper.h"

namespace tgt::mgmt {

namespace {

using Kind = StateChange::Kind;
using Changes = std::vector<StateChange>;

constexpr auto no_lun = UINT64_MAX;

SavedBindings bindings_of(const Registry& registry, int place) {
    const BoundAccounts& bound = registry.accounts().bound(place);
    return {bound.incoming, bound.outgoing};
}

std::vector<std::string> texts_of(const std::vector<PortalSpec>& specs) {
    std::vector<std::string> out;
    for (const PortalSpec& spec : specs) out.push_back(spec.text());
    return out;
}

const TargetEntry* find_target(const Registry& registry, int tid) {
    const auto found = registry.targets().find(tid);
    return found == registry.targets().end() ? nullptr : &found->second;
}

// What one verb has to do with the saved state: looked at before it runs, and when it has ended.
class Saving {
  public:
    Saving(const VerbRow& row, const Call& call)
        : registry_(call.registry), row_(row), tid_(tid_of(call)) {
        lun_ = number_of(call, Key::lun).value_or(no_lun);
        user_ = text_of(call, Key::user);
        lld_ = text_of(call, Key::lld);
        deletes_ = row.op == ipc::Op::delete_;
        global_ = !has(call, Key::tid);
        if (row.touches == Touches::account && deletes_) places_ = places_of(user_);
        if (row.touches == Touches::system) abort_bounds_ = targets_with_abort_bound();
    }

    // The verb has succeeded.
    Changes changes() {
        switch (row_.touches) {
            case Touches::system:
                system();
                break;
            case Touches::target:
                target();
                break;
            case Touches::lun:
                lun();
                break;
            case Touches::portals:
                portals();
                break;
            case Touches::account:
                account();
                break;
            case Touches::bindings:
                bindings(global_ ? Accounts::global : tid_);
                break;
            case Touches::nothing:
                break;
        }
        return std::move(changes_);
    }

    // It was refused, but may have done a part: of several parameters or portals those before the
    // one that is wrong.
    Changes partial_changes() {
        if (row_.touches == Touches::portals) portals();
        const TargetEntry* entry = find_target(registry_, tid_);
        const bool known = row_.touches == Touches::lun && row_.op == ipc::Op::update && entry &&
                           entry->lun_entries.count(lun_);
        if (known) lun();
        return std::move(changes_);
    }

    // Of an object that could not be made again, and is to be deleted: its key.
    std::optional<std::string> unused_key(const StateKeeper& state) const {
        std::string key;
        if (row_.touches == Touches::target) key = target_key(tid_);
        if (row_.touches == Touches::lun) key = lun_key(tid_, lun_);
        if (row_.touches == Touches::account) key = account_key(user_);
        if (!deletes_ || !state.is_unused(key)) return std::nullopt;
        return key;
    }

  private:
    void put(const SavedObject& object) { changes_.push_back({Kind::put, encode_row(object)}); }
    void erase(std::string key) { changes_.push_back({Kind::erase, {std::move(key), {}}}); }
    void erase_below(std::string key) {
        changes_.push_back({Kind::erase_below, {std::move(key), {}}});
    }

    std::vector<int> targets_with_abort_bound() const {
        std::vector<int> out;
        for (const auto& [tid, entry] : registry_.targets())
            if (has_setting(entry.set, "abort-bound")) out.push_back(tid);
        return out;
    }
    std::vector<int> places_of(const std::string& user) const {
        std::vector<int> out;
        const auto bound = [&](int place) {
            const auto accounts = bindings_of(registry_, place);
            return accounts.outgoing == user ||
                   std::count(accounts.incoming.begin(), accounts.incoming.end(), user) > 0;
        };
        if (bound(Accounts::global)) out.push_back(Accounts::global);
        for (const auto& [tid, entry] : registry_.targets())
            if (bound(tid)) out.push_back(tid);
        return out;
    }

    void system() {
        put(saved_system(registry_));
        for (const int tid : abort_bounds_)
            if (const TargetEntry* entry = find_target(registry_, tid);
                entry && !has_setting(entry->set, "abort-bound"))
                put(saved_target(registry_, *entry));
    }
    // With what a target of that number left behind that could not be made again.
    void target() {
        const TargetEntry* entry = find_target(registry_, tid_);
        if (!entry || row_.op == ipc::Op::new_) {
            erase(target_key(tid_));
            erase_below(target_key(tid_));
        }
        if (entry) put(saved_target(registry_, *entry));
    }
    void lun() {
        const TargetEntry* entry = find_target(registry_, tid_);
        if (!entry || !entry->lun_entries.count(lun_)) return erase(lun_key(tid_, lun_));
        if (row_.op == ipc::Op::new_) erase(lun_key(tid_, lun_));
        put(saved_lun(registry_, *entry, lun_));
        const auto& set = entry->lun_entries.at(lun_).set;
        // Two owners: the LUN and its medium. More: LUNs of the same unit, which share it.
        if (set.use_count() <= 2 || row_.op != ipc::Op::update) return;
        for (const auto& [tid, other] : registry_.targets())
            for (const auto& [number, one] : other.lun_entries)
                if (one.set == set && std::pair(tid, number) != std::pair(tid_, lun_))
                    put(saved_lun(registry_, other, number));
    }
    void portals() {
        if (auto driver = registry_.find_driver(lld_)) put(saved_portals(**driver));
    }
    void account() {
        const std::string secret = registry_.accounts().secret_of(user_);
        if (secret.empty())
            erase(account_key(user_));
        else
            put(SavedAccount{user_, secret});
        for (const int place : places_) bindings(place);
    }
    void bindings(int place) {
        if (place == Accounts::global) return put(saved_discovery(registry_));
        if (const TargetEntry* entry = find_target(registry_, place))
            put(saved_target(registry_, *entry));
    }

    Registry& registry_;
    const VerbRow& row_;
    const int tid_;
    uint64_t lun_ = no_lun;
    std::string user_, lld_;
    bool deletes_ = false, global_ = false;
    std::vector<int> places_, abort_bounds_;
    Changes changes_;
};

Answered with_warning(const Answered& answered, const std::string& warning) {
    Json result = answered.result ? *answered.result : Json::object();
    result["warnings"].push_back(warning);
    return {std::make_shared<const Json>(std::move(result)), answered.after_sent, nullptr};
}

// The verb has ended.
void save(Registry& registry, Saving& saving, Answer outcome, bool early,
          const AnswerCallback& done) {
    StateKeeper* state = registry.state();
    if (!state) return done(std::move(outcome));
    Changes changes;
    if (outcome) {
        changes = saving.changes();
    } else if (const auto key = saving.unused_key(*state)) {
        changes = {{Kind::erase, {*key, {}}}, {Kind::erase_below, {*key, {}}}};
        outcome = with_warning(
            {}, fmt::format("{} was not in use; it is not in the saved state any more", *key));
    } else {
        changes = saving.partial_changes();
    }
    if (!outcome)
        return state->save(std::move(changes),
                           [outcome = std::move(outcome), done](const auto&) { done(outcome); });
    auto unsaved = std::make_shared<Unsaved>();
    state->save(std::move(changes), [unsaved](const std::optional<std::string>& why_not) {
        unsaved->ended = true;
        unsaved->why_not = why_not;
        if (const auto then = std::exchange(unsaved->then, nullptr)) then();
    });
    outcome->unsaved = std::move(unsaved);
    if (early) return done(std::move(outcome));
    await_saved(std::move(*outcome), done);
}

}  // namespace

SavedSystem saved_system(const Registry& registry) {
    return {registry.system_settings()};
}

SavedBindings saved_discovery(const Registry& registry) {
    return bindings_of(registry, Accounts::global);
}

SavedPortals saved_portals(const Registry::DriverEntry& driver) {
    const Portals::Changes& changes = driver.portals->changes();
    return {std::string(driver.driver->name()), texts_of(changes.added), texts_of(changes.removed)};
}

SavedTarget saved_target(const Registry& registry, const TargetEntry& entry) {
    return {entry.tid,
            entry.name,
            std::string(entry.driver->name()),
            entry.origin,
            entry.set,
            entry.access.addresses(),
            entry.access.names(),
            bindings_of(registry, entry.tid),
            {entry.hosts.begin(), entry.hosts.end()}};
}

SavedLun saved_lun(const Registry& registry, const TargetEntry& entry, uint64_t lun) {
    const LunEntry& known = entry.lun_entries.at(lun);
    SavedLun out{known.made, *known.set, 0};
    const auto& luns = entry.target->luns();
    const auto unit = luns.find(lun);
    if (unit == luns.end()) return out;
    const MediumPtr medium = registry.media().of(*unit->second);
    if (medium)
        out.size = medium->size;
    else if (unit->second->store())
        out.size = unit->second->store()->info().size;
    return out;
}

void save_when_done(const VerbRow& row, Call& call) {
    auto saving = std::make_shared<Saving>(row, call);
    call.done = [&registry = call.registry, saving, early = call.early,
                 done = std::move(call.done)](Answer outcome) {
        save(registry, *saving, std::move(outcome), early, done);
    };
}

void await_saved(Answered answered, std::function<void(Answered)> then) {
    const auto unsaved = std::exchange(answered.unsaved, nullptr);
    if (!unsaved) return then(std::move(answered));
    auto ended = [unsaved = std::weak_ptr(unsaved), answered = std::move(answered),
                  then = std::move(then)] {
        const auto known = unsaved.lock();
        if (!known || !known->why_not) return then(answered);
        then(with_warning(answered, fmt::format("this is in force, but not in the saved state yet: "
                                                "{}; it is tried again",
                                                *known->why_not)));
    };
    if (unsaved->ended) return ended();
    unsaved->then = std::move(ended);
}

}  // namespace tgt::mgmt
