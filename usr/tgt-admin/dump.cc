// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "config/directives.h"
#include "config/library.h"
#include "config/writer.h"

namespace tgt::tgt_admin {
namespace {

constexpr std::string_view no_password = "PLEASE_CORRECT_THE_PASSWORD";
constexpr std::string_view standard_driver = "iscsi";

// The directive that becomes this name on tgtadm's side; empty: there is none.
std::string_view directive_for(config::Use use, std::string_view to, uint8_t level) {
    for (const config::Directive& one : config::directives())
        if (one.use == use && one.to == to && (one.levels & level)) return one.name;
    return "";
}

std::vector<Value> changed(const std::vector<Value>& values) {
    std::vector<Value> out;
    for (const Value& value : values)
        if (value.fallback && value.value != *value.fallback) out.push_back(value);
    // A mode page that a unit of its type does not have.
    for (const Value& value : values)
        if (value.name == "mode_page" && !value.fallback) out.push_back(value);
    return out;
}

// --- libraries

// Of a unit that a <library> can stand for: that has been given a personality and nothing else.
std::optional<std::string> only_personality(const UnitState& unit, std::string_view type) {
    const auto options = changed(unit.options), parameters = changed(unit.parameters);
    if (options.size() != 1 || options[0].name != "device-type" || options[0].value != type)
        return std::nullopt;
    if (parameters.empty()) return "";
    if (parameters.size() > 1 || parameters[0].name != "personality") return std::nullopt;
    return parameters[0].value;
}

// The drives that follow each other in elements and LUNs, all of one personality.
bool take_drives(config::Library& out, const TargetState& target, const LibraryState& library) {
    uint64_t lun = out.first_lun;
    std::optional<std::string> common;
    for (const ElementState& element : library.elements) {
        if (element.kind != ElementKind::drive) continue;
        const auto unit = std::find_if(target.units.begin(), target.units.end(),
                                       [&](const UnitState& one) { return one.lun == lun; });
        if (unit == target.units.end() || element.drive != ElementState::Place{target.tid, lun++})
            return false;
        const auto personality = only_personality(*unit, "tape");
        if (!personality || personality->empty() || common.value_or(*personality) != *personality)
            return false;
        common = personality;
    }
    out.drive_personality = common.value_or("");
    return true;
}

// "LTO-8" says the same as the personality lto8.
void prefer_media(config::Library& library) {
    for (char generation = '1'; generation <= '9'; ++generation) {
        const std::string media = std::string("LTO-") + generation;
        if (config::personality_for(media) != library.drive_personality) continue;
        library.media = media;
        library.drive_personality.clear();
    }
}

// What a <library> would have to say to be this changer and its drives; nothing when none can.
std::optional<config::Library> library_of(const TargetState& target, const UnitState& unit) {
    if (!unit.library || !unit.path) return std::nullopt;
    const LibraryState& library = *unit.library;
    config::Library out;
    out.folder = library.media_home;
    out.drives = unsigned(library.count(ElementKind::drive));
    out.slots = unsigned(library.count(ElementKind::slot));
    out.ports = unsigned(library.count(ElementKind::port));
    const auto personality = only_personality(unit, "changer");
    const bool fits =
        personality && config::folder_fault(out.folder).empty() &&
        *unit.path == config::changer_file(out.folder) && library.count(ElementKind::arm) == 1 &&
        unit.lun > out.drives && out.drives <= config::max_library_drives &&
        out.slots <= config::max_library_slots && out.ports <= config::max_library_ports;
    if (!fits) return std::nullopt;
    out.first_lun = unit.lun - out.drives;
    out.personality = *personality;
    if (!take_drives(out, target, library)) return std::nullopt;
    prefer_media(out);
    return out;
}

class Writer {
  public:
    Writer(const State& state, bool secrets) : state_(state), secrets_(secrets) {
        for (const TargetState& target : state.targets)
            for (const UnitState& unit : target.units)
                if (unit.path) ++uses_[*unit.path];
    }

