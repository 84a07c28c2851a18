// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/desired.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"

namespace tgt::tgt_admin {
namespace {

using config::Setting;
using config::Use;

// tgt's page for `write-cache off`: the caching page with WCE=0.
constexpr std::string_view no_write_cache =
    "8:0:18:0x10:0:0xff:0xff:0:0:0xff:0xff:0xff:0xff:0x80:0x14:0:0:0:0:0:0";

bool is_off(const Setting& setting) {
    return equal_any_case(setting.value, "off");
}

void set_option(UnitOptions& options, const Setting& setting) {
    struct Row {
        std::string_view name;
        std::string UnitOptions::*field;
    };
    constexpr std::array<Row, 5> rows{{{"device-type", &UnitOptions::device_type},
                                       {"bstype", &UnitOptions::bstype},
                                       {"bsopts", &UnitOptions::bsopts},
                                       {"bsoflags", &UnitOptions::bsoflags},
                                       {"blocksize", &UnitOptions::blocksize}}};
    for (const Row& row : rows)
        if (row.name == setting.directive->to) options.*row.field = setting.value;
}

bool has_setting(const config::LogicalUnit& unit, std::string_view parameter) {
    return std::any_of(unit.settings.begin(), unit.settings.end(), [&](const Setting& setting) {
        return setting.directive->use == Use::unit_update && setting.directive->to == parameter;
    });
}

// --- comparing
// ------------------------------------------------------------------------------------

// Pages are told apart by their codes; all else by its name.
std::string slot_of(std::string_view name, std::string_view value) {
    if (name != "mode_page") return std::string(name);
    const std::string page = plain_mode_page(value);
    const auto parts = split(page, ':');
    return fmt::format("mode_page {}:{}", parts[0], parts.size() > 1 ? parts[1] : "0");
}

struct Shown {
    const Value* value = nullptr;
    std::string name;
};

std::map<std::string, Shown> slots_of(const UnitState& unit) {
    std::map<std::string, Shown> out;
    for (const Value& value : unit.parameters)
        out[slot_of(value.name, value.value)] = {&value, value.name};
    return out;
}

// Setting them again changes nothing, so it does no harm where their value is not known.
bool is_repeatable(std::string_view name) {
    constexpr std::array<std::string_view, 18> names{
        "scsi_id",           "scsi_sn",          "vendor_id",     "product_id",
        "product_rev",       "sense_format",     "removable",     "online",
        "readonly",          "lbppbe",           "la_lba",        "mode_page",
        "optimal_xfer_gran", "optimal_xfer_len", "rotation_rate", "thin_provisioning",
        "capacity",          "personality"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool same_unit_value(std::string_view name, std::string_view a, std::string_view b) {
    if (name == "mode_page") return plain_mode_page(a) == plain_mode_page(b);
    return same_value(a, b);
}

// The last value of each slot that the file wants, and where it is.
struct Wanted {
    std::string value;
    size_t update = 0;
};

std::map<std::string, Wanted> wanted_slots(const DesiredUnit& wanted, bool changer) {
    std::map<std::string, Wanted> out;
    for (size_t i = 0; i < wanted.updates.size(); ++i)
        for (const auto& [name, value] : wanted.updates[i].pairs)
            if (!changer || !is_library_parameter(name)) out[slot_of(name, value)] = {value, i};
    return out;
}

// A changer's parameters add to what is there: each update is looked at as a whole.
void find_missing_of_library(const LibraryState& library, const DesiredUnit& wanted,
                             std::set<size_t>& missing) {
    for (size_t i = 0; i < wanted.updates.size(); ++i)
        if (!in_force(library, wanted.updates[i].pairs)) missing.insert(i);
}

std::set<std::string> words_of(std::string_view flags) {
    std::set<std::string> out;
    for (const std::string_view word : split(flags, ':'))
        if (!word.empty()) out.emplace(word);
    return out;
}

bool same_option(std::string_view name, std::string_view a, std::string_view b) {
    if (name == "bsoflags") return words_of(a) == words_of(b);
    if (name == "device-type" && a == "ssc") a = "tape";
    return same_value(a, b);
}

}  // namespace

bool same_value(std::string_view a, std::string_view b) {
    if (equal_any_case(a, b)) return true;
    const auto left = parse_number(a), right = parse_number(b);
    return left && left == right;
}

bool same_parameter(std::string_view name, std::string_view wanted, std::string_view shown) {
    // The interval of markers is shown as what is negotiated.
    if (equal_any_case(name, "IFMarkInt") || equal_any_case(name, "OFMarkInt"))
        return shown == "Reject" || same_value(wanted, shown);
    if (equal_any_case(name, "HeaderDigest") || equal_any_case(name, "DataDigest"))
        return (wanted.find("CRC32C") != std::string_view::npos) == (shown == "CRC32C");
    return same_value(wanted, shown);
}

std::string plain_mode_page(std::string_view text) {
    std::vector<uint64_t> numbers;
    for (const std::string_view word : split(text, ':')) {
        const auto value = parse_number(word);
        if (!value) return std::string(text);
        numbers.push_back(*value);
    }
    // What is missing of the page is zero.
    constexpr size_t header = 3;
    if (numbers.size() >= header && numbers[2] < 0x10000)
        numbers.resize(std::max(numbers.size(), header + numbers[2]));
    std::string out;
    for (const uint64_t value : numbers) out += (out.empty() ? "" : ":") + std::to_string(value);
    return out;
}

DesiredUnit desired_unit(const config::LogicalUnit& unit, int tid, uint64_t lun,
                         const Identity& identity) {
    DesiredUnit out;
    if (!unit.without_medium()) out.options.path = unit.path;
    out.options.blocksize = identity.block_size;
    for (const Setting& setting : unit.settings) {
        if (setting.directive->use == Use::unit_option) set_option(out.options, setting);
        if (setting.directive->use == Use::unit_write_cache && is_off(setting))
            out.write_cache = false;
    }
    if (!out.write_cache)
        out.updates.push_back({{{"mode_page", std::string(no_write_cache)}}, Form::plain});
    for (const auto& [name, value] : identity.parameters)
        if (!has_setting(unit, name)) out.updates.push_back({{{name, value}}, Form::quoted});
    // Pages go before all else.
    for (const bool pages : {true, false})
        for (const Setting& setting : unit.settings) {
            const std::string name(setting.directive->to);
            const bool page = name == "mode_page";
            if (setting.directive->use == Use::unit_update && page == pages)
                out.updates.push_back({{{name, setting.value}}, Form::quoted});
            if (setting.directive->use == Use::unit_params && !pages)
                out.updates.push_back(
                    {split_pairs(config::expand_params(setting.value, tid, lun)), Form::whole});
        }
    return out;
}

bool differs_for_good(const UnitState& unit, const DesiredUnit& wanted) {
    const UnitOptions& options = wanted.options;
    const std::array<std::pair<std::string_view, std::string>, 5> all{{
        {"device-type", options.device_type},
        {"bstype", options.bstype},
        {"bsopts", options.bsopts},
        {"bsoflags", options.bsoflags},
        {"blocksize", options.blocksize},
    }};
    const bool tape = options.device_type == "tape" || options.device_type == "ssc";
    for (const auto& [name, value] : all) {
        const Value* shown = find_value(unit.options, name);
        if (!shown || (tape && name == "bstype")) continue;  // a tape has its own
        if (value.empty() && !shown->fallback) continue;
        if (!same_option(name, value.empty() ? *shown->fallback : value, shown->value)) return true;
    }
    return false;
}

std::vector<UnitUpdate> missing_updates(const UnitState& unit, const DesiredUnit& wanted,
                                        bool take_back) {
    const auto shown = slots_of(unit);
    const auto slots = wanted_slots(wanted, unit.library.has_value());
    std::set<size_t> missing;
    for (const auto& [slot, want] : slots) {
        const auto found = shown.find(slot);
        const std::string name = slot.substr(0, slot.find(' '));
        const bool differs = found == shown.end()
                                 ? is_repeatable(name)
                                 : !same_unit_value(name, want.value, found->second.value->value);
        if (differs) missing.insert(want.update);
    }
    if (unit.library) find_missing_of_library(*unit.library, wanted, missing);
    std::vector<UnitUpdate> out;
    for (const auto& [slot, one] : shown) {
        const Value& value = *one.value;
        if (!take_back || slots.count(slot) || !value.fallback || value.value == *value.fallback)
            continue;
        // Initiators eject and load removable media.
        const Value* removable = find_value(unit.parameters, "removable");
        if (one.name == "online" && removable && removable->value == "1") continue;
        out.push_back({{{one.name, *value.fallback}}, Form::quoted});
    }
    for (const size_t i : missing) out.push_back(wanted.updates[i]);
    return out;
}

bool wants_library(const DesiredUnit& wanted) {
    return std::any_of(wanted.updates.begin(), wanted.updates.end(), [](const UnitUpdate& update) {
        return std::any_of(update.pairs.begin(), update.pairs.end(), [](const auto& pair) {
            return pair.first == "element_type" || pair.first == "media_home";
        });
    });
}

bool disturbs(const UnitUpdate& update) {
    return std::any_of(update.pairs.begin(), update.pairs.end(), [](const auto& pair) {
        return pair.first == "path" || (pair.first == "online" && pair.second == "0");
    });
}

}  // namespace tgt::tgt_admin
