// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/state_text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace tgt::tgt_admin {
namespace {

constexpr size_t indent_unit = 4;
constexpr std::string_view outgoing_mark = " (outgoing)";

struct Line {
    size_t depth = 0;
    std::string_view key;    // the whole line where there is no ": "
    std::string_view value;  // behind ": "
    std::string_view text;   // without the indent
};

std::vector<Line> lines_of(std::string_view text) {
    std::vector<Line> out;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const size_t indent = line.find_first_not_of(' ');
        if (indent == std::string_view::npos) continue;
        Line one;
        one.depth = indent / indent_unit;
        one.text = line.substr(indent);
        const size_t colon = one.text.find(": ");
        one.key = one.text.substr(0, colon);
        if (colon != std::string_view::npos) one.value = one.text.substr(colon + 2);
        if (colon == std::string_view::npos && one.key.back() == ':') one.key.remove_suffix(1);
        out.push_back(one);
    }
    return out;
}

uint64_t number(std::string_view text) {
    uint64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

bool begins(std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
}

void add_account(std::string_view name, std::vector<std::string>& incoming,
                 std::vector<std::string>& outgoing) {
    const bool out = name.size() > outgoing_mark.size() &&
                     name.substr(name.size() - outgoing_mark.size()) == outgoing_mark;
    if (out) name.remove_suffix(outgoing_mark.size());
    (out ? outgoing : incoming).emplace_back(name);
}

// --- logical units
// --------------------------------------------------------------------------------

struct TypeWord {
    std::string_view shown, option, store;
    std::string_view removable;
};
constexpr std::array<TypeWord, 5> types{{
    {"disk", "disk", "rdwr", "0"},
    {"tape", "tape", "ssc", "1"},
    {"changer", "changer", "smc", "0"},
    {"cd/dvd", "cd", "mmc", "1"},
    {"passthrough", "pt", "sg", "0"},
}};

const TypeWord& type_of(std::string_view shown) {
    const auto it = std::find_if(types.begin(), types.end(),
                                 [&](const TypeWord& type) { return type.shown == shown; });
    return it == types.end() ? types[0] : *it;
}

// The lines of one unit, as they came.
struct UnitLines {
    uint64_t lun = 0;
    std::vector<Line> lines;

    std::string get(std::string_view key) const {
        for (const Line& line : lines)
            if (line.key == key) return std::string(line.value);
        return "";
    }
    std::string flag(std::string_view key) const { return get(key) == "Yes" ? "1" : "0"; }
};

std::string block_size_of(const UnitLines& unit) {
    constexpr std::string_view words = "Block size: ";
    for (const Line& line : unit.lines) {
        const size_t at = line.text.find(words);
        if (line.key == "Size" && at != std::string_view::npos)
            return std::string(line.text.substr(at + words.size()));
    }
    return "512";
}

UnitState unit_of(int tid, const UnitLines& lines) {
    const TypeWord& type = type_of(lines.get("Type"));
    const bool disk = type.option == "disk";
    UnitState out;
    out.lun = lines.lun;
    const std::string path = lines.get("Backing store path");
    if (path != "None" && !path.empty()) out.path = path;
    out.options = {
        {"device-type", std::string(type.option), "disk"},
        {"bstype", lines.get("Backing store type"), std::string(type.store)},
        {"bsoflags", lines.get("Backing store flags"), ""},
    };
    if (disk) out.options.push_back({"blocksize", block_size_of(lines), "512"});
    out.parameters = {
        {"scsi_id", lines.get("SCSI ID"), fmt::format("IET     {:04x}{:04x}", tid, lines.lun)},
        {"scsi_sn", lines.get("SCSI SN"), fmt::format("beaf{}{}", tid, lines.lun)},
        {"online", lines.flag("Online"), out.path ? "1" : "0"},
        {"removable", lines.flag("Removable media"), out.path ? std::string(type.removable) : "1"},
        {"readonly", lines.flag("Readonly"), std::nullopt},
        {"thin_provisioning", lines.flag("Thin-provisioning"), "0"},
    };
    return out;
}

// --- targets ------------------------------------------------------------------------------------

// Reads the lines of one target after its first.
class TargetReader {
  public:
    explicit TargetReader(TargetState& target) : target_(target) {}

    void read(const Line& line) {
        if (line.depth == 1) {
            section_ = line.key;
        } else if (section_ == "System information") {
            system(line);
        } else if (section_ == "I_T nexus information") {
            nexus(line);
        } else if (section_ == "LUN information") {
            unit(line);
        } else if (section_ == "Account information") {
            add_account(line.text, target_.incoming, target_.outgoing);
        } else if (section_ == "ACL information") {
            auto& rules = is_address_rule(line.text) ? target_.addresses : target_.initiators;
            rules.emplace_back(line.text);
        }
    }

    void finish() {
        if (unit_.lun != 0) target_.units.push_back(unit_of(target_.tid, unit_));
        unit_ = {};
    }

  private:
    void system(const Line& line) {
        if (line.key == "Driver") target_.driver = line.value;
        if (line.key == "State") target_.ready = line.value == "ready";
    }

    void nexus(const Line& line) {
        if (line.depth == 2 && line.key == "I_T nexus") {
            target_.nexuses.push_back({number(line.value), "", {}});
            return;
        }
        if (target_.nexuses.empty()) return;
        NexusState& nexus = target_.nexuses.back();
        if (line.depth == 3 && line.key == "Initiator")
            nexus.initiator = line.value.substr(0, line.value.rfind(" alias: "));
        if (line.depth == 3 && line.key == "Connection")
            nexus.connections.push_back(number(line.value));
    }

    void unit(const Line& line) {
        if (line.depth == 2 && line.key == "LUN") {
            finish();
            unit_.lun = number(line.value);
        } else {
            unit_.lines.push_back(line);
        }
    }

    TargetState& target_;
    std::string_view section_;
    UnitLines unit_;
};

// "Target 1: iqn.2001-04.com.example:disk"
std::optional<TargetState> target_head(const Line& line) {
    constexpr std::string_view word = "Target ";
    if (line.depth != 0 || !begins(line.key, word) || line.value.empty()) return std::nullopt;
    TargetState out;
    out.tid = int(number(line.key.substr(word.size())));
    out.name = line.value;
    return out;
}

}  // namespace