    std::string write() {
        const bool nothing = state_.targets.empty() && state_.accounts.empty() &&
                             std::all_of(state_.portals.begin(), state_.portals.end(),
                                         [](const PortalState& one) { return one.at_start; });
        if (nothing) return "";
        line("", "default-driver", std::string(standard_driver));
        for (const PortalState& portal : state_.portals)
            if (!portal.at_start) line("", "portal", portal.address);
        accounts_of_nobody();
        accounts("", "incomingdiscoveryuser", state_.incoming);
        accounts("", "outgoingdiscoveryuser", state_.outgoing);
        out_ += "\n";
        const bool numbered = !numbers_follow();
        for (const TargetState& target : state_.targets) write(target, numbered);
        return std::move(out_);
    }

  private:
    // A value that no text can say is told to the reader instead.
    void line(std::string_view indent, std::string_view key, const std::string& value) {
        if (const auto text = config::write_entry(indent, key, value))
            out_ += *text;
        else
            out_ += fmt::format("{}# {} has a value that cannot be written down\n", indent, key);
    }

    // A password is one word in the file.
    std::string secret_of(const std::string& user) {
        const auto found = state_.secrets.find(user);
        if (!secrets_ || found == state_.secrets.end()) return std::string(no_password);
        if (!found->second.empty() && found->second.find_first_of(" \t\n\r") == std::string::npos)
            return found->second;
        out_ += fmt::format("# the password of {} cannot be written down\n", user);
        return std::string(no_password);
    }

    void accounts(std::string_view indent, std::string_view key,
                  const std::vector<std::string>& users) {
        for (const std::string& user : users) line(indent, key, user + " " + secret_of(user));
    }

    // Accounts that are bound to nothing.
    void accounts_of_nobody() {
        std::vector<std::string> bound = state_.incoming;
        const auto add = [&](const std::vector<std::string>& users) {
            bound.insert(bound.end(), users.begin(), users.end());
        };
        add(state_.outgoing);
        for (const TargetState& target : state_.targets) {
            add(target.incoming);
            add(target.outgoing);
        }
        for (const std::string& user : state_.accounts)
            if (std::find(bound.begin(), bound.end(), user) == bound.end())
                line("", "account", user + " " + secret_of(user));
    }

    // Whether the targets get their numbers by being made in the order of their names.
    bool numbers_follow() const {
        std::map<std::string, int> by_name;
        for (const TargetState& target : state_.targets) by_name[target.name] = target.tid;
        int next = 1;
        return std::all_of(by_name.begin(), by_name.end(),
                           [&](const auto& one) { return one.second == next++; });
    }

    void write(const TargetState& target, bool numbered) {
        out_ += config::write_block_start("", "target", target.name).value_or("");
        if (target.driver != standard_driver) line("\t", "driver", target.driver);
        if (numbered) line("\t", "controller_tid", std::to_string(target.tid));
        parameters(target);
        units(target);
        accounts("\t", "incominguser", target.incoming);
        accounts("\t", "outgoinguser", target.outgoing);
        rules(target);
        out_ += "</target>\n\n";
    }

    // Those that differ from what a new target has; where that is not known, those of tgt's daemon
    // are left alone.
    void parameters(const TargetState& target) {
        std::vector<Value> values = target.parameters.value_or(std::vector<Value>());
        if (!find_value(values, "state"))
            values.push_back({"state", target.ready ? "ready" : "offline", "ready"});
        for (const Value& value : values) {
            if (value.value == value.fallback.value_or(state_.legacy ? value.value : "")) continue;
            const auto name =
                directive_for(config::Use::target_update, value.name, config::in_target);
            line("\t", name.empty() ? value.name : name, value.value);
        }
    }

    // "ALL" alone is what a target without rules gets.
    void rules(const TargetState& target) {
        if (target.hosts) {
            for (const uint32_t host : *target.hosts) line("\t", "host", std::to_string(host));
            return;
        }
        if (target.addresses == std::vector<std::string>{"ALL"} && target.initiators.empty())
            return;
        for (const std::string& address : target.addresses)
            line("\t", "initiator-address", address);
        if (target.addresses.empty()) line("\t", "initiator-address", "NONE");
        for (const std::string& name : target.initiators) line("\t", "initiator-name", name);
    }

