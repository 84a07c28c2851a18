// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

namespace tgt::tgt_admin {
namespace {

enum class Id : uint8_t {
    execute,
    remove,
    offline,
    ready,
    update,
    show,
    control_port,
    conf,
    ignore_errors,
    force,
    pretend,
    dump,
    verbose,
    help,
    keep_runtime,
    secrets,
};

struct Row {
    std::string_view name;
    char letter;  // 0: none
    bool argument;
    Id id;
    bool exact = false;  // ours: makes no abbreviation of tgt's options ambiguous
};

constexpr std::array<Row, 16> table{{
    {"execute", 'e', false, Id::execute},
    {"delete", 0, true, Id::remove},
    {"offline", 0, true, Id::offline},
    {"ready", 0, true, Id::ready},
    {"update", 0, true, Id::update},
    {"show", 's', false, Id::show},
    {"control-port", 'C', true, Id::control_port},
    {"conf", 'c', true, Id::conf},
    {"ignore-errors", 0, false, Id::ignore_errors},
    {"force", 'f', false, Id::force},
    {"pretend", 'p', false, Id::pretend},
    {"dump", 0, false, Id::dump},
    {"verbose", 'v', false, Id::verbose},
    {"help", 'h', false, Id::help},
    {"keep-runtime", 0, false, Id::keep_runtime, true},
    {"secrets", 0, false, Id::secrets, true},
}};

// The rows that a word without its dashes may mean.
std::vector<const Row*> candidates(std::string_view name) {
    std::vector<const Row*> out;
    for (const Row& row : table) {
        const bool letter = name.size() == 1 && name[0] == row.letter;
        if (letter || name == row.name) return {&row};
    }
    for (const Row& row : table)
        if (!row.exact && !name.empty() && row.name.substr(0, name.size()) == name)
            out.push_back(&row);
    return out;
}

struct Given {
    std::array<bool, table.size()> seen{};
    std::array<std::string, table.size()> value;

    bool has(Id id) const { return seen[size_t(id)]; }
    const std::string& of(Id id) const { return value[size_t(id)]; }
};

Exit misused(const std::string& text) {
    return {exit_bad_config, "", text + "\nTry `tgt-admin --help' for more information.\n"};
}

// Reads the words; nothing when all are understood.
std::optional<Exit> scan(std::span<const std::string> args, Given& given) {
    for (size_t i = 0; i < args.size(); ++i) {
        std::string_view word = args[i];
        if (word == "--") break;
        if (word.size() < 2 || word[0] != '-') continue;  // tgt's ignores words, too
        word.remove_prefix(word[1] == '-' ? 2 : 1);
        const size_t equals = word.find('=');
        const std::string name(word.substr(0, equals));
        const auto rows = candidates(name);
        if (rows.empty()) return misused("Unknown option: " + name);
        if (rows.size() > 1) return misused("Option " + name + " is ambiguous");
        const Row& row = *rows.front();
        given.seen[size_t(row.id)] = true;
        if (equals != std::string_view::npos && !row.argument)
            return misused("Option " + name + " does not take an argument");
        if (!row.argument) continue;
        std::string& value = given.value[size_t(row.id)];
        if (equals != std::string_view::npos) {
            value = std::string(word.substr(equals + 1));
        } else {
            if (++i == args.size()) return misused("Option " + name + " requires an argument");
            value = args[i];
        }
    }
    return std::nullopt;
}

struct Choice {
    Id id;
    Action action;
};
// Of several, the first counts, as in tgt's.
constexpr std::array<Choice, 8> choices{{
    {Id::help, Action::help},
    {Id::show, Action::show},
    {Id::remove, Action::remove},
    {Id::offline, Action::offline},
    {Id::ready, Action::ready},
    {Id::update, Action::update},
    {Id::execute, Action::execute},
    {Id::dump, Action::dump},
}};

std::optional<unsigned> parse_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port > 0xffff)
        return std::nullopt;
    return port;
}

}  // namespace

std::variant<Options, Exit> parse_options(std::span<const std::string> args) {
    Given given;
    if (auto wrong = scan(args, given)) return *wrong;
    Options out;
    const auto chosen = std::find_if(choices.begin(), choices.end(),
                                     [&](const Choice& c) { return given.has(c.id); });
    if (chosen != choices.end()) {
        out.action = chosen->action;
        out.subject = given.of(chosen->id);
    } else if (args.empty()) {
        out.action = Action::help;
    }
    if (out.action == Action::offline && given.has(Id::ready))
        return Exit{exit_bad_config, "Invalid value (you can't use both ready and offline)!\n", ""};
    if (given.has(Id::conf)) out.config = given.of(Id::conf);
    if (given.has(Id::control_port)) {
        out.control_port = parse_port(given.of(Id::control_port));
        if (!out.control_port)
            return Exit{exit_invalid, "",
                        "-C argument value '" + given.of(Id::control_port) +
                            "' invalid\nTry `tgtadm --help' for more information.\n"};
    }
    out.ignore_errors = given.has(Id::ignore_errors);
    out.force = given.has(Id::force);
    out.pretend = given.has(Id::pretend);
    out.verbose = given.has(Id::verbose);
    out.keep_runtime = given.has(Id::keep_runtime);
    out.secrets = given.has(Id::secrets);
    return out;
}

}  // namespace tgt::tgt_admin
