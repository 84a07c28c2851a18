// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/planner.h"

#include <algorithm>
#include <charconv>

namespace tgt::tgt_admin {

bool Plan::runs_anything() const {
    return std::any_of(steps.begin(), steps.end(),
                       [](const Step& step) { return step.kind == Step::Kind::run; });
}

Planner::Planner(State now, const config::Config& config, const Options& options, Devices& devices)
    : now_(std::move(now)), config_(config), options_(options), devices_(devices) {
    if (options_.action != Action::execute && options_.action != Action::update) return;
    for (const TargetState& target : now_.targets)
        for (const UnitState& unit : target.units)
            if (unit.path) use(*unit.path, target.tid, unit.lun);
}

// --- saying
// ---------------------------------------------------------------------------------------

void Planner::comment(std::string text) {
    plan_.steps.push_back({Step::Kind::comment, std::move(text), {}, false, 0});
}

void Planner::say(std::string text) {
    plan_.steps.push_back({Step::Kind::say, std::move(text), {}, false, 0});
}

void Planner::note(const std::string& text, const config::Position* at) {
    comment("# " + text);
    const std::string place = at && at->file ? at->text() + ": " : "";
    plan_.steps.push_back({Step::Kind::warning, place + text, {}, false, 0});
}

void Planner::run(Command command, bool patient) {
    plan_.steps.push_back({Step::Kind::run, "", std::move(command), patient, 0});
}

// --- execute ------------------------------------------------------------------------------------

Plan Planner::execute() {
    globals(false);
    driver_comment();
    for (const config::Target& wanted : config_.targets) {
        if (is_broken(wanted)) continue;
        if (now_.find_target(wanted.name))
            comment(fmt::format("# Target {} already exists!", wanted.name));
        else
            create_target(wanted, {});
    }
    if (!config_.targets.empty()) blank();
    remove_unwanted();
    return std::move(plan_);
}

// Only when errors are to be ignored: otherwise nothing is begun with such a file.
bool Planner::is_broken(const config::Target& target) {
    const config::Problem* problem = config_.first_error(target.name);
    if (!problem) return false;
    note(fmt::format("Target {} is left alone: {}", target.name, problem->what.problem),
         &problem->what.at);
    return true;
}

void Planner::remove_unwanted() {
    std::vector<int> unwanted;
    for (const TargetState& target : now_.targets)
        if (!config_.find_target(target.name)) unwanted.push_back(target.tid);
    for (const int tid : unwanted) {
        TargetState& target = *now_.find_target(tid);
        if (!take_back(target.from_config)) {
            comment(
                fmt::format("# Target with tid {} ({}) was not made by a configuration file, "
                            "it stays.",
                            tid, target.name));
            continue;
        }
        remove_or_say(target);
    }
}

// --- remove -------------------------------------------------------------------------------------

bool Planner::may_remove(const TargetState& target) {
    return !target.in_use() || options_.force;
}

bool Planner::remove_or_say(TargetState& target) {
    if (may_remove(target)) {
        remove_target(target.tid);
        return true;
    }
    note(fmt::format("Target with tid {} ({}) is in use, it won't be deleted.", target.tid,
                     target.name));
    return false;
}

// A target in use: nobody may log in again, then every connection of every session goes.
void Planner::remove_target(int tid) {
    const TargetState target = *now_.find_target(tid);
    comment("# Removing target: " + target.name);
    for (const uint32_t host : target.hosts.value_or(std::vector<uint32_t>()))
        run(host_unbind(tid, host));
    if (target.in_use() && !target.hosts) {
        for (const std::string& address : target.addresses)
            run(acl_unbind(tid, Subject::address, address));
        for (const std::string& name : target.initiators) run(acl_unbind(tid, Subject::name, name));
        for (const NexusState& nexus : target.nexuses)
            for (const uint64_t cid : nexus.connections) run(connection_delete(tid, nexus.id, cid));
    }
    run(target_delete(tid), target.in_use());
    blank();
    for (const UnitState& unit : target.units) unuse(tid, unit.lun);
    std::erase_if(now_.targets, [&](const TargetState& one) { return one.tid == tid; });
}

std::optional<int> Planner::subject_tid() const {
    constexpr std::string_view word = "tid=";
    const std::string& text = options_.subject;
    if (text.compare(0, word.size(), word) != 0) return std::nullopt;
    int tid = 0;
    const auto [end, error] =
        std::from_chars(text.data() + word.size(), text.data() + text.size(), tid);
    if (error != std::errc() || end != text.data() + text.size()) return -1;
    return tid;
}

Plan Planner::remove() {
    if (options_.subject == "ALL") {
        std::vector<int> all;
        for (const TargetState& target : now_.targets) all.push_back(target.tid);
        for (const int tid : all) remove_or_say(*now_.find_target(tid));
        return std::move(plan_);
    }
    const auto tid = subject_tid();
    TargetState* target = tid ? now_.find_target(*tid) : now_.find_target(options_.subject);
    if (target)
        remove_or_say(*target);
    else if (tid)
        note(fmt::format("Target with tid {} does not exist!", options_.subject.substr(4)));
    else
        note(fmt::format("Target with name {} does not exist!", options_.subject));
    return std::move(plan_);
}

// --- offline and ready --------------------------------------------------------------------------

Plan Planner::switch_state(bool ready) {
    if (options_.subject == "ALL") {
        for (const TargetState& target : now_.targets) run(target_state(target.tid, "", ready));
        return std::move(plan_);
    }
    if (const auto tid = subject_tid()) {
        run(target_state(*tid, "", ready));
        return std::move(plan_);
    }
    if (const TargetState* target = now_.find_target(options_.subject)) {
        run(target_state(target->tid, target->name, ready));
        return std::move(plan_);
    }
    say(fmt::format("There is no target with name \"{}\", can't {} it!", options_.subject,
                    ready ? "ready" : "offline"));
    plan_.exit_code = exit_bad_config;
    return std::move(plan_);
}

// --- update -------------------------------------------------------------------------------------

Plan Planner::update() {
    if (options_.subject == "ALL") {
        update_all();
        return std::move(plan_);
    }
    std::string name = options_.subject;
    if (const auto tid = subject_tid()) {
        const TargetState* target = now_.find_target(*tid);
        if (!target) {
            say(fmt::format("There is no target with tid {}, can't continue!",
                            options_.subject.substr(4)));
            plan_.exit_code = exit_bad_config;
            return std::move(plan_);
        }
        name = target->name;
    }
    update_one(name);
    return std::move(plan_);
}

void Planner::update_all() {
    remove_unwanted();
    globals(true);
    if (!config_.targets.empty()) driver_comment();
    for (const config::Target& wanted : config_.targets)
        if (!is_broken(wanted)) update_target(wanted);
}

void Planner::update_one(const std::string& name) {
    const config::Target* wanted = config_.find_target(name);
    TargetState* target = now_.find_target(name);
    if (wanted || !target) {
        globals(false);
        driver_comment();
    }
    if (wanted) return update_target(*wanted);
    if (target) {
        remove_or_say(*target);
        return;
    }
    say(fmt::format("Target {} is currently not configured", name));
    say("and does not exist in the config file - can't continue!");
    plan_.exit_code = exit_bad_config;
}

void Planner::update_target(const config::Target& wanted) {
    const TargetState* target = now_.find_target(wanted.name);
    if (!target) {
        comment(fmt::format("# Target with name {} does not exist!", wanted.name));
        create_target(wanted, {});
        return blank();
    }
    const bool other_driver = target->driver != wanted.driver;
    const bool other_tid = wanted.controller_tid && *wanted.controller_tid != target->tid;
    if (!other_driver && !other_tid) {
        if (!change_target(wanted))
            note(fmt::format("Target with tid {} ({}) is in use, it won't be updated.", target->tid,
                             target->name));
        return blank();
    }
    if (!may_remove(*target) && !wanted.allow_in_use) {
        note(fmt::format("Target with tid {} ({}) is in use, it won't be updated.", target->tid,
                         target->name));
        return blank();
    }
    const int tid = target->tid;
    remove_target(tid);
    create_target(wanted, tid);
    blank();
}

}  // namespace tgt::tgt_admin