    // --- logical units

    // Lines say it when all units are as new ones are, and get their numbers in the order of their
    // paths.
    bool lines_suffice(const TargetState& target) const {
        std::map<std::string, uint64_t> by_path;
        for (const UnitState& unit : target.units) {
            if (!unit.path || !changed(unit.options).empty() || !changed(unit.parameters).empty())
                return false;
            if (!by_path.emplace(*unit.path, unit.lun).second || is_shared(unit)) return false;
        }
        uint64_t next = 1;
        return std::all_of(by_path.begin(), by_path.end(),
                           [&](const auto& one) { return one.second == next++; });
    }

    bool is_shared(const UnitState& unit) const {
        return unit.path && !unit.in_library && uses_.at(*unit.path) > 1;
    }

    void units(const TargetState& target) {
        paths_.clear();
        if (lines_suffice(target)) {
            for (const UnitState& unit : target.units) line("\t", "backing-store", *unit.path);
            return;
        }
        const std::set<uint64_t> written = libraries(target);
        for (const UnitState& unit : target.units)
            if (!written.count(unit.lun)) block(target, unit);
    }

    // The LUNs that they stand for.
    std::set<uint64_t> libraries(const TargetState& target) {
        std::set<uint64_t> out;
        for (const UnitState& unit : target.units) {
            const auto library = library_of(target, unit);
            const auto text =
                library && !is_shared(unit) ? config::write_library("\t", *library) : std::nullopt;
            if (!text) continue;
            out_ += *text;
            for (uint64_t lun = library->first_lun; lun <= unit.lun; ++lun) out.insert(lun);
        }
        return out;
    }

    // What --params would cut at a comma cannot be said in one line.
    void library_lines(const TargetState& target, const UnitState& unit) {
        for (const Pairs& pairs : layout_of(*unit.library, target.tid)) {
            std::string text;
            for (const auto& [name, value] : pairs)
                text += (text.empty() ? "" : ",") + name + "=" + value;
            if (split_pairs(text) == pairs)
                line("\t\t", "params", text);
            else
                out_ += "\t\t# media_home has a value that cannot be written down\n";
        }
    }

    // Two units on one medium need two blocks, and blocks of one name are one block: so the second
    // has another spelling of the path.
    void block(const TargetState& target, const UnitState& unit) {
        std::string path =
            unit.path && !unit.in_library ? *unit.path : fmt::format("NONE:{}", unit.lun);
        while (!paths_.insert(path).second && path.front() == '/') path.insert(0, "/.");
        const auto start = config::write_block_start("\t", "backing-store", path);
        if (!start) {
            out_ += fmt::format("\t# the path of LUN {} cannot be written down\n", unit.lun);
            return;
        }
        out_ += *start;
        line("\t\t", "lun", std::to_string(unit.lun));
        if (is_shared(unit)) line("\t\t", "allow-in-use", "yes");
        for (const Value& value : changed(unit.options))
            line("\t\t", directive_for(config::Use::unit_option, value.name, config::in_unit),
                 value.value);
        for (const Value& value : changed(unit.parameters)) {
            const auto name = directive_for(config::Use::unit_update, value.name, config::in_unit);
            if (name.empty())
                line("\t\t", "params", value.name + "=" + value.value);
            else
                line("\t\t", name, value.value);
        }
        if (unit.library) library_lines(target, unit);
        out_ += "\t</backing-store>\n";
    }

    const State& state_;
    const bool secrets_;
    std::map<std::string, int> uses_;  // of media, by path
    std::set<std::string> paths_;      // of the target's blocks
    std::string out_;
};

}  // namespace

std::string dump(const State& state, bool secrets) {
    return Writer(state, secrets).write();
}

}  // namespace tgt::tgt_admin
