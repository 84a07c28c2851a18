// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-library/plan.h"

#include <fmt/core.h>

#include "config/directives.h"
#include "config/writer.h"
#include "store/ssc/media_types.h"
#include "tgt-admin/desired.h"

namespace tgt::setup_library {
namespace {

using tgt_admin::TargetId;

constexpr uint64_t megabyte = uint64_t(1) << 20;
constexpr unsigned slot_type = 2;  // element type code, as tgtadm has it

// "8" of "LTO-8".
char generation(const Options& options) {
    return options.media.back();
}

// What a <library> of targets.conf stands for, in the same words.
void add_units(Plan& plan, const TargetId& target) {
    for (const auto& unit : config::library_units(plan.library, {})) {
        const auto desired = tgt_admin::desired_unit(unit, target.tid, *unit.lun, {});
        plan.commands.push_back(tgt_admin::unit_new(target, *unit.lun, desired.options));
        for (const auto& update : desired.updates)
            plan.commands.push_back(
                tgt_admin::unit_update(target, *unit.lun, update.pairs, update.form));
    }
}

void add_cartridges(Plan& plan, const TargetId& target) {
    const uint64_t changer = plan.library.first_lun + plan.library.drives;
    for (size_t i = 0; i < plan.cartridges.size(); ++i) {
        const tgt_admin::Pairs pairs{{"element_type", std::to_string(slot_type)},
                                     {"number", std::to_string(i + 1)},
                                     {"barcode", plan.cartridges[i].barcode},
                                     {"sides", "1"}};
        plan.commands.push_back(
            tgt_admin::unit_update(target, changer, pairs, tgt_admin::Form::whole));
    }
}

std::vector<std::string> admitted(const Options& options) {
    if (config::driver_has_hosts(options.lld)) return {};
    if (options.initiators.empty()) return {"ALL"};
    return options.initiators;
}

config::Library library_of(const Options& options) {
    config::Library out;
    out.folder = options.folder;
    out.drives = options.drives;
    out.slots = options.slots;
    out.ports = options.ports;
    out.media = options.media;
    out.personality = options.personality;
    out.drive_personality = options.drive_personality;
    return out;
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
    plan.library = library_of(options);
    plan.changer_file = config::changer_file(options.folder);
    for (unsigned i = 1; i <= options.tapes.value_or(options.slots); ++i) {
        const std::string name = barcode(options, i);
        plan.cartridges.push_back({name, options.folder + "/" + name});
    }
    const TargetId target{options.lld, tid};
    plan.commands.push_back(tgt_admin::target_new(target, plan.target_name));
    add_units(plan, target);
    add_cartridges(plan, target);
    // Last: nobody meets half a library.
    for (const std::string& one : admitted(options))
        plan.commands.push_back(tgt_admin::acl_bind(target, tgt_admin::Subject::address, one));
    return plan;
}

std::optional<std::string> config_text(const Options& options, const Plan& plan) {
    const auto start = config::write_block_start("", "target", plan.target_name);
    const auto driver = config::write_entry("\t", "driver", options.lld);
    const auto library = config::write_library("\t", plan.library);
    if (!start || !driver || !library) return std::nullopt;
    std::string out = *start + *driver + *library;
    for (const std::string& one : options.initiators)
        if (const auto line = config::write_entry("\t", "initiator-address", one)) out += *line;
    return out + "</target>\n";
}

}  // namespace tgt::setup_library
