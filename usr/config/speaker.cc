// SPDX-License-Identifier: GPL-2.0-or-later
// What is said about directives and values, in tgt's words where it has some.
#include <strings.h>

#include <algorithm>

#include "base/text.h"
#include "config/library.h"
#include "config/source_line.h"
#include "config/target_check.h"

namespace tgt::config {

namespace {

bool is_any_case(const std::string& text, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return strcasecmp(text.c_str(), word) == 0; });
}

std::string_view where(Level level) {
    if (level == in_global) return "outside a target";
    if (level == in_library) return "in a library";
    return level == in_target ? "in a target" : "in a logical unit";
}

// What the program needs to know itself.
bool must_be_number(const Directive& row) {
    return row.use == Use::unit_lun || row.use == Use::tid || row.use == Use::host ||
           row.use == Use::library_part || row.name == "control-port";
}

uint64_t largest_in_library(std::string_view name) {
    if (name == "lun") return UINT16_MAX;
    return name == "slots" ? max_library_slots : max_library_drives;
}

uint64_t largest(const Directive& row) {
    if (row.use == Use::library_part) return largest_in_library(row.name);
    if (row.use == Use::tid) return INT32_MAX;
    if (row.use == Use::host) return UINT32_MAX;
    return row.name == "control-port" ? UINT16_MAX : UINT64_MAX;
}

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> out;
    for (text = trim(text); !text.empty(); text = trim_left(text)) {
        const size_t end = std::min(text.find_first_of(blanks), text.size());
        out.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return out;
}

void sort_by_name(std::vector<Setting>& settings) {
    std::stable_sort(settings.begin(), settings.end(),
                     [](const Setting& a, const Setting& b) { return a.name < b.name; });
}

void Speaker::error(const Position& at, std::string problem, std::string advice,
                    std::string contract) const {
    problems_.push_back(
        {true, target_, {at, std::move(problem), std::move(advice)}, std::move(contract)});
}

void Speaker::warning(const Position& at, std::string problem, std::string advice,
                      std::string contract) const {
    problems_.push_back(
        {false, target_, {at, std::move(problem), std::move(advice)}, std::move(contract)});
}

void Speaker::missing_value(const std::string& name, const Position& at) const {
    error(at, "'" + name + "' has no value", "write it behind the name, or delete the line",
          "\nOption " + name +
              " has a missing value!\nCheck your config file for errors (target: " + target_ +
              ")\n");
}

void Speaker::multiple(const std::string& name, std::string_view inside, const Position& at) const {
    error(at, "'" + name + "' is given more than once", "give it once",
          "Multiple '" + name + "' definitions in '" + std::string(inside) +
              "' not allowed!\nCheck your config file for errors (target: " + target_ + ").\n");
}

std::string Speaker::advice_for(const std::string& name, Level level) const {
    for (Level other : {in_global, in_target, in_unit, in_library})
        if (other != level && find_directive(name, other))
            return "it is ignored; its place is " + std::string(where(other));
    const std::string_view nearest = nearest_directive(name, level);
    if (nearest.empty()) return "it is ignored";
    return "it is ignored; is '" + std::string(nearest) + "' meant?";
}

void Speaker::unknown(const Entry& entry, Level level) const {
    warning(entry.at, "there is no directive '" + entry.key + "' " + std::string(where(level)),
            advice_for(entry.key, level));
}

void Speaker::unknown_block(const Block& block, Level level) const {
    const std::string_view name = level == in_global ? "target" : "";
    const bool alike = !name.empty() && is_any_case(block.name, {"target", "targets"});
    warning(
        block.at, "there is no block <" + block.name + "> " + std::string(where(level)),
        alike ? "it is ignored; is <target NAME> meant?" : "it is ignored with all that is in it");
}

void Speaker::number_is_odd(const Directive& row, const std::string& value,
                            const Position& at) const {
    const std::string what =
        "'" + std::string(row.name) + "' is a number, and '" + value + "' is none";
    if (must_be_number(row))
        error(at, what, "give a number from 0 to " + std::to_string(largest(row)));
    else
        warning(at, what, "the daemon may refuse it");
}

bool Speaker::value_is_good(const Directive& row, const std::string& value,
                            const Position& at) const {
    const std::string name(row.name);
    if (row.kind == Kind::account) {
        const size_t count = words_of(value).size();
        if (count < 2) missing_value(name, at);
        if (count > 2)
            warning(at, "'" + name + "' is a user and a password",
                    "what follows them is ignored; neither may have a blank in it");
        return count >= 2;
    }
    if (row.kind == Kind::number) {
        const auto number = parse_number(value);
        if (!number || *number > largest(row)) number_is_odd(row, value, at);
        return (number && *number <= largest(row)) || !must_be_number(row);
    }
    if (row.kind == Kind::yes_no && !is_any_case(value, {"yes", "no"}))
        warning(at, "'" + name + "' is yes or no, not '" + value + "'", "it counts as no");
    if (row.kind == Kind::on_off && !is_any_case(value, {"on", "off"}))
        warning(at, "'" + name + "' is on or off, not '" + value + "'", "correct it");
    return true;
}

}  // namespace tgt::config
