// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/rules.h"

#include <algorithm>
#include <array>

namespace tgt::tgtadm {
namespace {

using ipc::Mode;
using ipc::Op;

using Check = std::optional<std::string> (*)(const Facts& facts);

bool given(const Facts& facts, char letter) {
    return facts.letters.find(letter) != std::string::npos;
}

std::optional<std::string> unless(bool fine, std::string_view text) {
    if (fine) return std::nullopt;
    return std::string(text);
}

std::optional<std::string> nothing(const Facts&) {
    return std::nullopt;
}

std::optional<std::string> name_and_value(const Facts& f) {
    return unless(given(f, 'n') && given(f, 'v'),
                  "update operation requires 'name' and 'value' options");
}

// What --params cannot carry: a value with a comma.
std::optional<std::string> name_with_value(const Facts& f) {
    return unless(given(f, 'n') == given(f, 'v'),
                  "update operation requires 'name' and 'value' options");
}

std::optional<std::string> target_name(const Facts& f) {
    return unless(given(f, 'T'), "creating new target requires a name, use --targetname");
}

// The missing blank is tgt's; scripts match the text.
std::optional<std::string> subject_of(std::string_view operation, const Facts& f) {
    return unless(
        given(f, 'I') || given(f, 'Q') || f.host,
        std::string(operation) + " operation requires initiator-address, initiator-nameor bus");
}
std::optional<std::string> bind_subject(const Facts& f) {
    return subject_of("bind", f);
}
std::optional<std::string> unbind_subject(const Facts& f) {
    return subject_of("unbind", f);
}

// The daemon has a default path for these types, or makes an empty drive.
std::optional<std::string> backing_store(const Facts& f) {
    const bool optional = f.type.empty() || f.type == "disk" || f.type == "tape" || f.type == "cd";
    return unless(optional || given(f, 'b'), "'backing-store' option is necessary");
}

std::optional<std::string> portal_ops(const Facts& f) {
    return unless(f.portal_ops, "you must specify --param portal=<portal>");
}

std::optional<std::string> user_and_password(const Facts& f) {
    return unless(given(f, 'u') && given(f, 'p'), "'user' and 'password' options are required");
}

std::optional<std::string> user(const Facts& f) {
    return unless(given(f, 'u'), "'user' option is necessary");
}

std::optional<std::string> host_driver(const Facts& f) {
    return unless(given(f, 'L'), "creating a new host requires a driver, use --lld");
}

std::optional<std::string> host_number(const Facts& f) {
    return unless(given(f, 'H'), "'host' option is necessary");
}

struct Rule {
    Mode mode;
    Op op;
    std::string_view allowed;  // empty: every option
    Check check;
    // "'X mode: ...' is not allowed/supported" is the usual text; two rows have another.
    bool other_text = false;
};

constexpr std::array<Rule, 30> rules{{
    {Mode::system, Op::show, "", nothing},
    {Mode::system, Op::stat, "", nothing},
    {Mode::system, Op::delete_, "", nothing},
    {Mode::system, Op::update, "LmonvC", name_and_value},
    {Mode::target, Op::new_, "LmotTC", target_name},
    {Mode::target, Op::delete_, "LmotCF", nothing},
    {Mode::target, Op::show, "LmotC", nothing},
    {Mode::target, Op::stat, "LmotC", nothing},
    {Mode::target, Op::bind, "LmotIQBHC", bind_subject},
    {Mode::target, Op::unbind, "LmotIQBHC", unbind_subject},
    {Mode::target, Op::update, "LmotnvC", name_and_value},
    {Mode::logicalunit, Op::new_, "LmofytlbEYCSF", backing_store},
    {Mode::logicalunit, Op::update, "LmofytlPCnv", name_with_value, true},
    {Mode::logicalunit, Op::delete_, "LmotlC", nothing},
    {Mode::logicalunit, Op::stat, "LmotlC", nothing},
    {Mode::portal, Op::new_, "LmoCP", portal_ops},
    {Mode::portal, Op::delete_, "LmoCP", portal_ops},
    {Mode::portal, Op::show, "LmoC", nothing, true},
    {Mode::account, Op::new_, "LmoupfC", user_and_password},
    // tgt sends this one without a user, which ends its daemon.
    {Mode::account, Op::delete_, "LmouC", user},
    {Mode::account, Op::bind, "LmotuOC", user},
    {Mode::account, Op::unbind, "LmotuOC", user},
    {Mode::account, Op::show, "LmoC", nothing},
    {Mode::lld, Op::start, "LmoC", nothing},
    {Mode::lld, Op::stop, "LmoC", nothing},
    {Mode::lld, Op::show, "LmoC", nothing},
    {Mode::host, Op::new_, "LmoHPC", host_driver},
    {Mode::host, Op::delete_, "LmoHFC", host_number},
    {Mode::host, Op::show, "LmoHC", nothing},
    {Mode::host, Op::monitor, "LmoHC", nothing},
}};

// tgt looks at these numbers before it looks at the operation.
std::optional<std::string> missing_number(Mode mode, Op op, const Facts& facts) {
    if (mode == Mode::target && op != Op::show) {
        if (!facts.tid) return "'tid' option is necessary";
        if (*facts.tid == 0) return "'tid' cannot be 0";
    }
    if (mode == Mode::logicalunit) {
        if (!facts.tid) return "'tid' option is necessary";
        if (*facts.tid == 0) return "'tid' must not be 0";
        if (!given(facts, 'l')) return "'lun' option is necessary";
    }
    if (mode == Mode::host && given(facts, 'H') && !facts.host) return "'host' must not be 0";
    return std::nullopt;
}

std::string unsupported(Mode mode, Op op) {
    const std::string place = " not supported in " + std::string(name_of(mode)) + " mode";
    if (mode == Mode::lld) return "option " + std::to_string(static_cast<int>(op)) + place;
    return "operation " + std::string(name_of(op)) + place;
}

std::optional<std::string> forbidden_option(const Rule& rule, const Facts& facts) {
    if (rule.allowed.empty()) return std::nullopt;
    const size_t at = facts.letters.find_first_not_of(rule.allowed);
    if (at == std::string::npos) return std::nullopt;
    const std::string option = "option '-" + facts.letters.substr(at, 1) + "' ";
    const std::string mode(name_of(rule.mode));
    if (rule.other_text) return option + "not supported in " + mode + " mode";
    return mode + " mode: " + option + "is not allowed/supported";
}

}  // namespace

std::optional<std::string> broken_rule(Mode mode, Op op, const Facts& facts) {
    // The daemon judges these.
    if (mode == Mode::session || mode == Mode::connection) return std::nullopt;
    if (auto text = missing_number(mode, op, facts)) return text;
    auto it = std::find_if(rules.begin(), rules.end(),
                           [&](const Rule& r) { return r.mode == mode && r.op == op; });
    if (it == rules.end()) return unsupported(mode, op);
    if (auto text = forbidden_option(*it, facts)) return text;
    return it->check(facts);
}

}  // namespace tgt::tgtadm
