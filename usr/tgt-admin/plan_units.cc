// SPDX-License-Identifier: GPL-2.0-or-later
// The logical units of a target: made, changed, replaced, removed.
#include <algorithm>
#include <array>

#include "tgt-admin/planner.h"

namespace tgt::tgt_admin {
namespace {

using config::LogicalUnit;
using config::Use;

// Their addresses are no files, or not of this machine.
bool is_remote(const LogicalUnit& unit) {
    constexpr std::array<std::string_view, 4> stores{"rbd", "glfs", "sheepdog", "null"};
    const auto it = std::find_if(
        unit.settings.begin(), unit.settings.end(), [](const config::Setting& setting) {
            return setting.directive->use == Use::unit_option && setting.directive->to == "bstype";
        });
    if (it == unit.settings.end()) return false;
    return std::find(stores.begin(), stores.end(), it->value) != stores.end();
}

}  // namespace

// What becomes of a unit that is there, or of one that the file wants.
struct Planner::Match {
    const LogicalUnit* wanted = nullptr;  // null: nobody wants it
    std::optional<UnitState> shown;       // nothing: it is to be made
};

// --- who uses what ------------------------------------------------------------------------------

void Planner::use(const std::string& path, int tid, uint64_t lun) {
    const std::string key = devices_.key(path);
    users_[key].insert({tid, lun});
    media_[{tid, lun}] = key;
}

void Planner::unuse(int tid, uint64_t lun) {
    const auto found = media_.find({tid, lun});
    if (found == media_.end()) return;
    const auto users = users_.find(found->second);
    users->second.erase({tid, lun});
    if (users->second.empty()) users_.erase(users);
    media_.erase(found);
}

// In words; empty: nobody.
std::string Planner::user_of(const std::string& path) {
    const auto lun = users_.find(devices_.key(path));
    if (lun != users_.end())
        return fmt::format("It is LUN {} of target {}.", lun->second.begin()->second,
                           lun->second.begin()->first);
    for (const Process& process : devices_.holders(path))
        if (process.pid != now_.daemon_pid)
            return fmt::format("Process {} ({}) has it open.", process.pid, process.name);
    return "";
}

// --- whether a medium may be used ---------------------------------------------------------------

bool Planner::in_use(const LogicalUnit& unit, bool allowed) {
    if (allowed) return false;
    std::string why;
    if (devices_.taken_by_system(unit.path)) {
        comment(
            fmt::format("# Device {} is used by the system (mounted, used by swap?).", unit.path));
        why = "the system uses it";
    } else {
        why = user_of(unit.path);
        if (why.empty()) return false;
        comment(fmt::format("# Device {} is used (already tgtd target?).", unit.path));
        comment(fmt::format("# Run 'lsof {}' to see the details.", unit.path));
        comment("# " + why);
    }
    comment(fmt::format("# Skipping device {} - it is in use.", unit.path));
    comment("# You can override it with --force or 'allow-in-use yes' config option.");
    comment("# Note - do so only if you know what you're doing, you may damage your data.");
    plan_.steps.push_back({Step::Kind::warning,
                           fmt::format("{}: no logical unit is made of {}, it is in use: {}",
                                       unit.at.text(), unit.path, why),
                           {},
                           false,
                           0});
    return true;
}

bool Planner::usable(const LogicalUnit& unit) {
    if (unit.without_medium() || is_remote(unit)) return true;
    if (!devices_.exists(unit.path)) {
        comment("# Skipping device: " + unit.path);
        comment(
            fmt::format("# {} does not exist - please check the configuration file", unit.path));
        const std::string_view hint = unit.of_library ? " (tgt-setup-library makes libraries)" : "";
        if (!hint.empty()) comment(fmt::format("#{}", hint));
        plan_.steps.push_back({Step::Kind::warning,
                               fmt::format("{}: no logical unit is made of {}, it does not exist{}",
                                           unit.at.text(), unit.path, hint),
                               {},
                               false,
                               0});
        return false;
    }
    return !in_use(unit, options_.force || unit.allow_in_use);
}

Identity Planner::identity_of(const LogicalUnit& unit) {
    if (!unit.direct || unit.without_medium()) return {};
    auto identity = devices_.identity(unit.path);
    if (identity) return std::move(*identity);
    note(fmt::format("{} does not tell its identity: {}", unit.path, identity.error().text),
         &unit.at);
    return {};
}

// --- new ones -----------------------------------------------------------------------------------

namespace {

// Numbers for units that have none: the lowest that the target has not, and that no unit asks for.
class FreeLuns {
  public:
    FreeLuns(const config::Target& wanted, const TargetState& target) {
        for (const LogicalUnit& unit : wanted.units)
            if (unit.lun) taken_.insert(*unit.lun);
        for (const UnitState& unit : target.units) taken_.insert(unit.lun);
    }
    uint64_t next() {
        while (taken_.count(next_)) ++next_;
        return next_++;
    }

