// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>

#include "config/targets_conf.h"
#include "tgt-admin/desired.h"
#include "tgt-admin/devices.h"
#include "tgt-admin/options.h"
#include "tgt-admin/plan.h"
#include "tgt-admin/state.h"

namespace tgt::tgt_admin {

// From what the daemon has and what the configuration file says to the commands that make the one
// the other. It sends nothing: it changes a copy of the state as its commands would, and asks
// `devices` about media. One use; config and devices outlive it.
class Planner {
  public:
    Planner(State now, const config::Config& config, const Options& options, Devices& devices);

    Plan execute();  // makes targets that are missing, then removes those that nobody wants
    Plan update();   // makes targets what the file says
    Plan remove();
    Plan switch_state(bool ready);

  private:
    // --- saying (planner.cc)
    void comment(std::string text);
    void blank() { comment(""); }
    void say(std::string text);
    // A comment that matters: those who see no comments get it on standard error.
    void note(const std::string& text, const config::Position* at = nullptr);
    void run(Command command, bool patient = false);

    // --- the daemon (plan_globals.cc)
    void globals(bool match);
    void driver_comment();
    void system_setting(const config::Setting& setting);
    void portal(const config::Setting& setting);
    void ensure_account(const std::string& lld, const config::Account& account);
    void replace_account(const config::Account& account);
    void discovery_account(const config::Setting& setting, bool outgoing);
    void forget_discovery_accounts();

    // --- whole targets (planner.cc)
    bool is_broken(const config::Target& target);
    void remove_unwanted();
    bool may_remove(const TargetState& target);
    void remove_target(int tid);
    bool remove_or_say(TargetState& target);
    void update_all();
    void update_one(const std::string& name);
    void update_target(const config::Target& wanted);
    // The name behind ALL, tid=N or a name; nothing for ALL.
    std::optional<int> subject_tid() const;

    // --- one target (plan_target.cc)
    void create_target(const config::Target& wanted, std::optional<int> tid);
    int tid_for(const config::Target& wanted, std::optional<int> tid) const;
    void comment_on(const config::Target& wanted, const config::Setting& setting);
    void apply(const config::Target& wanted, int tid, const config::Setting& setting);
    void bind_account(const config::Target& wanted, int tid, const config::Setting& setting,
                      bool outgoing);
    bool change_target(const config::Target& wanted);
    std::optional<Command> change_parameters(const config::Target& wanted, TargetState& target,
                                             bool take_back);
    void change_accounts(const config::Target& wanted, TargetState& target, bool take_back);
    void change_rules(const config::Target& wanted, TargetState& target, bool take_back);
    void bind_host(int tid, const config::Setting& setting);
    void change_hosts(const config::Target& wanted, TargetState& target, bool take_back);

    // --- its logical units (plan_units.cc)
    struct Match;
    void create_units(const config::Target& wanted, int tid, bool direct);
    bool change_units(const config::Target& wanted, int tid, bool free);
    std::vector<Match> match_units(const config::Target& wanted, const TargetState& target);
    void create_unit(const config::Target& wanted, const config::LogicalUnit& unit, int tid,
                     uint64_t lun);
    bool change_unit(const config::Target& wanted, const Match& match, int tid, bool free);
    bool replace_unit(const config::Target& wanted, const Match& match, int tid, bool free,
                      bool same_medium);
    void withhold(int tid, uint64_t lun);
    void delete_unit(const TargetId& target, uint64_t lun);
    bool usable(const config::LogicalUnit& unit);
    bool in_use(const config::LogicalUnit& unit, bool allowed);
    Identity identity_of(const config::LogicalUnit& unit);
    void use(const std::string& path, int tid, uint64_t lun);
    void unuse(int tid, uint64_t lun);
    std::string user_of(const std::string& path);

    // What a target or unit has that the file does not mention goes, unless it is to be kept.
    bool take_back(bool from_config) const { return from_config || !options_.keep_runtime; }

    State now_;
    const config::Config& config_;
    const Options& options_;
    Devices& devices_;
    Plan plan_;
    std::map<std::string, std::set<std::pair<int, uint64_t>>> users_;  // LUNs by medium
    std::map<std::pair<int, uint64_t>, std::string> media_;            // and the other way
    std::set<std::string> checked_accounts_;
};

}  // namespace tgt::tgt_admin
