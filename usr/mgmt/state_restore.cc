// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_restore.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/log.h"
#include "mgmt/numbers.h"
#include "mgmt/verbs.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

using Unused = std::vector<StateKeeper::Unused>;
using Json = nlohmann::json;

Status bind_all(Registry& registry, int place, const SavedBindings& bindings) {
    for (const std::string& name : bindings.incoming)
        if (auto bound = registry.bind_account(place, name, Direction::incoming); !bound)
            return bound;
    if (bindings.outgoing.empty()) return {};
    return registry.bind_account(place, bindings.outgoing, Direction::outgoing);
}

Outcome<std::vector<PortalSpec>> specs_of(const std::vector<std::string>& texts) {
    std::vector<PortalSpec> out;
    for (const std::string& text : texts) {
        auto spec = PortalSpec::parse(text);
        if (!spec) return refuse(ErrorCode::invalid_request, "{}", spec.error().text);
        out.push_back(std::move(*spec));
    }
    return out;
}

// The work, shared by its steps: one kind of object after the other.
class Restoring : public std::enable_shared_from_this<Restoring> {
  public:
    Restoring(Registry& registry, RestoreOptions options, std::function<void(Unused)> done)
        : registry_(registry),
          options_(options),
          done_(std::move(done)),
          patience_([this] { out_of_patience(); }) {}

    void begin(const std::vector<StateRow>& rows) {
        registry_.set_restoring(true);
        for (const StateRow& row : rows) {
            auto object = decode_row(row);
            if (object)
                std::visit([this](auto& one) { sort(std::move(one)); }, *object);
            else
                unused(row.key, object.error().text);
        }
        next_setting(0);
    }

  private:
    void sort(SavedSystem system) { system_ = std::move(system); }
    void sort(SavedAccount account) { accounts_.push_back(std::move(account)); }
    void sort(SavedBindings bindings) { discovery_ = std::move(bindings); }
    void sort(SavedPortals portals) { portals_.push_back(std::move(portals)); }
    void sort(SavedTarget target) { targets_.push_back(std::move(target)); }
    void sort(SavedLun lun) { luns_.push_back(std::move(lun)); }

    void unused(const std::string& key, const std::string& reason) {
        log::error(module, "{} of the saved state is not used: {}", key, reason);
        unused_.push_back({key, reason});
    }

    // --- system
    // A setting that is refused stays among those that are saved: another version may take it.
    void next_setting(size_t index) {
        if (index == system_.set.size()) return small_objects();
        const auto& [name, value] = system_.set[index];
        auto params = std::make_shared<const Json>(Json{{"name", name}, {"value", value}});
        run_verb(registry_, {ipc::Mode::system, ipc::Op::update}, std::move(params),
                 [self = shared_from_this(), index](const Answer& answer) {
                     self->setting_done(index, answer);
                 });
    }
    void setting_done(size_t index, const Answer& answer) {
        const auto& [name, value] = system_.set[index];
        if (!answer) {
            log::error(module, "the setting {}={} of the saved state is not used: {}", name, value,
                       answer.error().reason);
            registry_.remember_system_setting(name, value);
        }
        next_setting(index + 1);
    }

    // --- accounts, discovery, portals
    void small_objects() {
        for (const SavedAccount& account : accounts_)
            if (auto added = registry_.accounts().add(account.name, account.secret); !added)
                unused(account_key(account.name), added.error().reason);
        if (discovery_) restore_discovery();
        for (const SavedPortals& portals : portals_)
            if (auto status = restore_portals(portals); !status)
                unused(portals_key(portals.lld), status.error().reason);
        next_target(0);
    }
    // What some may discover must not be open to all.
    void restore_discovery() {
        const auto bound = bind_all(registry_, Accounts::global, *discovery_);
        if (bound) return;
        registry_.accounts().forget_target(Accounts::global);
        registry_.close_discovery();
        unused(std::string(discovery_key), bound.error().reason + "; nobody can discover targets");
    }
    Status restore_portals(const SavedPortals& portals) {
        auto driver = registry_.find_driver(portals.lld);
        if (!driver) return tl::unexpected(driver.error());
        auto added = specs_of(portals.added), removed = specs_of(portals.removed);
        if (!added) return tl::unexpected(added.error());
        if (!removed) return tl::unexpected(removed.error());
        (*driver)->portals->set_changes({std::move(*added), std::move(*removed)});
        return {};
    }

