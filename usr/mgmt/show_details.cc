// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/show_details.h"

#include "mgmt/lun_identity.h"
#include "mgmt/lun_parameters.h"
#include "mgmt/numbers.h"
#include "mgmt/unit_request.h"

namespace tgt::mgmt {

namespace {

Json setting(std::string_view name, Json value, Json fallback) {
    return {{"name", name}, {"value", std::move(value)}, {"default", std::move(fallback)}};
}

// --- targets ------------------------------------------------------------------------------------

std::map<std::string, std::string> defaults_of(const Registry& registry, const TargetEntry& entry) {
    auto fresh = entry.driver->default_parameters()->clone();
    for (const auto& [name, value] : registry.options().target_defaults)
        if (auto set = fresh->update(name, value); !set) continue;  // new targets leave it out, too
    std::map<std::string, std::string> out;
    for (auto& [name, value] : fresh->all()) out.emplace(std::move(name), std::move(value));
    return out;
}

void add_redirect(Json& out, const Redirect& redirect) {
    out.push_back(setting("RedirectAddress", redirect.address, ""));
    out.push_back(setting("RedirectPort", redirect.port, ""));
    out.push_back(setting("RedirectReason", redirect.reason, ""));
    out.push_back(setting("RedirectCallback", redirect.callback, ""));
}

// --- logical units
// --------------------------------------------------------------------------------

scsi::LunIdentity first_identity(const Registry& registry, const TargetEntry& entry, uint64_t lun) {
    const RegistryOptions& options = registry.options();
    if (!options.unique_ids) return default_identity(entry.tid, lun);
    return unique_identity(options.machine_id, fmt::format("{} LUN {}", entry.name, lun));
}

// What the unit was before anybody changed it. What it has from its personality or from its model
// is nothing that was changed.
scsi::LunState first_state(const Registry& registry, const TargetEntry& entry, uint64_t lun,
                           const scsi::LogicalUnit& unit) {
    const MediumPtr medium = registry.media().of(unit);
    scsi::LunSetup setup;
    setup.identity = medium ? medium->first_identity : first_identity(registry, entry, lun);
    setup.store = unit.store() ? &unit.store()->info() : nullptr;
    setup.block_size = unit.state()->geometry.block_size;
    scsi::LunState first = initial_state(unit.type(), setup);
    const std::string own = first.personality, now = unit.state()->personality;
    if (now != own && unit.type().set_personality) (void)unit.type().set_personality(first, now);
    first.personality = own;
    if (unit.model()) unit.model()->adjust(first);
    return first;
}

Json show_options(const TargetEntry& entry, uint64_t lun, const scsi::LogicalUnit& unit) {
    const scsi::DeviceType& type = unit.type();
    const auto made = entry.lun_entries.find(lun);
    const std::string options =
        made == entry.lun_entries.end() ? "" : made->second.made.engine_options;
    const auto number = [](uint32_t value) { return std::to_string(value); };
    const uint32_t size = unit.state()->geometry.block_size;
    return Json::array({
        setting("device-type", type.name, "disk"),
        setting("bstype", unit.store_name(), default_engine(type)),
        setting("bsopts", options, ""),
        setting("bsoflags", unit.flags(), ""),
        setting("blocksize", number(size ? size : type.default_block_size),
                number(type.default_block_size)),
    });
}

std::string page_text(const scsi::ModePage& page) {
    std::string out = fmt::format("{}:{}:{}", page.code, page.subcode, page.defaults.size());
    for (const uint8_t byte : page.defaults) out += fmt::format(":{}", byte);
    return out;
}

// The values that an administrator set are a page's defaults; the current ones are initiators'.
void add_pages(Json& out, const scsi::LunState& now, const scsi::LunState& first) {
    for (const scsi::ModePage& page : now.mode_pages) {
        const scsi::ModePage* old = first.mode_page(page.code, page.subcode);
        out.push_back(setting("mode_page", page_text(page), old ? Json(page_text(*old)) : Json()));
    }
}

Json show_parameters(const scsi::LunState& now, const scsi::LunState& first, const Medium* medium) {
    Json out = Json::array();
    for (const LunParameter& row : lun_parameters())
        if (row.show) out.push_back(setting(row.name, row.show(now), row.show(first)));
    if (medium)
        out.push_back(
            setting("capacity", medium->limit ? std::to_string(*medium->limit) : "auto", "auto"));
    add_pages(out, now, first);
    return out;
}

}  // namespace

Json show_target_settings(const Registry& registry, const TargetEntry& entry) {
    Json out = Json::array();
    const auto defaults = defaults_of(registry, entry);
    for (const auto& [name, value] : entry.parameters->all()) {
        const auto found = defaults.find(name);
        out.push_back(setting(name, value, found == defaults.end() ? Json() : Json(found->second)));
    }
    add_redirect(out, entry.redirect);
    out.push_back(setting("abort-bound", std::to_string(whole_seconds(entry.target->abort_bound())),
                          std::to_string(whole_seconds(registry.abort_bound()))));
    out.push_back(setting("state", entry.ready ? "ready" : "offline", "ready"));
    return out;
}

void add_lun_settings(Json& shown, const Registry& registry, const TargetEntry& entry, uint64_t lun,
                      const scsi::LogicalUnit& unit) {
    const scsi::LunState first = first_state(registry, entry, lun, unit);
    const MediumPtr medium = registry.media().of(unit);
    shown["options"] = show_options(entry, lun, unit);
    shown["parameters"] = show_parameters(*unit.state(), first, medium.get());
}

}  // namespace tgt::mgmt
