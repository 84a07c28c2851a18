// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-lun/setup.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "config/directives.h"
#include "tgt-admin/gather.h"
#include "tgt-admin/state_text.h"

namespace tgt::setup_lun {
namespace {

using Json = nlohmann::json;

constexpr std::string_view name_prefix = "iqn.2001-04.com.";
// Numbers that somebody else took between the question and the request.
constexpr int attempts = 8;

template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
    fmt::print("{}\n", fmt::format(format, std::forward<Args>(args)...));
    std::fflush(stdout);
}

std::string host_name() {
    std::array<char, 256> name = {};
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    const std::string_view whole = name.data();
    return std::string(whole.substr(0, whole.find('.')));
}

std::string full_name(const std::string& name) {
    return name.starts_with("iqn") ? name : std::string(name_prefix) + host_name() + "-" + name;
}

// In the words of tgtadm, which does this work in tgt.
void complain(const ipc::CallError& error) {
    fmt::print(stderr, "tgtadm: {}\n", error.text);
    if (!error.reason.empty()) fmt::print(stderr, "tgtadm: reason: {}\n", error.reason);
}

std::vector<uint64_t> tids_of(const std::vector<TargetState>& targets) {
    std::vector<uint64_t> out;
    for (const TargetState& target : targets) out.push_back(uint64_t(target.tid));
    return out;
}

std::vector<uint64_t> luns_of(const TargetState& target) {
    std::vector<uint64_t> out;
    for (const tgt_admin::UnitState& unit : target.units) out.push_back(unit.lun);
    return out;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

// The question is only seen on a terminal; the answer may come from anywhere.
bool confirmed(const char* question) {
    if (isatty(STDIN_FILENO)) fmt::print(stderr, "{}", question);
    std::string answer;
    return std::getline(std::cin, answer) && answer == "yes";
}

}  // namespace

uint64_t lowest_free(uint64_t first, std::vector<uint64_t> taken) {
    std::sort(taken.begin(), taken.end());
    for (const uint64_t one : taken) {
        if (one > first) break;
        if (one == first) ++first;
    }
    return first;
}

bool Setup::call(std::string_view method, const Json& params) {
    const auto reply = client_.call(method, params);
    code_ = reply ? 0 : reply.error().code;
    if (!reply) complain(reply.error());
    return reply.has_value();
}

std::vector<TargetState> Setup::targets() {
    const auto reply = client_.call("target.show", Json{{"lld", options_.lld}});
    if (!reply) {
        complain(reply.error());
        return {};
    }
    return reply->legacy ? tgt_admin::parse_targets(reply->text)
                         : tgt_admin::targets_from(*reply->result);
}

bool Setup::use_existing(const TargetState& target) {
    say("Error: target named {} already exists", target.name);
    if (!confirmed("Add a new lun to the existing target? (yes/NO): ")) return false;
    target_ = target;
    return true;
}

bool Setup::make_target(std::vector<TargetState> known) {
    for (int i = 0; i < attempts; ++i) {
        target_.tid = int(lowest_free(1, tids_of(known)));
        if (i == 0) say("Creating new target (name={}, tid={})", target_.name, target_.tid);
        new_target_ =
            call("target.new",
                 {{"lld", options_.lld}, {"tid", target_.tid}, {"targetname", target_.name}});
        if (new_target_) return true;
        const auto tried = uint64_t(target_.tid);
        known = targets();
        if (code_ != int(ipc::ErrorCode::target_exists) || lowest_free(1, tids_of(known)) == tried)
            break;
    }
    say("Error: failed to create target (name={}, tid={})", target_.name, target_.tid);
    return false;
}

bool Setup::find_or_make_target() {
    target_.name = full_name(options_.name);
    auto known = targets();
    const auto same = std::find_if(known.begin(), known.end(),
                                   [&](const TargetState& t) { return t.name == target_.name; });
    return same != known.end() ? use_existing(*same) : make_target(std::move(known));
}

bool Setup::take_lun() {
    const auto known = targets();
    const auto ours = std::find_if(known.begin(), known.end(),
                                   [&](const TargetState& t) { return t.tid == target_.tid; });
    if (ours != known.end()) target_ = *ours;
    lun_ = lowest_free(1, luns_of(target_));
    return ours != known.end();
}

bool Setup::add_unit() {
    Json request = {{"lld", options_.lld}, {"tid", target_.tid}, {"device-type", "disk"}};
    // The store null takes any path, but wants one.
    request["backing-store"] = options_.device.empty() ? "null" : options_.device;
    if (!options_.bstype.empty()) request["bstype"] = options_.bstype;
    if (options_.block_size) request["blocksize"] = *options_.block_size;
    say("Adding a logical unit ({}) to target, tid={}", options_.device, target_.tid);
    if (!options_.bstype.empty()) say("Setting backing store type: {}", options_.bstype);
    for (int i = 0; i < attempts && take_lun(); ++i) {
        request["lun"] = lun_;
        if (call("logicalunit.new", request)) return true;
        if (code_ != int(ipc::ErrorCode::lun_exists)) break;
    }
    say("Error: failed to add a logical unit ({}) to target, tid={}", options_.device, target_.tid);
    return false;
}

bool Setup::has_rule(const std::string& address) const {
    return contains(target_.addresses, address) || contains(target_.initiators, address);
}

bool Setup::bind(const std::string& address) {
    if (has_rule(address)) return true;
    if (!call("target.bind",
              {{"lld", options_.lld}, {"tid", target_.tid}, {"initiator-address", address}}))
        return false;
    target_.addresses.push_back(address);
    return true;
}

bool Setup::admit_initiators() {
    std::string list;
    for (const std::string& one : options_.initiators) list += (list.empty() ? "" : " ") + one;
    say("Accepting connections from {}", list);
    bool all = true;
    for (const std::string& one : options_.initiators) {
        if (bind(one)) continue;
        say("Error: could not assign initiator {} to the target", one);
        all = false;
    }
    return all;
}

bool Setup::admit_all() {
    if (has_rule("ALL")) return true;
    say("Accepting connections from all initiators");
    if (bind("ALL")) return true;
    say("Error: failed to set access for all initiators");
    return false;
}

// Nobody logs in to its targets.
int Setup::tell_of_hosts() const {
    for (const std::string& one : options_.initiators)
        say("Error: could not assign initiator {} to the target", one);
    say("Give it to a host: tgtadm --lld {} --mode target --op bind --tid {} --host NUMBER",
        options_.lld, target_.tid);
    return options_.initiators.empty() ? 0 : 1;
}

int Setup::give_up() {
    if (!new_target_) return 1;
    say("Deleting new target, tid={}", target_.tid);
    if (!call("target.delete", {{"lld", options_.lld}, {"tid", target_.tid}}))
        say("Error: failed to delete target, tid={}", target_.tid);
    return 1;
}

int Setup::run() {
    if (auto connected = client_.connect(); !connected) {
        say("tgtd is not running\nExiting...");
        return 1;
    }
    if (options_.control_port) say("Control port: {}", *options_.control_port);
    say("Using transport: {}", options_.lld);
    if (!find_or_make_target()) return 1;
    if (!add_unit()) return give_up();
    if (config::driver_has_hosts(options_.lld)) return tell_of_hosts();
    // Those that could be admitted can use the target already, so it stays.
    if (!options_.initiators.empty()) return admit_initiators() ? 0 : 1;
    return admit_all() ? 0 : give_up();
}

}  // namespace tgt::setup_lun