    // --- targets, one after the other
    void next_target(size_t index) {
        if (index == targets_.size()) return begin_luns();
        const SavedTarget& target = targets_[index];
        registry_.new_target(target.tid, target.name, target.lld, target.origin,
                             [self = shared_from_this(), index](const Status& made) {
                                 self->target_made(index, made);
                             });
    }
    void target_made(size_t index, const Status& made) {
        const SavedTarget& target = targets_[index];
        const Status filled = made ? fill(target) : made;
        if (filled) return after_target(index);
        unused(target_key(target.tid), filled.error().reason);
        if (!made) return after_target(index);
        registry_.delete_target(
            target.tid, true,
            [self = shared_from_this(), index](const Status&) { self->after_target(index); });
    }
    // In a turn of its own: the stack must not grow with the targets.
    void after_target(size_t index) {
        registry_.runtime().control().post(
            [self = shared_from_this(), index] { self->next_target(index + 1); });
    }
    Status fill(const SavedTarget& target) {
        for (const auto& [name, value] : target.set)
            if (auto status = registry_.update_target(target.tid, name, value); !status)
                return status;
        auto entry = registry_.find_target(target.tid);
        if (!entry) return tl::unexpected(entry.error());
        for (const std::string& address : target.addresses)
            if (auto status = (*entry)->access.bind(address, {}); !status) return status;
        for (const std::string& name : target.initiators)
            if (auto status = (*entry)->access.bind({}, name); !status) return status;
        for (const uint32_t host : target.hosts)
            if (auto status = registry_.remember_host(target.tid, host); !status) return status;
        return bind_all(registry_, target.tid, target.accounts);
    }

    // --- LUNs, many at once
    void begin_luns() {
        arm_patience();
        more_luns();
    }
    void more_luns() {
        const bool in_turn = std::exchange(starting_, true);
        while (!in_turn && next_ < luns_.size() && (hurried_ || running_.size() < options_.at_once))
            start(luns_[next_++]);
        if (in_turn) return;
        starting_ = false;
        if (next_ < luns_.size() || !running_.empty() || !done_) return;
        patience_.disarm();
        registry_.set_restoring(false);
        registry_.bind_remembered_hosts();
        std::exchange(done_, nullptr)(std::move(unused_));
    }
    void start(const SavedLun& lun) {
        const auto place = std::pair(lun.made.tid, lun.made.lun);
        running_.insert(place);
        registry_.restore_lun(
            lun, !hurried_, [self = shared_from_this(), place](const Status& status) {
                self->running_.erase(place);
                if (!status)
                    self->unused(lun_key(place.first, place.second), status.error().reason);
                if (!self->hurried_) self->arm_patience();
                self->more_luns();
            });
    }
    void arm_patience() {
        registry_.runtime().control().timers().arm_in(patience_, options_.patience);
    }
    // Nothing has come back for so long: those that are waited for open later, and so do those that
    // had no turn.
    void out_of_patience() {
        const auto self = shared_from_this();
        hurried_ = true;
        const auto late = running_;
        log::error(module,
                   "{} backing stores of the saved state have not opened, and none has for {} s; "
                   "their LUNs are not ready until they do",
                   late.size() + luns_.size() - next_, whole_seconds(options_.patience));
        for (const auto& [tid, lun] : late)
            registry_.give_up_restoring(
                tid, lun,
                "its backing store has not opened yet; its file system or device does "
                "not answer");
        more_luns();
    }

    Registry& registry_;
    const RestoreOptions options_;
    std::function<void(Unused)> done_;
    SavedSystem system_;
    std::vector<SavedAccount> accounts_;
    std::optional<SavedBindings> discovery_;
    std::vector<SavedPortals> portals_;
    std::vector<SavedTarget> targets_;
    std::vector<SavedLun> luns_;
    size_t next_ = 0;  // of luns_
    std::set<std::pair<int, uint64_t>> running_;
    bool starting_ = false, hurried_ = false;
    io::Timer patience_;
    Unused unused_;
};

}  // namespace

void restore_state(Registry& registry, std::vector<StateRow> rows, RestoreOptions options,
                   std::function<void(Unused)> done) {
    const auto restoring = std::make_shared<Restoring>(registry, options, std::move(done));
    restoring->begin(rows);
}

}  // namespace tgt::mgmt
