// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tgt::tgt_admin {
namespace {

using Json = nlohmann::json;

Command make(std::string_view method, Json params, std::string words) {
    Command out;
    out.method = method;
    out.params = std::make_shared<Json>(std::move(params));
    out.words = std::move(words);
    return out;
}

std::string lld_words(const std::string& lld) {
    return lld.empty() ? "" : "--lld " + shell_word(lld) + " ";
}

Json with_lld(const std::string& lld, Json params) {
    if (!lld.empty()) params["lld"] = lld;
    return params;
}

Json of_target(const TargetId& target, Json params) {
    params["tid"] = target.tid;
    return with_lld(target.lld, std::move(params));
}

Json account_params(const Place& place, const std::string& user, bool outgoing) {
    Json params = {{"user", user}};
    if (outgoing) params["outgoing"] = true;
    if (place.tid) params["tid"] = *place.tid;
    return with_lld(place.lld, std::move(params));
}

// The blank behind a name that is bound to no target is tgt's.
std::string account_words(const Place& place, std::string_view op, const std::string& user,
                          bool outgoing) {
    const std::string end = outgoing ? " --outgoing" : "";
    if (!place.tid)
        return fmt::format("{}--mode account --op {} --user={} {}", lld_words(place.lld), op,
                           shell_word(user), end);
    return fmt::format("{}--mode account --op {} --tid={} --user={}{}", lld_words(place.lld), op,
                       *place.tid, shell_word(user), end);
}

std::string acl_words(Subject subject, const std::string& who) {
    return (subject == Subject::address ? "-I " : "-Q ") + shell_word(who);
}

Json acl_params(int tid, Subject subject, const std::string& who) {
    return {{"tid", tid},
            {subject == Subject::address ? "initiator-address" : "initiator-name", who}};
}

std::string option(std::string_view name, const std::string& value) {
    return value.empty() ? "" : fmt::format("--{} {}", name, in_quotes(value));
}

bool has_comma(const Pairs& pairs) {
    return std::any_of(pairs.begin(), pairs.end(),
                       [](const auto& pair) { return pair.second.find(',') != std::string::npos; });
}

std::string pair_words(const Pairs& pairs, Form form) {
    // What --params would cut at the comma.
    if (pairs.size() == 1 && has_comma(pairs))
        return fmt::format("--name {} --value {}", shell_word(pairs[0].first),
                           in_quotes(pairs[0].second));
    std::string text;
    for (const auto& [name, value] : pairs)
        text += (text.empty() ? "" : ",") + name + "=" +
                (form == Form::quoted ? in_quotes(value) : value);
    return "--params " + (form == Form::whole ? in_quotes(text) : text);
}

uint64_t whole_number(const std::string& text) {
    return std::strtoull(text.c_str(), nullptr, 0);
}

}  // namespace

std::string command_line(const Command& command, unsigned control_port, bool secrets) {
    std::string words = command.words;
    const size_t at =
        secrets || command.secret.empty() ? std::string::npos : words.rfind(command.secret);
    if (at != std::string::npos) words.replace(at, command.secret.size(), "***");
    return fmt::format("tgtadm -C {} {}", control_port, words);
}

std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + "'";
}

std::string shell_word(std::string_view text) {
    constexpr std::string_view safe =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-[]^";
    const bool plain = !text.empty() && text.find_first_not_of(safe) == std::string_view::npos;
    return plain ? std::string(text) : in_quotes(text);
}

// --- the system ---------------------------------------------------------------------------------

Command show_targets() {
    return make("target.show", Json::object(), "--op show --mode target");
}

Command system_update(const std::string& name, const std::string& value) {
    return make(
        "system.update", {{"name", name}, {"value", value}},
        fmt::format("--op update --mode sys --name {} -v {}", shell_word(name), shell_word(value)));
}

Command portal_new(const std::string& lld, const std::string& portal) {
    return make("portal.new",
                with_lld(lld, {{"params", Json::array({Json::array({"portal", portal})})}}),
                fmt::format("{}--op new --mode portal --param {}", lld_words(lld),
                            shell_word("portal=" + portal)));
}

// --- accounts -----------------------------------------------------------------------------------

Command account_new(const std::string& lld, const std::string& user, const std::string& password) {
    Command out = make("account.new", with_lld(lld, {{"user", user}, {"password", password}}),
                       fmt::format("{}--mode account --op new --user={} --password={}",
                                   lld_words(lld), shell_word(user), shell_word(password)));
    out.secret = shell_word(password);
    return out;
}

Command account_delete(const std::string& user) {
    return make("account.delete", {{"user", user}},
                "--mode account --op delete --user=" + shell_word(user));
}

Command account_bind(const Place& place, const std::string& user, bool outgoing) {
    return make("account.bind", account_params(place, user, outgoing),
                account_words(place, "bind", user, outgoing));
}

Command account_unbind(const Place& place, const std::string& user, bool outgoing) {
    return make("account.unbind", account_params(place, user, outgoing),
                account_words(place, "unbind", user, outgoing));
}

