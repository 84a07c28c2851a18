// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-library/plan.h"

#include <fmt/core.h>

#include "config/directives.h"
#include "store/ssc/media_types.h"

namespace tgt::setup_library {
namespace {

using tgt_admin::Form;
using tgt_admin::Pairs;
using tgt_admin::TargetId;

constexpr uint64_t megabyte = uint64_t(1) << 20;
// Apart enough for the largest library, whatever its personality's addresses.
constexpr unsigned arm_address = 1, port_address = 16, drive_address = 500, slot_address = 1000;
enum Kind : unsigned { arm = 1, slot = 2, port = 3, drive = 4 };

std::string text(uint64_t number) {
    return std::to_string(number);
}

Pairs range(Kind kind, unsigned start, unsigned quantity) {
    return {
        {"element_type", text(kind)}, {"start_address", text(start)}, {"quantity", text(quantity)}};
}

// "8" of "LTO-8".
char generation(const Options& options) {
    return options.media.back();
}

void add_drives(Plan& plan, const Options& options, const TargetId& target) {
    const std::string personality = options.drive_personality.empty()
                                        ? fmt::format("lto{}", generation(options))
                                        : options.drive_personality;
    for (unsigned lun = 1; lun <= options.drives; ++lun) {
        tgt_admin::UnitOptions unit;
        unit.device_type = "tape";
        plan.commands.push_back(tgt_admin::unit_new(target, lun, unit));
        plan.commands.push_back(
            tgt_admin::unit_update(target, lun, {{"personality", personality}}, Form::plain));
    }
}

void add_changer(Plan& plan, const Options& options, const TargetId& target) {
    const uint64_t lun = options.drives + 1;
    tgt_admin::UnitOptions unit;
    unit.device_type = "changer";
    unit.path = plan.changer_file;
    plan.commands.push_back(tgt_admin::unit_new(target, lun, unit));
    const auto set = [&](const Pairs& pairs) {
        plan.commands.push_back(tgt_admin::unit_update(target, lun, pairs, Form::whole));
    };
    if (!options.personality.empty()) set({{"personality", options.personality}});
    set({{"media_home", options.folder}});
    set(range(arm, arm_address, 1));
    set(range(slot, slot_address, options.slots));
    if (options.ports > 0) set(range(port, port_address, options.ports));
    set(range(drive, drive_address, options.drives));
    for (unsigned i = 0; i < options.drives; ++i)
        set({{"element_type", text(drive)},
             {"address", text(drive_address + i)},
             {"tid", text(uint64_t(target.tid))},
             {"lun", text(i + 1)}});
    for (size_t i = 0; i < plan.cartridges.size(); ++i)
        set({{"element_type", text(slot)},
             {"address", text(slot_address + i)},
             {"barcode", plan.cartridges[i].barcode},
             {"sides", "1"}});
}

void admit(Plan& plan, const Options& options, const TargetId& target) {
    if (config::driver_has_hosts(options.lld)) return;
    std::vector<std::string> who = options.initiators;
    if (who.empty()) who.push_back("ALL");
    for (const std::string& one : who)
        plan.commands.push_back(tgt_admin::acl_bind(target, tgt_admin::Subject::address, one));
}

}  // namespace

std::string barcode(const Options& options, unsigned number) {
    return fmt::format("{}{:05}L{}", options.prefix, number, generation(options));
}

Plan make_plan(const Options& options, int tid, const std::string& host) {
    Plan plan;
    const auto* media = store::ssc::find_media_type(options.media);
    plan.density = media->density;
    plan.capacity = options.megabytes ? *options.megabytes * megabyte : media->capacity;
    plan.target_name = options.name.starts_with("iqn")
                           ? options.name
                           : fmt::format("iqn.2001-04.com.{}-{}", host, options.name);
    plan.changer_file = options.folder + "/changer";
    for (unsigned i = 1; i <= options.tapes.value_or(options.slots); ++i) {
        const std::string name = barcode(options, i);
        plan.cartridges.push_back({name, options.folder + "/" + name});
    }
    const TargetId target{options.lld, tid};
    plan.commands.push_back(tgt_admin::target_new(target, plan.target_name));
    add_drives(plan, options, target);
    add_changer(plan, options, target);
    // Last: nobody meets half a library.
    admit(plan, options, target);
    return plan;
}

}  // namespace tgt::setup_library
