// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/options.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tgt::tgtadm {
namespace {

// In the order of tgt's table: an ambiguous abbreviation lists its candidates in this order.
constexpr std::array<Option, 31> table{{
    {"debug", 'd', Arg::none, 0},
    {"help", 'h', Arg::none, 0},
    {"version", 'V', Arg::none, 0},
    {"lld", 'L', Arg::required, 'L'},
    {"op", 'o', Arg::required, 'o'},
    {"mode", 'm', Arg::required, 'm'},
    {"tid", 't', Arg::required, 't'},
    {"sid", 's', Arg::required, 's'},
    {"cid", 'c', Arg::required, 'c'},
    {"lun", 'l', Arg::required, 'l'},
    {"name", 'n', Arg::required, 'n'},
    {"value", 'v', Arg::required, 'v'},
    {"backing-store", 'b', Arg::required, 'b'},
    {"bstype", 'E', Arg::required, 'E'},
    {"bsopts", 'S', Arg::required, 'S'},
    {"bsoflags", 'f', Arg::required, 'f'},
    {"blocksize", 'y', Arg::required, 'y'},
    {"targetname", 'T', Arg::required, 'T'},
    {"initiator-address", 'I', Arg::required, 'I'},
    {"initiator-name", 'Q', Arg::required, 'Q'},
    {"user", 'u', Arg::required, 'u'},
    {"password", 'p', Arg::required, 'p'},
    {"host", 'H', Arg::required, 'H'},
    {"force", 'F', Arg::short_only, 'F'},
    {"params", 'P', Arg::required, 'P'},
    {"bus", 'B', Arg::required, 'B'},
    {"device-type", 'Y', Arg::required, 'Y'},
    {"outgoing", 'O', Arg::short_only, 'O'},
    {"control-port", 'C', Arg::required, 'C'},
    {"password-file", 0, Arg::required, 'p', true},
    {"json", 0, Arg::none, 0, true},
}};

std::vector<const Option*> candidates(std::string_view name) {
    std::vector<const Option*> found;
    for (const Option& option : table) {
        if (option.name == name) return {&option};
        if (!option.exact && option.name.substr(0, name.size()) == name) found.push_back(&option);
    }
    return found;
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

}  // namespace

std::span<const Option> options() {
    return table;
}

Word Scanner::message(std::string_view text) const {
    return {nullptr, std::string(program_) + ": " + std::string(text)};
}

std::optional<std::string> Scanner::take_argument() {
    if (next_ >= args_.size()) return std::nullopt;
    return args_[next_++];
}

Word Scanner::long_option(std::string_view text) {
    const size_t equals = text.find('=');
    const auto found = candidates(text.substr(0, equals));
    const std::string given = quoted("--" + std::string(text));
    if (found.empty()) return message("unrecognized option " + given);
    if (found.size() > 1) {
        std::string names;
        for (const Option* option : found) names += " " + quoted("--" + std::string(option->name));
        return message("option " + given + " is ambiguous; possibilities:" + names);
    }
    const Option& option = *found.front();
    const std::string name = quoted("--" + std::string(option.name));
    if (option.arg != Arg::required) {
        if (equals != std::string_view::npos)
            return message("option " + name + " doesn't allow an argument");
        return {&option, ""};
    }
    if (equals != std::string_view::npos) return {&option, std::string(text.substr(equals + 1))};
    if (auto value = take_argument()) return {&option, std::move(*value)};
    return message("option " + name + " requires an argument");
}

Word Scanner::short_option() {
    const char letter = cluster_.front();
    cluster_.remove_prefix(1);
    auto it = std::find_if(table.begin(), table.end(),
                           [&](const Option& o) { return o.letter && o.letter == letter; });
    if (it == table.end()) return message("invalid option -- " + quoted({&letter, 1}));
    if (it->arg == Arg::none) return {&*it, ""};
    const std::string_view rest = std::exchange(cluster_, {});
    if (!rest.empty()) return {&*it, std::string(rest)};
    if (auto value = take_argument()) return {&*it, std::move(*value)};
    return message("option requires an argument -- " + quoted({&letter, 1}));
}

std::optional<Word> Scanner::next() {
    if (!cluster_.empty()) return short_option();
    while (next_ < args_.size()) {
        const std::string_view word = args_[next_];
        if (word == "--" || (posix_ && (word.size() < 2 || word[0] != '-'))) {
            next_ += word == "--";
            stray_.insert(stray_.end(), args_.begin() + static_cast<ptrdiff_t>(next_), args_.end());
            next_ = args_.size();
            break;
        }
        ++next_;
        if (word.substr(0, 2) == "--") return long_option(word.substr(2));
        if (word.size() > 1 && word[0] == '-') {
            cluster_ = word.substr(1);
            return short_option();
        }
        stray_.emplace_back(word);
    }
    return std::nullopt;
}

}  // namespace tgt::tgtadm
