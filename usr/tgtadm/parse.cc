// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/parse.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "ipc/admin/protocol.h"
#include "tgtadm/options.h"
#include "tgtadm/rules.h"

namespace tgt::tgtadm {
namespace {

using Json = nlohmann::json;
using ipc::Mode;
using ipc::Op;

constexpr std::string_view try_line = "Try `tgtadm --help' for more information.\n";

Exit fault(int code, const std::string& text) {
    return {code, "", "tgtadm: " + text + "\n"};
}
Exit usage(const std::string& text) {
    return {exit_invalid, "", text + "\n" + std::string(try_line)};
}

// What the options gathered so far amount to.
struct State {
    const Environment* env;
    std::optional<Mode> mode;
    std::optional<Op> op;
    Facts facts;
    Json params = Json::object();
    std::optional<std::string> target_ops;
    std::optional<std::string> portal_ops;
    Parsed parsed;
};

struct Range {
    char letter;
    std::string_view param;
    uint64_t max;
};
constexpr std::array<Range, 6> numbers{{
    {'t', "tid", INT32_MAX},
    {'s', "sid", UINT64_MAX},
    {'c', "cid", UINT32_MAX},
    {'l', "lun", UINT64_MAX},
    {'H', "host", UINT32_MAX},
    {'C', "", INT16_MAX},
}};

struct Text {
    char letter;
    std::string_view param;
};
constexpr std::array<Text, 12> texts{{
    {'L', "lld"},
    {'n', "name"},
    {'v', "value"},
    {'b', "backing-store"},
    {'E', "bstype"},
    {'S', "bsopts"},
    {'f', "bsoflags"},
    {'T', "targetname"},
    {'I', "initiator-address"},
    {'Q', "initiator-name"},
    {'u', "user"},
    {'p', "password"},
}};

struct TypeWord {
    std::string_view word;
    std::string_view type;
};
constexpr std::array<TypeWord, 7> type_words{{
    {"disk", "disk"},
    {"tape", "tape"},
    {"ssc", "tape"},
    {"cd", "cd"},
    {"changer", "changer"},
    {"osd", "osd"},
    {"pt", "pt"},
}};

std::string bad_number(char letter, const std::string& value, const char* how) {
    return std::string("-") + letter + " argument value '" + value + "' " + how;
}

// C notation; like tgt, what follows the digits is ignored, and all ones is no number.
std::variant<uint64_t, Exit> number(char letter, const std::string& value, uint64_t max) {
    char* end = nullptr;
    errno = 0;
    const uint64_t parsed = std::strtoull(value.c_str(), &end, 0);
    if (end == value.c_str() || errno == ERANGE || parsed == UINT64_MAX)
        return usage(bad_number(letter, value, "invalid"));
    if (parsed > max) return usage(bad_number(letter, value, "out of range"));
    return parsed;
}

std::optional<Exit> take_number(State& state, const Range& range, const std::string& value) {
    auto parsed = number(range.letter, value, range.max);
    if (auto* wrong = std::get_if<Exit>(&parsed)) return std::move(*wrong);
    const uint64_t n = std::get<uint64_t>(parsed);
    if (range.letter == 'C') {
        state.parsed.control_port = static_cast<unsigned>(n);
        return std::nullopt;
    }
    if (range.letter == 't') state.facts.tid = n;
    if (range.letter == 'H') state.facts.host = n != 0;
    state.params[std::string(range.param)] = n;
    return std::nullopt;
}

// Unlike the other numbers this one must be whole: "4k" would silently be 4.
std::optional<Exit> take_blocksize(State& state, const std::string& value) {
    auto parsed = number('y', value, UINT32_MAX);
    if (auto* wrong = std::get_if<Exit>(&parsed)) return std::move(*wrong);
    char* end = nullptr;
    std::strtoull(value.c_str(), &end, 0);
    if (*end) return usage(bad_number('y', value, "invalid"));
    state.params["blocksize"] = std::get<uint64_t>(parsed);
    return std::nullopt;
}

std::optional<Exit> take_mode(State& state, const std::string& value) {
    state.mode = ipc::find_mode(value);
    if (!state.mode) return fault(exit_unknown_word, "unknown mode: " + value);
    return std::nullopt;
}

std::optional<Exit> take_op(State& state, const std::string& value) {
    state.op = ipc::find_op(value);
    if (!state.op) return fault(exit_unknown_word, "unknown operation: " + value);
    return std::nullopt;
}

std::optional<Exit> take_type(State& state, const std::string& value) {
    auto it = std::find_if(type_words.begin(), type_words.end(),
                           [&](const TypeWord& w) { return w.word == value; });
    if (it == type_words.end()) return fault(exit_invalid, "unknown target type: " + value);
    state.facts.type = it->type;
    state.params["device-type"] = std::string(it->type);
    return std::nullopt;
}

std::optional<Exit> take_bus(State& state, const std::string& value) {
    if (!state.env->find_host) return fault(exit_invalid, "can't find bus: " + value);
    auto host = state.env->find_host(value);
    if (!host) return fault(exit_invalid, host.error().text);
    state.facts.host = *host != 0;
    state.params["host"] = uint64_t{*host};
    return std::nullopt;
}

// What --params means depends on the mode given before it.
std::optional<Exit> take_params(State& state, const std::string& value) {
    (state.mode == Mode::portal ? state.portal_ops : state.target_ops) = value;
    return std::nullopt;
}

struct Special {
    char letter;
    std::optional<Exit> (*take)(State& state, const std::string& value);
};
constexpr std::array<Special, 6> specials{{
    {'m', take_mode},
    {'o', take_op},
    {'Y', take_type},
    {'y', take_blocksize},
    {'B', take_bus},
    {'P', take_params},
}};

std::optional<Exit> take_switch(State& state, const Option& option) {
    if (option.letter == 'h') return Exit{0, help_text(), ""};
    if (option.letter == 'V') return Exit{0, TGT_VERSION "\n", ""};
    if (option.letter == 'd') state.parsed.debug = true;
    if (option.letter == 'F') state.params["force"] = true;
    if (option.letter == 'O') state.params["outgoing"] = true;
    if (option.name == "json") state.parsed.json = true;
    return std::nullopt;
}

std::optional<Exit> take(State& state, const Option& option, const std::string& value) {
    if (option.rule) state.facts.letters += option.rule;
    if (option.arg != Arg::required) return take_switch(state, option);
    if (option.name == "password-file") {
        state.parsed.password_file = value;
        return std::nullopt;
    }
    for (const Special& special : specials)
        if (special.letter == option.letter) return special.take(state, value);
    for (const Range& range : numbers)
        if (range.letter == option.letter) return take_number(state, range, value);
    for (const Text& text : texts)
        if (text.letter == option.letter) state.params[std::string(text.param)] = value;
    return std::nullopt;
}

Json pairs(std::string_view text) {
    Json list = Json::array();
    while (!text.empty()) {
        const size_t comma = text.find(',');
        const std::string_view item = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        if (item.empty()) continue;
        const size_t equals = item.find('=');
        const bool has_value = equals != std::string_view::npos;
        list.push_back(Json::array({std::string(item.substr(0, equals)),
                                    std::string(has_value ? item.substr(equals + 1) : "")}));
    }
    return list;
}

// --name and --value are one more parameter, the last; its value may have commas.
void join_name_and_value(Json& params) {
    if (!params.contains("name")) return;
    if (!params.contains("params")) params["params"] = Json::array();
    params["params"].push_back(Json::array({params["name"], params["value"]}));
    params.erase("name");
    params.erase("value");
}

std::variant<Parsed, Exit> finish(State& state) {
    state.facts.portal_ops = state.portal_ops.has_value();
    if (!state.op) return fault(exit_invalid, "specify the operation type");
    if (!state.mode) return fault(exit_invalid, "specify the mode");
    if (auto text = broken_rule(*state.mode, *state.op, state.facts))
        return fault(exit_invalid, *text);
    // A tape's store is part of the type; tgt ignores what --bstype says.
    if (state.facts.type == "tape") state.params["bstype"] = "ssc";
    if (const auto& ops = state.portal_ops ? state.portal_ops : state.target_ops)
        state.params["params"] = pairs(*ops);
    if (*state.mode == Mode::logicalunit && *state.op == Op::update)
        join_name_and_value(state.params);
    if (state.parsed.password_file) state.params.erase("password");
    state.parsed.method = ipc::method_of(*state.mode, *state.op);
    state.parsed.params = std::make_shared<Json>(std::move(state.params));
    return std::move(state.parsed);
}

}  // namespace

std::variant<Parsed, Exit> parse(std::span<const std::string> args, const Environment& env) {
    const std::string program = args.empty() ? "tgtadm" : args.front();
    State state;
    state.env = &env;
    Scanner scanner(program, args.empty() ? args : args.subspan(1), env.posixly_correct);
    while (auto word = scanner.next()) {
        if (!word->option) return usage(word->value);
        if (auto exit = take(state, *word->option, word->value)) return std::move(*exit);
    }
    if (!scanner.stray().empty())
        return usage("tgtadm: unrecognized option '" + scanner.stray().front() + "'");
    return finish(state);
}

}  // namespace tgt::tgtadm