// --- targets ------------------------------------------------------------------------------------

Command target_new(const TargetId& target, const std::string& name) {
    Command out = make("target.new", of_target(target, {{"targetname", name}}),
                       fmt::format("{}--op new --mode target --tid {} -T {}", lld_words(target.lld),
                                   target.tid, shell_word(name)));
    out.makes = true;
    return out;
}

Command target_update(const TargetId& target, const std::string& name, const std::string& value) {
    return make(
        "target.update", of_target(target, {{"name", name}, {"value", value}}),
        fmt::format("{}--mode target --op update --tid {} --name {} --value {}",
                    lld_words(target.lld), target.tid, shell_word(name), shell_word(value)));
}

Command target_state(int tid, const std::string& name, bool ready) {
    const std::string_view state = ready ? "ready" : "offline";
    const std::string by_name = name.empty() ? "" : " --name=" + in_quotes(name);
    return make(
        "target.update", {{"tid", tid}, {"name", "state"}, {"value", state}},
        fmt::format("--op update --mode target --tid={}{} -n state -v {}", tid, by_name, state));
}

Command target_delete(int tid) {
    return make("target.delete", {{"tid", tid}},
                fmt::format("--mode target --op delete --tid={}", tid));
}

Command connection_delete(int tid, uint64_t sid, uint64_t cid) {
    return make("connection.delete", {{"tid", tid}, {"sid", sid}, {"cid", cid}},
                fmt::format("--op delete --mode conn --tid {} --sid {} --cid {}", tid, sid, cid));
}

Command acl_bind(const TargetId& target, Subject subject, const std::string& who) {
    return make("target.bind", with_lld(target.lld, acl_params(target.tid, subject, who)),
                fmt::format("{}--op bind --mode target --tid {} {}", lld_words(target.lld),
                            target.tid, acl_words(subject, who)));
}

Command acl_unbind(int tid, Subject subject, const std::string& who) {
    return make("target.unbind", acl_params(tid, subject, who),
                fmt::format("--op unbind --mode target --tid {} {}", tid, acl_words(subject, who)));
}

Command host_bind(const TargetId& target, uint32_t host) {
    return make("target.bind", with_lld(target.lld, {{"tid", target.tid}, {"host", host}}),
                fmt::format("{}--op bind --mode target --tid {} --host {}", lld_words(target.lld),
                            target.tid, host));
}

Command host_unbind(int tid, uint32_t host) {
    return make("target.unbind", {{"tid", tid}, {"host", host}},
                fmt::format("--op unbind --mode target --tid {} --host {}", tid, host));
}

// --- logical units ------------------------------------------------------------------------------

Command unit_new(const TargetId& target, uint64_t lun, const UnitOptions& options) {
    Json params = {{"lun", lun}};
    std::string words = fmt::format("{}--op new --mode logicalunit --tid {} --lun {}",
                                    lld_words(target.lld), target.tid, lun);
    if (options.path) {
        params["backing-store"] = *options.path;
        words += " -b " + in_quotes(*options.path);
    }
    const auto add = [&](const char* name, const std::string& value) {
        words += " " + option(name, value);
        if (!value.empty()) params[name] = value;
    };
    add("device-type", options.device_type);
    add("bstype", options.bstype);
    add("bsopts", options.bsopts);
    add("bsoflags", options.bsoflags);
    words += " " + option("blocksize", options.blocksize);
    if (!options.blocksize.empty()) params["blocksize"] = whole_number(options.blocksize);
    if (options.force) params["force"] = true;
    Command out = make("logicalunit.new", of_target(target, std::move(params)), std::move(words));
    out.makes = true;
    return out;
}

Command unit_delete(const TargetId& target, uint64_t lun) {
    return make("logicalunit.delete", of_target(target, {{"lun", lun}}),
                fmt::format("{}--op delete --mode logicalunit --tid {} --lun={}",
                            lld_words(target.lld), target.tid, lun));
}

Command unit_update(const TargetId& target, uint64_t lun, const Pairs& pairs, Form form) {
    Json list = Json::array();
    for (const auto& [name, value] : pairs) list.push_back(Json::array({name, value}));
    return make("logicalunit.update",
                of_target(target, {{"lun", lun}, {"params", std::move(list)}}),
                fmt::format("{}--op update --mode logicalunit --tid {} --lun={} {}",
                            lld_words(target.lld), target.tid, lun, pair_words(pairs, form)));
}

Pairs split_pairs(std::string_view text) {
    Pairs out;
    while (!text.empty()) {
        const size_t end = text.find(',');
        const std::string_view item = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (item.empty()) continue;
        const size_t equals = item.find('=');
        out.emplace_back(item.substr(0, equals), equals == std::string_view::npos
                                                     ? std::string_view()
                                                     : item.substr(equals + 1));
    }
    return out;
}

}  // namespace tgt::tgt_admin
