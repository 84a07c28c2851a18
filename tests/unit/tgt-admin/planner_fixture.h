// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gmock/gmock.h>

#include "tgt-admin/planner.h"

namespace tgt::tgt_admin::test {

// Media by path; paths that stand for one medium have the same key.
class FakeDevices final : public Devices {
  public:
    bool exists(const std::string& path) override { return !missing.count(path); }
    std::string key(const std::string& path) override {
        return keys.count(path) ? keys[path] : path;
    }
    bool taken_by_system(const std::string& path) override { return mounted.count(path) != 0; }
    std::vector<Process> holders(const std::string& path) override { return open[path]; }
    Result<Identity> identity(const std::string& path) override {
        if (!identities.count(path)) return fail(ENOTTY, "not a SCSI device");
        return identities[path];
    }

    std::set<std::string> missing, mounted;
    std::map<std::string, std::string> keys;
    std::map<std::string, std::vector<Process>> open;
    std::map<std::string, Identity> identities;
};

class PlannerTest : public ::testing::Test {
  protected:
    // The plan as -p shows it.
    std::vector<std::string> plan(const std::string& file, Action action,
                                  const std::string& subject = "") {
        warnings.clear();
        config::MemoryFiles files;
        const auto tree = config::parse_text(files, file, "t.conf");
        EXPECT_TRUE(tree);
        const config::Config config = config::check(*tree);
        options.action = action;
        options.subject = subject;
        Planner planner(state, config, options, devices);
        const Plan plan = action == Action::execute  ? planner.execute()
                          : action == Action::update ? planner.update()
                          : action == Action::remove
                              ? planner.remove()
                              : planner.switch_state(action == Action::ready);
        exit_code = plan.exit_code;
        std::vector<std::string> out;
        for (const Step& step : plan.steps) {
            if (step.kind == Step::Kind::run)
                out.push_back(command_line(step.command, 0, true).substr(strlen("tgtadm -C 0 ")));
            else if (step.kind == Step::Kind::warning)
                warnings.push_back(step.text);
            else
                out.push_back(step.text);
        }
        return out;
    }
    // Only what is sent.
    std::vector<std::string> commands(const std::string& file, Action action,
                                      const std::string& subject = "") {
        auto out = plan(file, action, subject);
        std::erase_if(out, [](const std::string& line) { return line.empty() || line[0] != '-'; });
        return out;
    }

    TargetState& add_target(int tid, const std::string& name) {
        TargetState target;
        target.tid = tid;
        target.name = name;
        target.driver = "iscsi";
        target.addresses = {"ALL"};
        target.parameters = std::vector<Value>{{"MaxRecvDataSegmentLength", "8192", "8192"},
                                               {"nop_interval", "0", "0"},
                                               {"state", "ready", "ready"}};
        state.targets.push_back(std::move(target));
        return state.targets.back();
    }
    static UnitState& add_unit(TargetState& target, uint64_t lun, const std::string& path) {
        UnitState unit;
        unit.lun = lun;
        if (!path.empty()) unit.path = path;
        unit.options = {{"device-type", "disk", "disk"},
                        {"bstype", "rdwr", "rdwr"},
                        {"bsopts", "", ""},
                        {"bsoflags", "", ""},
                        {"blocksize", "512", "512"}};
        unit.parameters = {{"vendor_id", "IET", "IET"},
                           {"removable", "0", "0"},
                           {"readonly", "0", "0"},
                           {"online", "1", "1"},
                           {"mode_page", "8:0:2:4:0", "8:0:2:4:0"}};
        unit.complete = true;
        target.units.push_back(std::move(unit));
        return target.units.back();
    }
    static void set(std::vector<Value>& values, std::string_view name, const std::string& value) {
        for (Value& one : values)
            if (one.name == name) one.value = value;
    }
    static void log_in(TargetState& target, uint64_t sid = 1) {
        target.nexuses.push_back({sid, "iqn.initiator", {0}});
    }

    State state;
    Options options;
    FakeDevices devices;
    std::vector<std::string> warnings;
    int exit_code = 0;
};

}  // namespace tgt::tgt_admin::test
