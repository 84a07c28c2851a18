// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/gather.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "tgt-admin/state_text.h"

namespace tgt::tgt_admin {
namespace {

using Json = nlohmann::json;
using ipc::CallError;

const Json& at(const Json& object, const char* name) {
    static const Json none;
    if (!object.is_object()) return none;
    const auto it = object.find(name);
    return it == object.end() ? none : *it;
}

std::string text(const Json& object, const char* name) {
    const Json& value = at(object, name);
    return value.is_string() ? value.get<std::string>() : std::string();
}

uint64_t number(const Json& object, const char* name) {
    const Json& value = at(object, name);
    return value.is_number_integer() ? value.get<uint64_t>() : 0;
}

bool flag(const Json& object, const char* name) {
    const Json& value = at(object, name);
    return value.is_boolean() && value.get<bool>();
}

// Objects iterate, too.
const Json& list(const Json& object, const char* name) {
    static const Json empty = Json::array();
    const Json& value = at(object, name);
    return value.is_array() ? value : empty;
}

std::vector<std::string> texts(const Json& object, const char* name) {
    std::vector<std::string> out;
    for (const Json& one : list(object, name))
        if (one.is_string()) out.push_back(one.get<std::string>());
    return out;
}

std::vector<Value> values(const Json& settings) {
    std::vector<Value> out;
    for (const Json& one : settings) {
        Value value{text(one, "name"), text(one, "value"), std::nullopt};
        if (const Json& fallback = at(one, "default"); fallback.is_string())
            value.fallback = fallback.get<std::string>();
        out.push_back(std::move(value));
    }
    return out;
}

std::optional<ElementKind> kind_from(std::string_view word) {
    constexpr std::array<std::string_view, 4> words{"transport", "storage", "import/export",
                                                    "drive"};
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) return std::nullopt;
    return ElementKind(found - words.begin() + 1);
}

LibraryState library_from(const Json& shown) {
    LibraryState out;
    out.media_home = text(shown, "media_home");
    for (const Json& one : list(shown, "elements")) {
        const auto kind = kind_from(text(one, "kind"));
        if (!kind) continue;
        ElementState element{uint16_t(number(one, "address")), *kind, text(one, "barcode"),
                             text(one, "volume_tag"), std::nullopt};
        if (const Json& drive = at(one, "drive"); drive.is_object())
            element.drive = {int(number(drive, "tid")), number(drive, "lun")};
        out.elements.push_back(std::move(element));
    }
    return out;
}

UnitState unit_from(const Json& shown) {
    UnitState out;
    out.lun = number(shown, "lun");
    if (const Json& path = at(at(shown, "store"), "path"); path.is_string())
        out.path = path.get<std::string>();
    out.from_config = text(shown, "origin") == "config";
    out.options = values(list(shown, "options"));
    out.parameters = values(list(shown, "parameters"));
    out.complete = at(shown, "parameters").is_array();
    if (const Json& inventory = at(shown, "inventory"); inventory.is_object())
        out.library = library_from(inventory);
    return out;
}

NexusState nexus_from(const Json& shown) {
    NexusState out{number(shown, "id"), text(shown, "initiator"), {}};
    for (const Json& connection : list(shown, "connections"))
        out.connections.push_back(number(connection, "cid"));
    return out;
}

TargetState target_from(const Json& shown) {
    TargetState out;
    out.tid = int(number(shown, "tid"));
    out.name = text(shown, "name");
    out.driver = text(shown, "lld");
    out.ready = text(shown, "state") == "ready";
    out.from_config = text(shown, "origin") == "config";
    for (const Json& nexus : list(shown, "nexuses")) out.nexuses.push_back(nexus_from(nexus));
    for (const Json& unit : list(shown, "luns"))
        if (number(unit, "lun") != 0) out.units.push_back(unit_from(unit));
    out.incoming = texts(at(shown, "accounts"), "incoming");
    out.outgoing = texts(at(shown, "accounts"), "outgoing");
    out.addresses = texts(at(shown, "acl"), "addresses");
    out.initiators = texts(at(shown, "acl"), "initiators");
    if (at(shown, "hosts").is_array()) out.hosts.emplace();
    for (const Json& host : list(shown, "hosts"))
        out.hosts->push_back(uint32_t(number(host, "host")));
    if (at(shown, "parameters").is_array()) out.parameters = values(at(shown, "parameters"));
    return out;
}

void mark_drives(std::vector<TargetState>& targets) {
    std::set<std::pair<int, uint64_t>> drives;
    for (const TargetState& target : targets)
        for (const UnitState& unit : target.units)
            for (const ElementState& element :
                 unit.library ? unit.library->elements : std::vector<ElementState>())
                if (element.drive) drives.emplace(element.drive->tid, element.drive->lun);
    for (TargetState& target : targets)
        for (UnitState& unit : target.units)
            unit.in_library = drives.count({target.tid, unit.lun}) != 0;
}

// --- asking
// ---------------------------------------------------------------------------------------

// The answers to what is asked; the first failure ends it.
class Questions {
  public:
    explicit Questions(ipc::Client& client) : client_(client) {}

