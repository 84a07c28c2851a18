// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/settings.h"

#include <algorithm>
#include <array>

#include "mgmt/numbers.h"

namespace tgt::mgmt {

namespace {

// What a mode page is told apart by: "page:subpage".
std::string_view page_of(std::string_view value) {
    const size_t first = value.find(':');
    if (first == std::string_view::npos) return value;
    return value.substr(0, value.find(':', first + 1));
}

// What stays when the medium is another one.
constexpr std::array<std::string_view, 9> of_the_unit{
    "scsi_id",      "scsi_sn",   "vendor_id",         "product_id", "product_rev",
    "sense_format", "mode_page", "thin_provisioning", "removable"};

bool is_log_setting(std::string_view name) {
    return equal_any_case(name, "debug") || equal_any_case(name, "log-level");
}

// "iscsi" of "iscsi=debug"; empty: all modules.
std::string_view log_module(std::string_view name, std::string_view value) {
    const size_t equals = value.find('=');
    if (equal_any_case(name, "debug") || equals == std::string_view::npos) return {};
    return value.substr(0, equals);
}

}  // namespace

void remember_setting(NamedValues& set, std::string_view name, std::string_view value) {
    forget_setting(set, name);
    set.emplace_back(name, value);
}

void forget_setting(NamedValues& set, std::string_view name) {
    std::erase_if(set, [&](const auto& one) { return equal_any_case(one.first, name); });
}

bool has_setting(const NamedValues& set, std::string_view name) {
    return std::any_of(set.begin(), set.end(),
                       [&](const auto& one) { return equal_any_case(one.first, name); });
}

void remember_lun_setting(NamedValues& set, std::string_view name, std::string_view value) {
    if (name == "flush_failed" || name == "path") return;
    std::erase_if(set, [&](const auto& one) {
        return one.first == name && (name != "mode_page" || page_of(one.second) == page_of(value));
    });
    set.emplace_back(name, value);
}

void remember_new_medium(NamedValues& set, const scsi::LunState& state) {
    std::erase_if(set, [](const auto& one) {
        return std::find(of_the_unit.begin(), of_the_unit.end(), one.first) == of_the_unit.end();
    });
    remember_lun_setting(set, "removable", state.removable ? "1" : "0");
    remember_lun_setting(set, "thin_provisioning", state.thin ? "1" : "0");
    if (state.read_only) remember_lun_setting(set, "readonly", "1");
    remember_lun_setting(set, "online", state.online ? "1" : "0");
}

void remember_identity(NamedValues& set, const scsi::LunIdentity& identity) {
    if (!has_setting(set, "scsi_id")) set.emplace_back("scsi_id", identity.scsi_id);
    if (!has_setting(set, "scsi_sn")) set.emplace_back("scsi_sn", identity.scsi_sn);
}

void remember_system_setting(NamedValues& set, std::string_view name, std::string_view value) {
    if (equal_any_case(name, "State")) return;
    if (!is_log_setting(name)) return remember_setting(set, name, value);
    const std::string_view module = log_module(name, value);
    std::erase_if(set, [&](const auto& one) {
        return is_log_setting(one.first) &&
               (module.empty() || log_module(one.first, one.second) == module);
    });
    set.emplace_back(name, value);
}

}  // namespace tgt::mgmt