bool is_address_rule(std::string_view rule) {
    if (rule == "ALL") return true;
    std::string address(rule.substr(0, rule.find('/')));
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    std::array<unsigned char, sizeof(in6_addr)> bytes;
    return inet_pton(AF_INET, address.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

std::vector<TargetState> parse_targets(std::string_view text) {
    std::vector<TargetState> out;
    std::optional<TargetReader> reader;
    // The reader holds a reference, so a target is finished before the next moves it.
    std::optional<TargetState> current;
    const auto finish = [&] {
        if (!current) return;
        reader->finish();
        out.push_back(std::move(*current));
    };
    for (const Line& line : lines_of(text)) {
        if (auto head = target_head(line)) {
            finish();
            current = std::move(head);
            reader.emplace(*current);
        } else if (reader) {
            reader->read(line);
        }
    }
    finish();
    return out;
}

std::optional<std::vector<Value>> parse_parameters(std::string_view text) {
    std::vector<Value> out;
    for (const Line& line : lines_of(text)) {
        const size_t equals = line.text.find('=');
        if (equals == std::string_view::npos) continue;
        if (begins(line.text, "Redirect")) return std::nullopt;
        out.push_back({std::string(line.text.substr(0, equals)),
                       std::string(line.text.substr(equals + 1)), std::nullopt});
    }
    return out;
}

std::vector<std::string> parse_accounts(std::string_view text) {
    std::vector<std::string> out;
    for (const Line& line : lines_of(text))
        if (line.depth > 0) out.emplace_back(line.text);
    std::reverse(out.begin(), out.end());
    return out;
}

std::vector<PortalState> parse_portals(std::string_view text) {
    std::vector<PortalState> out;
    for (const Line& line : lines_of(text)) {
        if (line.key != "Portal") continue;
        out.push_back({std::string(line.value.substr(0, line.value.rfind(','))), true});
    }
    std::reverse(out.begin(), out.end());
    return out;
}

void parse_system(std::string_view text, State& state) {
    bool accounts = false;
    for (const Line& line : lines_of(text)) {
        if (line.depth == 0) accounts = false;
        if (accounts) add_account(line.text, state.incoming, state.outgoing);
        if (line.key == "Account information") accounts = true;
        if (line.text == "iSNS=On") state.isns_on = true;
    }
}

}  // namespace tgt::tgt_admin