  private:
    std::set<uint64_t> taken_;
    uint64_t next_ = 1;
};

}  // namespace

void Planner::create_units(const config::Target& wanted, int tid, bool direct) {
    FreeLuns free(wanted, *now_.find_target(tid));
    for (const LogicalUnit& unit : wanted.units)
        if (unit.direct == direct && usable(unit))
            create_unit(wanted, unit, tid, unit.lun ? *unit.lun : free.next());
}

void Planner::create_unit(const config::Target& wanted, const LogicalUnit& unit, int tid,
                          uint64_t lun) {
    const TargetId target{wanted.driver, tid};
    DesiredUnit desired = desired_unit(unit, tid, lun, identity_of(unit));
    desired.options.force = unit.allow_in_use || options_.force;
    run(unit_new(target, lun, desired.options));
    for (const UnitUpdate& update : desired.updates)
        run(unit_update(target, lun, update.pairs, update.form));
    if (desired.write_cache)
        comment(fmt::format("# Write cache is enabled (default) for lun {}.", lun));
    UnitState made;
    made.lun = lun;
    made.path = desired.options.path;
    now_.find_target(tid)->units.push_back(std::move(made));
    if (desired.options.path) use(*desired.options.path, tid, lun);
}

// --- those that are there -----------------------------------------------------------------------

// By number where the file gives one, else by medium: what initiators see as LUN 2 stays LUN 2.
std::vector<Planner::Match> Planner::match_units(const config::Target& wanted,
                                                 const TargetState& target) {
    std::map<uint64_t, const UnitState*> left;
    std::multimap<std::string, uint64_t> by_medium;
    for (const UnitState& shown : target.units) {
        left[shown.lun] = &shown;
        by_medium.emplace(shown.path ? devices_.key(*shown.path) : "", shown.lun);
    }
    std::vector<Match> out;
    const auto match = [&](const LogicalUnit& unit, uint64_t lun) {
        const auto found = left.find(lun);
        if (found == left.end()) return false;
        out.push_back({&unit, *found->second});
        left.erase(found);
        return true;
    };
    std::vector<const LogicalUnit*> rest;
    for (const LogicalUnit& unit : wanted.units) {
        if (!unit.lun)
            rest.push_back(&unit);
        else if (!match(unit, *unit.lun))
            out.push_back({&unit, {}});
    }
    for (const LogicalUnit* unit : rest) {
        const std::string key = unit->without_medium() ? "" : devices_.key(unit->path);
        const auto [first, last] = by_medium.equal_range(key);
        const bool found =
            std::any_of(first, last, [&](const auto& shown) { return match(*unit, shown.second); });
        if (!found) out.push_back({unit, {}});
    }
    for (const auto& [lun, shown] : left) out.push_back({nullptr, *shown});
    return out;
}

void Planner::withhold(int tid, uint64_t lun) {
    comment(
        fmt::format("# LUN {} of target {} stays as it is, initiators use the target.", lun, tid));
}

void Planner::delete_unit(const TargetId& target, uint64_t lun) {
    run(unit_delete(target, lun), true);
    unuse(target.tid, lun);
    std::erase_if(now_.find_target(target.tid)->units,
                  [&](const UnitState& unit) { return unit.lun == lun; });
}

// False: something was left as it is, because initiators use the target (`free` is not).
bool Planner::change_units(const config::Target& wanted, int tid, bool free) {
    const TargetState target = *now_.find_target(tid);
    const TargetId id{target.driver, tid};
    const auto matches = match_units(wanted, target);
    bool complete = true;
    for (const Match& match : matches) {
        if (match.wanted || !take_back(match.shown->from_config)) continue;
        if (free) {
            delete_unit(id, match.shown->lun);
        } else {
            withhold(tid, match.shown->lun);
            complete = false;
        }
    }
    for (const Match& match : matches)
        if (match.wanted && match.shown && !change_unit(wanted, match, tid, free)) complete = false;
    FreeLuns numbers(wanted, *now_.find_target(tid));
    for (const Match& match : matches)
        if (match.wanted && !match.shown && usable(*match.wanted))
            create_unit(wanted, *match.wanted, tid,
                        match.wanted->lun ? *match.wanted->lun : numbers.next());
    return complete;
}

bool Planner::change_unit(const config::Target& wanted, const Match& match, int tid, bool free) {
    const UnitState& shown = *match.shown;
    const LogicalUnit& unit = *match.wanted;
    const DesiredUnit desired = desired_unit(unit, tid, shown.lun, identity_of(unit));
    const std::optional<std::string>& path = desired.options.path;
    const bool moves = shown.in_library || (unit.of_library && unit.without_medium());
    const bool same_medium = moves || (path.has_value() == shown.path.has_value() &&
                                       (!path || devices_.key(*path) == devices_.key(*shown.path)));
    if (!same_medium || differs_for_good(shown, desired))
        return replace_unit(wanted, match, tid, free, same_medium);
    bool complete = true;
    if (now_.legacy && wants_library(desired))
        comment(
            fmt::format("# This daemon does not tell what the library of LUN {} holds, "
                        "it stays as it is.",
                        shown.lun));
    for (const UnitUpdate& update : missing_updates(shown, desired, take_back(shown.from_config))) {
        if (disturbs(update) && !free) {
            withhold(tid, shown.lun);
            complete = false;
            continue;
        }
        run(unit_update({wanted.driver, tid}, shown.lun, update.pairs, update.form));
    }
    return complete;
}

bool Planner::replace_unit(const config::Target& wanted, const Match& match, int tid, bool free,
                           bool same_medium) {
    const uint64_t lun = match.shown->lun;
    if (!take_back(match.shown->from_config)) {
        note(fmt::format("LUN {} of target {} was not made by a configuration file, it stays as it "
                         "is.",
                         lun, tid),
             &match.wanted->at);
        return true;
    }
    if (!free) {
        withhold(tid, lun);
        return false;
    }
    // Its own medium is free then; another one may not be.
    if (!same_medium && !usable(*match.wanted)) return true;
    delete_unit({wanted.driver, tid}, lun);
    create_unit(wanted, *match.wanted, tid, lun);
    return true;
}

}  // namespace tgt::tgt_admin