    ipc::CallResult ask(std::string_view method, const Json& params = Json::object()) {
        if (error_) return {std::make_shared<const Json>(), "", false};
        auto answer = client_.call(method, params);
        if (answer) return std::move(*answer);
        error_ = std::move(answer.error());
        return {std::make_shared<const Json>(), "", false};
    }
    // A failure of this one is no answer, but ends nothing.
    std::optional<ipc::CallResult> try_to_ask(std::string_view method, const Json& params) {
        if (error_) return std::nullopt;
        auto answer = client_.call(method, params);
        if (!answer) return std::nullopt;
        return std::move(*answer);
    }
    std::optional<CallError>& error() { return error_; }

  private:
    ipc::Client& client_;
    std::optional<CallError> error_;
};

bool is_meant(const TargetState& target, const std::string& only) {
    return only.empty() || only == target.name || only == "tid=" + std::to_string(target.tid);
}

void gather_text(Questions& questions, Need need, const std::string& only, State& state) {
    state.legacy = true;
    state.targets = parse_targets(questions.ask("target.show").text);
    state.accounts = parse_accounts(questions.ask("account.show").text);
    if (need != Need::all) return;
    parse_system(questions.ask("system.show").text, state);
    for (TargetState& target : state.targets)
        if (is_meant(target, only))
            target.parameters =
                parse_parameters(questions.ask("target.show", {{"tid", target.tid}}).text);
    if (const auto portals = questions.try_to_ask("portal.show", Json::object()))
        state.portals = parse_portals(portals->text);
}

void gather_json(Questions& questions, Need need, const std::string& only, State& state) {
    const bool all = need == Need::all;
    if (!all || !only.empty()) state.targets = targets_from(*questions.ask("target.show").result);
    if (!all) return;
    Json details = {{"details", true}};
    for (const TargetState& target : state.targets)
        if (is_meant(target, only)) details["targetname"] = target.name;
    if (only.empty() || details.contains("targetname"))
        state.targets = targets_from(*questions.ask("target.show", details).result);
    add_system(*questions.ask("system.show").result, state);
    // A member of the daemon's group is told no secrets.
    const auto secrets = questions.try_to_ask("account.show", {{"secrets", true}});
    add_accounts(secrets ? *secrets->result : *questions.ask("account.show").result, state);
    if (const auto portals = questions.try_to_ask("portal.show", Json::object()))
        add_portals(*portals->result, state);
}

}  // namespace

std::vector<TargetState> targets_from(const Json& target_show) {
    std::vector<TargetState> out;
    for (const Json& target : list(target_show, "targets")) out.push_back(target_from(target));
    mark_drives(out);
    return out;
}

void add_accounts(const Json& account_show, State& state) {
    state.accounts = texts(account_show, "accounts");
    std::reverse(state.accounts.begin(), state.accounts.end());
    const Json& secrets = at(account_show, "secrets");
    if (!secrets.is_object()) return;
    for (const auto& [user, secret] : secrets.items())
        if (secret.is_string()) state.secrets[user] = secret.get<std::string>();
}

void add_system(const Json& system_show, State& state) {
    state.daemon_pid = int(number(system_show, "pid"));
    state.isns_on = flag(at(system_show, "isns"), "enabled");
    state.incoming = texts(at(system_show, "accounts"), "incoming");
    state.outgoing = texts(at(system_show, "accounts"), "outgoing");
    state.settings = values(list(system_show, "settings"));
}

void add_portals(const Json& portal_show, State& state) {
    for (const Json& portal : list(portal_show, "portals"))
        state.portals.push_back({text(portal, "address"), flag(portal, "at_start")});
    std::reverse(state.portals.begin(), state.portals.end());
}

tl::expected<State, CallError> gather(ipc::Client& client, Need need, const std::string& only) {
    if (auto connected = client.connect(); !connected) return tl::unexpected(connected.error());
    State state;
    Questions questions(client);
    if (client.legacy())
        gather_text(questions, need, only, state);
    else
        gather_json(questions, need, only, state);
    if (questions.error()) return tl::unexpected(std::move(*questions.error()));
    return state;
}

}  // namespace tgt::tgt_admin
