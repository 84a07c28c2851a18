// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tgt::mgmt {

namespace {

using nlohmann::json;

constexpr size_t max_value = size_t(4) << 20;
constexpr int max_nesting = 8;

// --- texts --------------------------------------------------------------------------------------

// Paths and secrets may have any byte; what JSON cannot carry travels as {"hex": "..."}.
bool is_plain(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

json text_json(const std::string& text) {
    if (is_plain(text)) return text;
    std::string hex;
    for (const char c : text) hex += fmt::format("{:02x}", uint8_t(c));
    return {{"hex", hex}};
}

std::string from_hex(const std::string& hex) {
    if (hex.size() % 2 != 0) throw std::invalid_argument("odd number of hexadecimal digits");
    std::string out;
    for (size_t i = 0; i < hex.size(); i += 2) {
        uint8_t byte = 0;
        const auto [end, error] = std::from_chars(&hex[i], &hex[i] + 2, byte, 16);
        if (error != std::errc() || end != &hex[i] + 2)
            throw std::invalid_argument("not a hexadecimal digit");
        out += char(byte);
    }
    return out;
}

// A NUL would silently end the value where it meets a system call.
std::string json_text(const json& value) {
    std::string text;
    if (value.is_string())
        text = value.get<std::string>();
    else if (value.is_object() && value.size() == 1 && value.contains("hex"))
        text = from_hex(value["hex"].get<std::string>());
    else
        throw std::invalid_argument("not a text");
    if (text.find('\0') != std::string::npos) throw std::invalid_argument("a text has a NUL");
    return text;
}

json texts_json(const std::vector<std::string>& texts) {
    json out = json::array();
    for (const std::string& text : texts) out.push_back(text_json(text));
    return out;
}

std::vector<std::string> json_texts(const json& value) {
    if (!value.is_array()) throw std::invalid_argument("not a list of texts");
    std::vector<std::string> out;
    for (const json& one : value) out.push_back(json_text(one));
    return out;
}

json values_json(const NamedValues& values) {
    json out = json::array();
    for (const auto& [name, value] : values)
        out.push_back(json::array({text_json(name), text_json(value)}));
    return out;
}

NamedValues json_values(const json& value) {
    if (!value.is_array()) throw std::invalid_argument("not a list of pairs");
    NamedValues out;
    for (const json& pair : value) {
        if (!pair.is_array() || pair.size() != 2) throw std::invalid_argument("not a pair");
        out.emplace_back(json_text(pair[0]), json_text(pair[1]));
    }
    return out;
}

template <class Number>
Number json_number(const json& value) {
    if (!value.is_number_unsigned()) throw std::invalid_argument("not a number from 0 on");
    const auto number = value.get<uint64_t>();
    if (number > uint64_t(std::numeric_limits<Number>::max()))
        throw std::invalid_argument("number too large");
    return Number(number);
}

std::vector<uint32_t> json_hosts(const json& value) {
    if (!value.is_array()) throw std::invalid_argument("not a list of numbers");
    std::vector<uint32_t> out;
    for (const json& one : value) out.push_back(json_number<uint32_t>(one));
    return out;
}

bool json_flag(const json& value) {
    if (!value.is_boolean()) throw std::invalid_argument("neither true nor false");
    return value.get<bool>();
}

// Takes the members of an object out one by one, so that what nobody knows is left and noticed.
class Members {
  public:
    explicit Members(json object) : object_(std::move(object)) {
        if (!object_.is_object()) throw std::invalid_argument("not an object");
    }
    json take(const char* name) {
        const auto found = object_.find(name);
        if (found == object_.end())
            throw std::invalid_argument(fmt::format("'{}' is missing", name));
        json out = std::move(*found);
        object_.erase(found);
        return out;
    }
    bool has(const char* name) const { return object_.contains(name); }
    void end() const {
        if (!object_.empty())
            throw std::invalid_argument(
                fmt::format("'{}' is unknown to this version", object_.begin().key()));
    }

  private:
    json object_;
};

// --- objects ------------------------------------------------------------------------------------

json bindings_json(const SavedBindings& bindings) {
    return {{"incoming", texts_json(bindings.incoming)},
            {"outgoing", text_json(bindings.outgoing)}};
}

SavedBindings json_bindings(json value) {
    Members members(std::move(value));
    SavedBindings out;
    out.incoming = json_texts(members.take("incoming"));
    out.outgoing = json_text(members.take("outgoing"));
    members.end();
    return out;
}

std::pair<std::string, json> encode(const SavedSystem& system) {
    return {std::string(system_key), {{"set", values_json(system.set)}}};
}

std::pair<std::string, json> encode(const SavedAccount& account) {
    return {account_key(account.name), {{"secret", text_json(account.secret)}}};
}

std::pair<std::string, json> encode(const SavedBindings& bindings) {
    return {std::string(discovery_key), bindings_json(bindings)};
}

std::pair<std::string, json> encode(const SavedPortals& portals) {
    return {portals_key(portals.lld),
            {{"added", texts_json(portals.added)}, {"removed", texts_json(portals.removed)}}};
}

std::pair<std::string, json> encode(const SavedTarget& target) {
    json out = {{"name", text_json(target.name)},
                {"lld", text_json(target.lld)},
                {"origin", text_json(target.origin)},
                {"set", values_json(target.set)},
                {"addresses", texts_json(target.addresses)},
                {"initiators", texts_json(target.initiators)},
                {"accounts", bindings_json(target.accounts)}};
    if (!target.hosts.empty()) out["hosts"] = target.hosts;
    return {target_key(target.tid), std::move(out)};
}

std::pair<std::string, json> encode(const SavedLun& lun) {
    return {lun_key(lun.made.tid, lun.made.lun),
            {{"device_type", text_json(lun.made.device_type)},
             {"path", text_json(lun.made.path)},
             {"bstype", text_json(lun.made.engine)},
             {"bsopts", text_json(lun.made.engine_options)},
             {"bsoflags", text_json(lun.made.flags)},
             {"block_size", lun.made.block_size},
             {"force", lun.made.force},
             {"origin", text_json(lun.made.origin)},
             {"set", values_json(lun.set)},
             {"size", lun.size}}};
}

SavedTarget decode_target(int tid, Members members) {
    SavedTarget out;
    out.tid = tid;
    out.name = json_text(members.take("name"));
    out.lld = json_text(members.take("lld"));
    out.origin = json_text(members.take("origin"));
    out.set = json_values(members.take("set"));
    out.addresses = json_texts(members.take("addresses"));
    out.initiators = json_texts(members.take("initiators"));
    out.accounts = json_bindings(members.take("accounts"));
    if (members.has("hosts")) out.hosts = json_hosts(members.take("hosts"));
    members.end();
    return out;
}

SavedLun decode_lun(int tid, uint64_t lun, Members members) {
    SavedLun out;
    out.made.tid = tid;
    out.made.lun = lun;
    out.made.device_type = json_text(members.take("device_type"));
    out.made.path = json_text(members.take("path"));
    out.made.engine = json_text(members.take("bstype"));
    out.made.engine_options = json_text(members.take("bsopts"));
    out.made.flags = json_text(members.take("bsoflags"));
    out.made.block_size = json_number<uint32_t>(members.take("block_size"));
    out.made.force = json_flag(members.take("force"));
    out.made.origin = json_text(members.take("origin"));
    out.set = json_values(members.take("set"));
    out.size = json_number<uint64_t>(members.take("size"));
    members.end();
    return out;
}

// --- keys ---------------------------------------------------------------------------------------

// Removes `prefix` from the text; false when it does not begin so.
bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

// Decimal digits at the beginning of the text, in their one spelling.
template <class Number>
Number take_number(std::string_view& text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto digits = size_t(end - text.data());
    if (error != std::errc() || (digits > 1 && text[0] == '0') || number < 0)
        throw std::invalid_argument("unknown key");
    text.remove_prefix(digits);
    return number;
}

SavedObject decode_below_target(std::string_view rest, Members members) {
    const int tid = take_number<int>(rest);
    if (rest.empty()) return decode_target(tid, std::move(members));
    if (!take_prefix(rest, "/lun/")) throw std::invalid_argument("unknown key");
    const auto lun = take_number<uint64_t>(rest);
    if (!rest.empty()) throw std::invalid_argument("unknown key");
    return decode_lun(tid, lun, std::move(members));
}

SavedObject decode(std::string_view key, json value) {
    if (key == discovery_key) return json_bindings(std::move(value));
    Members members(std::move(value));
    if (take_prefix(key, "target/")) return decode_below_target(key, std::move(members));
    SavedObject out;
    if (key == system_key)
        out = SavedSystem{json_values(members.take("set"))};
    else if (take_prefix(key, "account/"))
        out = SavedAccount{std::string(key), json_text(members.take("secret"))};
    else if (take_prefix(key, "portals/"))
        out = SavedPortals{std::string(key), json_texts(members.take("added")),
                           json_texts(members.take("removed"))};
    else
        throw std::invalid_argument("unknown key");
    members.end();
    return out;
}

}  // namespace

std::string account_key(std::string_view name) {
    return fmt::format("account/{}", name);
}
std::string portals_key(std::string_view lld) {
    return fmt::format("portals/{}", lld);
}
std::string target_key(int tid) {
    return fmt::format("target/{}", tid);
}
std::string lun_key(int tid, uint64_t lun) {
    return fmt::format("target/{}/lun/{}", tid, lun);
}
std::string below(std::string_view key) {
    return fmt::format("{}/", key);
}

StateRow encode_row(const SavedObject& object) {
    auto [key, value] = std::visit([](const auto& one) { return encode(one); }, object);
    return {std::move(key), value.dump()};
}

Result<SavedObject> decode_row(const StateRow& row) {
    if (row.value.size() > max_value) return fail(EFBIG, "the value is too long");
    // Deep nesting would use the stack when it is taken apart.
    const auto shallow = [](int depth, json::parse_event_t, json&) { return depth <= max_nesting; };
    try {
        return decode(row.key, json::parse(row.value, shallow));
    } catch (const std::exception& wrong) {
        return fail(EBADMSG, wrong.what());
    }
}

}  // namespace tgt::mgmt
