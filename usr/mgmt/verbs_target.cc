// SPDX-License-Identifier: GPL-2.0-or-later
// Modes target, logicalunit, connection and session.
#include <malloc.h>

#include <algorithm>

#include "mgmt/blocking_call.h"
#include "mgmt/handlers.h"
#include "mgmt/numbers.h"
#include "mgmt/show_details.h"
#include "mgmt/show_units.h"

namespace tgt::mgmt {

namespace {

int number_or_zero(const std::string& text) {
    const auto number = parse_number(text, INT32_MAX);
    return number ? int(*number) : 0;
}

Json show_connections(const SessionInfo& session, bool with_initiator) {
    Json out = Json::array();
    for (const ConnectionInfo& connection : session.connections) {
        Json one = {{"cid", connection.cid}, {"address", connection.address}};
        if (with_initiator) one["initiator"] = session.initiator_name;
        out.push_back(std::move(one));
    }
    return out;
}

Json show_nexus(const SessionInfo& session) {
    Json alias;
    if (!session.initiator_alias.empty()) alias = session.initiator_alias;
    return {{"id", session.id},
            {"initiator", session.initiator_name},
            {"alias", alias},
            {"connections", show_connections(session, false)}};
}

Json show_accounts(const BoundAccounts& bound) {
    Json outgoing = Json::array();
    if (!bound.outgoing.empty()) outgoing.push_back(bound.outgoing);
    return {{"incoming", bound.incoming}, {"outgoing", outgoing}};
}

Json show_origin(const std::string& origin) {
    return origin.empty() ? Json() : Json(origin);
}

// Those that it is bound to, and whether they are there.
Json show_hosts(const TargetEntry& entry) {
    Json out = Json::array();
    const auto bound = entry.driver->hosts_of(entry.tid);
    for (const uint32_t host : entry.hosts)
        out.push_back({{"host", host},
                       {"present", std::find(bound.begin(), bound.end(), host) != bound.end()}});
    return out;
}

// Without its units. The sessions are in the order of their targets.
Json show_target_alone(Registry& registry, const TargetEntry& entry,
                       const std::vector<SessionInfo>& sessions) {
    Json nexuses = Json::array();
    const auto before = [](const SessionInfo& session, int tid) { return session.tid < tid; };
    auto session = std::lower_bound(sessions.begin(), sessions.end(), entry.tid, before);
    for (; session != sessions.end() && session->tid == entry.tid; ++session)
        nexuses.push_back(show_nexus(*session));
    Json out = {
        {"tid", entry.tid},
        {"name", entry.name},
        {"origin", show_origin(entry.origin)},
        {"lld", entry.driver->name()},
        {"state", entry.ready ? "ready" : "offline"},
        {"abort_bound", whole_seconds(entry.target->abort_bound())},
        {"nop_interval", number_or_zero(entry.parameter("nop_interval"))},
        {"nop_count", number_or_zero(entry.parameter("nop_count"))},
        {"nexuses", std::move(nexuses)},
        {"accounts", show_accounts(registry.accounts().bound(entry.tid))},
        {"acl", {{"addresses", entry.access.addresses()}, {"initiators", entry.access.names()}}}};
    if (entry.driver->has_hosts()) out["hosts"] = show_hosts(entry);
    return out;
}

Json show_target(Registry& registry, const TargetEntry& entry,
                 const std::vector<SessionInfo>& sessions, const StuckCounts& stuck, bool details) {
    Json out = show_target_alone(registry, entry, sessions);
    Json luns = Json::array();
    for (const auto& [lun, unit] : entry.target->luns()) {
        luns.push_back(show_lun(registry, lun, *unit, stuck));
        luns.back()["origin"] = show_origin(entry.origin_of(lun));
        const auto known = entry.lun_entries.find(lun);
        if (known != entry.lun_entries.end() && known->second.waiting_for)
            luns.back()["backing_reason"] = *known->second.waiting_for;
        if (details) add_lun_settings(luns.back(), registry, entry, lun, *unit);
    }
    out["luns"] = std::move(luns);
    if (details) out["parameters"] = show_target_settings(registry, entry);
    return out;
}

Json show_redirect(const Redirect& redirect) {
    if (!redirect.configured()) return nullptr;
    return {{"address", redirect.address},
            {"port", redirect.port},
            {"reason", redirect.reason},
            {"callback", redirect.callback}};
}

void show_parameters(const CallPtr& call) {
    auto found = call->registry.find_target(tid_of(*call));
    if (!found) return answer_failure(*call, found.error());
    Json parameters = Json::array();
    for (const auto& [name, value] : (*found)->parameters->show())
        parameters.push_back({{"name", name}, {"value", value}});
    answer(*call, Json{{"tid", (*found)->tid},
                       {"parameters", parameters},
                       {"redirect", show_redirect((*found)->redirect)}});
}

// tgt's numbers for what a request points at; the reason says what is missing.
uint64_t lun_of(const Call& call) {
    return number_of(call, Key::lun).value_or(UINT64_MAX);
}

}  // namespace

// --- target -----------------------------------------------------------------------------------

void target_new(CallPtr call) {
    call->registry.new_target(tid_of(*call), text_of(*call, Key::targetname),
                              text_of(*call, Key::lld), text_of(*call, Key::origin),
                              status_callback(call));
}

void target_delete(CallPtr call) {
    call->registry.delete_target(tid_of(*call), flag_of(*call, Key::force), status_callback(call));
}

namespace {

// They are much; one target's may be asked for by its name.
bool wants_details(const Call& call, const TargetEntry& entry) {
    const auto only = optional_text(call, Key::targetname);
    return flag_of(call, Key::details) && (!only || *only == entry.name);
}

// What a large listing has left behind goes back to the system.
std::function<void()> trim_after(Registry& registry, size_t units) {
    if (units < 1000) return {};
    return [&runtime = registry.runtime()] {
        call_blocking(
            runtime, [] { return malloc_trim(0) != 0; }, [](bool) {});
    };
}

// Everything is looked at in one moment, on the control thread, and put into words on the pool.
void show_as_text(const CallPtr& call, const std::vector<SessionInfo>& sessions) {
    Registry& registry = call->registry;
    std::vector<ShownTarget> targets;
    size_t units = 0;
    for (const auto& [tid, entry] : registry.targets()) {
        ShownTarget target{show_target_alone(registry, entry, sessions), {}};
        target.luns.reserve(entry.target->luns().size());
        for (const auto& [lun, unit] : entry.target->luns())
            target.luns.push_back(look_at_lun(registry, lun, *unit));
        units += target.luns.size();
        targets.push_back(std::move(target));
    }
    auto work = [targets = std::move(targets)] { return targets_text(targets); };
    call_blocking(registry.runtime(), std::move(work), [call, units](std::string text) {
        call->done(Answered{nullptr, trim_after(call->registry, units),
                            std::make_shared<const std::string>(std::move(text))});
    });
}

void show_as_json(const CallPtr& call, const std::vector<SessionInfo>& sessions,
                  const StuckCounts& stuck) {
    Registry& registry = call->registry;
    Json targets = Json::array();
    size_t units = 0;
    for (const auto& [tid, entry] : registry.targets()) {
        targets.push_back(
            show_target(registry, entry, sessions, stuck, wants_details(*call, entry)));
        units += entry.target->luns().size();
    }
    Json out = {{"targets", std::move(targets)}, {"graveyard", show_graveyard(registry, stuck)}};
    call->done(
        Answered{std::make_shared<const Json>(std::move(out)), trim_after(registry, units), {}});
}

}  // namespace

void target_show(CallPtr call) {
    if (has(*call, Key::tid)) return show_parameters(call);
    const std::string format = text_of(*call, Key::format);
    if (!format.empty() && format != "text")
        return answer_failure(*call, {ErrorCode::invalid_request, "format is text, or left out"});
    call->registry.list_sessions({}, [call, format](const std::vector<SessionInfo>& sessions) {
        if (!format.empty()) return show_as_text(call, sessions);
        count_stuck(call->registry, [call, sessions](const StuckCounts& stuck) {
            show_as_json(call, sessions, stuck);
        });
    });
}

namespace {

using ChangeHost = void (Registry::*)(int tid, uint32_t host, LunCallback done);

void change_host(const CallPtr& call, ChangeHost change) {
    if (has(*call, Key::initiator_address) || has(*call, Key::initiator_name) ||
        !has(*call, Key::host))
        return answer_failure(*call,
                              {ErrorCode::invalid_request,
                               "targets of this driver are bound to hosts: give host, and neither "
                               "initiator-address nor initiator-name"});
    const auto host = number_of(*call, Key::host, UINT32_MAX);
    (call->registry.*change)(tid_of(*call), uint32_t(host.value_or(0)), lun_callback(call));
}

void change_access(const CallPtr& call, ChangeHost change_host_as,
                   Status (AccessList::*change)(std::optional<std::string_view>,
                                                std::optional<std::string_view>)) {
    auto found = call->registry.find_target(tid_of(*call));
    if (!found) return answer_failure(*call, found.error());
    if ((*found)->driver->has_hosts()) return change_host(call, change_host_as);
    const auto address = optional_text(*call, Key::initiator_address);
    const auto name = optional_text(*call, Key::initiator_name);
    // A host adapter means nothing to iSCSI; tgt takes no notice of it.
    const bool host = has(*call, Key::host) || has(*call, Key::bus);
    if (host && !address && !name) return answer(*call, Status());
    if (!address && !name)
        return answer(*call, Status(refuse(ErrorCode::invalid_request,
                                           "give initiator-address, initiator-name or both")));
    answer(*call, ((*found)->access.*change)(address, name));
}

}  // namespace

void target_bind(CallPtr call) {
    change_access(call, &Registry::bind_host, &AccessList::bind);
}

void target_unbind(CallPtr call) {
    change_access(call, &Registry::unbind_host, &AccessList::unbind);
}

void target_update(CallPtr call) {
    answer(*call, call->registry.update_target(tid_of(*call), text_of(*call, Key::name),
                                               text_of(*call, Key::value)));
}

// --- logical unit -----------------------------------------------------------------------------

void lun_new(CallPtr call) {
    NewLun request;
    request.tid = tid_of(*call);
    request.lun = lun_of(*call);
    request.device_type = optional_text(*call, Key::device_type).value_or("disk");
    request.path = text_of(*call, Key::backing_store);
    request.engine = text_of(*call, Key::bstype);
    request.engine_options = text_of(*call, Key::bsopts);
    request.flags = text_of(*call, Key::bsoflags);
    request.force = flag_of(*call, Key::force);
    request.origin = text_of(*call, Key::origin);
    if (has(*call, Key::blocksize)) {
        const auto size = number_of(*call, Key::blocksize, UINT32_MAX);
        if (size == uint64_t{0})
            return answer_failure(*call, {ErrorCode::invalid_request, "a block size is not 0"});
        request.block_size = size ? uint32_t(*size) : UINT32_MAX;
    }
    call->registry.new_lun(request, lun_callback(call));
}

void lun_delete(CallPtr call) {
    // tgt says here that the unit is not there, also when its target is not.
    if (auto found = call->registry.find_target(tid_of(*call)); !found)
        return answer_failure(*call, {ErrorCode::no_lun, found.error().reason});
    call->registry.delete_lun(tid_of(*call), lun_of(*call), lun_callback(call));
}

void lun_update(CallPtr call) {
    for (const Key key : {Key::bsoflags, Key::blocksize})
        if (has(*call, key))
            return answer_failure(
                *call, {ErrorCode::invalid_request,
                        fmt::format("{} is given when a LUN is made, and stays", key_name(key))});
    call->registry.update_lun(tid_of(*call), lun_of(*call), pairs_of(*call), lun_callback(call));
}

// --- connection -------------------------------------------------------------------------------

void connection_show(CallPtr call) {
    auto found = call->registry.find_target(tid_of(*call));
    if (!found) return answer_failure(*call, found.error());
    call->registry.list_sessions((*found)->tid, [call](std::vector<SessionInfo> sessions) {
        Json out = Json::array();
        // tgt lists the newest first here.
        for (auto session = sessions.rbegin(); session != sessions.rend(); ++session)
            out.push_back({{"id", session->id}, {"connections", show_connections(*session, true)}});
        answer(*call, Json{{"sessions", out}});
    });
}

void connection_delete(CallPtr call) {
    const auto sid = number_of(*call, Key::sid);
    // As for tgt it is connection 0 unless another is named: the only one of most sessions.
    const auto cid = has(*call, Key::cid) ? number_of(*call, Key::cid, UINT32_MAX) : uint64_t{0};
    const auto found = call->registry.find_target(tid_of(*call));
    if (!found) return answer_failure(*call, found.error());
    if (!sid) return answer_failure(*call, {ErrorCode::no_session, "say which session: give sid"});
    if (!cid) return answer_failure(*call, {ErrorCode::no_connection, "cid is too large"});
    call->registry.drop_connection(tid_of(*call), *sid, uint32_t(*cid), status_callback(call));
}

}  // namespace tgt::mgmt
