// SPDX-License-Identifier: GPL-2.0-or-later
// Modes system, lld, portal and account.
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "mgmt/handlers.h"
#include "mgmt/isns_client.h"
#include "mgmt/numbers.h"
#include "mgmt/show_units.h"
#include "mgmt/state_keeper.h"
#include "scsi/device_type.h"
#include "store/store.h"

namespace tgt::mgmt {

namespace {

constexpr auto module_count = unsigned(log::Module::count);

Json accounts_of(const BoundAccounts& bound) {
    Json outgoing = Json::array();
    if (!bound.outgoing.empty()) outgoing.push_back(bound.outgoing);
    return {{"incoming", bound.incoming}, {"outgoing", outgoing}};
}

Json log_levels() {
    Json out = Json::object();
    for (unsigned i = 0; i < module_count; ++i) {
        const auto module = log::Module(i);
        out[std::string(log::module_name(module))] = log::level_name(log::level_of(module));
    }
    return out;
}

bool debugging() {
    for (unsigned i = 0; i < module_count; ++i)
        if (log::level_of(log::Module(i)) != log::Level::debug) return false;
    return true;
}

// "debug" for all modules, "iscsi=debug" for one.
Status set_log_level(std::string_view value) {
    const size_t equals = value.find('=');
    const std::string_view word =
        equals == std::string_view::npos ? value : value.substr(equals + 1);
    log::Level level;
    if (!log::parse_level(word, level))
        return refuse(ErrorCode::invalid_request,
                      "'{}' is no log level: debug, info, warning, error or off", word);
    if (equals == std::string_view::npos) {
        log::set_all(level);
        return {};
    }
    for (unsigned i = 0; i < module_count; ++i)
        if (log::module_name(log::Module(i)) == value.substr(0, equals)) {
            log::set_level(log::Module(i), level);
            return {};
        }
    return refuse(ErrorCode::invalid_request, "there is no log module '{}'",
                  value.substr(0, equals));
}

Status set_state(Registry& registry, std::string_view value) {
    const bool ready = value == "ready";
    if (!ready && value != "offline")
        return refuse(ErrorCode::invalid_request, "State is ready or offline, not '{}'", value);
    registry.set_ready(ready);
    return {};
}

Status set_debug(std::string_view value) {
    const bool on = value == "on";
    if (!on && value != "off")
        return refuse(ErrorCode::invalid_request, "debug is on or off, not '{}'", value);
    log::set_all(on ? log::Level::debug : log::Level::info);
    return {};
}

Status update_system(Registry& registry, const std::string& name, const std::string& value) {
    if (name == "State") return set_state(registry, value);
    if (name == "debug") return set_debug(value);
    if (name == "log-level") return set_log_level(value);
    if (name == "abort-bound") return registry.set_abort_bound(value);
    if (IsnsSettings::has(name)) return registry.isns().update(name, value);
    return refuse(ErrorCode::invalid_request, "the system has no setting '{}'", name);
}

Json show_driver(const Registry::DriverEntry& entry) {
    Json out = {{"name", entry.driver->name()}, {"state", entry.state()}};
    const std::string_view why = entry.driver->explanation();
    if (!why.empty() && !entry.stopped) out["reason"] = why;
    return out;
}

Json show_drivers(Registry& registry) {
    Json out = Json::array();
    for (const auto& entry : registry.drivers()) out.push_back(show_driver(entry));
    return out;
}

Json show_isns(const IsnsClient& client) {
    const IsnsSettings& settings = client.settings();
    const IsnsClient::Shown shown = client.show();
    return {{"enabled", settings.enabled},
            {"server_ip", settings.server},
            {"server_port", settings.port},
            {"access_control", settings.access_control},
            {"esi_interval", settings.esi_interval},
            {"state", shown.state},
            {"last_error", shown.last_error},
            {"entity", shown.entity},
            {"registered_targets", shown.registered_targets},
            {"registration_period", shown.registration_period},
            {"notice_port", shown.notice_port}};
}

}  // namespace

namespace {

Json show_saved_state(const StateKeeper* state) {
    if (!state) return nullptr;
    Json unused = Json::array(), reason, put_aside;
    for (const auto& [key, why] : state->unused())
        unused.push_back({{"key", key}, {"reason", why}});
    if (state->failing()) reason = *state->failing();
    if (state->put_aside()) put_aside = *state->put_aside();
    return {{"folder", state->folder()}, {"state", state->failing() ? "failing" : "ok"},
            {"reason", reason},          {"unsaved", state->unsaved()},
            {"put_aside", put_aside},    {"unused", unused}};
}

Json show_system(Registry& registry, const StuckCounts& stuck) {
    Json stores = Json::array(), types = Json::array();
    for (const store::Engine* engine : registry.options().engines)
        stores.push_back({{"name", engine->name}, {"flags", engine->flags}});
    for (const scsi::DeviceType* type : scsi::device_types()) types.push_back(type->shown);
    const auto& discovery = registry.accounts().bound(Accounts::global);
    return Json{{"state", registry.ready() ? "ready" : "offline"},
                {"debug", debugging()},
                {"llds", show_drivers(registry)},
                {"backing_stores", stores},
                {"device_types", types},
                {"accounts", accounts_of(discovery)},
                {"isns", show_isns(registry.isns())},
                {"version", TGT_VERSION},
                {"pid", getpid()},
                {"abort_bound", whole_seconds(registry.abort_bound())},
                {"workers", registry.runtime().worker_count()},
                {"io_engine", registry.runtime().worker(0).wants_ring() ? "uring" : "epoll"},
                {"log_levels", log_levels()},
                {"saved_state", show_saved_state(registry.options().state.get())},
                {"graveyard", show_graveyard(registry, stuck)}};
}

}  // namespace

void system_show(CallPtr call) {
    count_stuck(call->registry, [call](const StuckCounts& stuck) {
        answer(*call, show_system(call->registry, stuck));
    });
}

void system_update(CallPtr call) {
    const std::string name = text_of(*call, Key::name), value = text_of(*call, Key::value);
    const auto status = update_system(call->registry, name, value);
    if (status) call->registry.remember_system_setting(name, value);
    answer(*call, status);
}

void system_delete(CallPtr call) {
    if (auto status = call->registry.may_stop(); !status) return answer(*call, status);
    call->done(Answered{std::make_shared<const Json>(Json::object()),
                        call->registry.options().on_stop_request});
}

void lld_start(CallPtr call) {
    call->registry.start_driver(text_of(*call, Key::lld), status_callback(call));
}

void lld_stop(CallPtr call) {
    call->registry.stop_driver(text_of(*call, Key::lld), status_callback(call));
}

void lld_show(CallPtr call) {
    // In the order in which they were made, as tgt lists them here.
    std::vector<const TargetEntry*> oldest_first;
    for (const auto& [tid, target] : call->registry.targets()) oldest_first.push_back(&target);
    std::sort(oldest_first.begin(), oldest_first.end(),
              [](const TargetEntry* a, const TargetEntry* b) { return a->serial < b->serial; });
    Json out = Json::array();
    for (const auto& entry : call->registry.drivers()) {
        Json targets = Json::array();
        for (const TargetEntry* target : oldest_first)
            if (target->driver == entry.driver.get())
                targets.push_back({{"tid", target->tid}, {"name", target->name}});
        out.push_back(show_driver(entry));
        out.back()["targets"] = std::move(targets);
    }
    answer(*call, Json{{"llds", out}});
}

// --- portals ----------------------------------------------------------------------------------

namespace {

// All portals of the request, or why it is refused.
Outcome<std::vector<PortalSpec>> specs_of(const Call& call) {
    std::vector<PortalSpec> out;
    for (const auto& [name, value] : pairs_of(call)) {
        if (name == "portal" && value.empty())
            return refuse(ErrorCode::invalid_request, "portal= needs an address");
        if (name != "portal")
            return refuse(ErrorCode::invalid_request, "a portal has no parameter '{}'", name);
        auto spec = PortalSpec::parse(value);
        if (!spec) return refuse(ErrorCode::invalid_request, "{}", spec.error().text);
        out.push_back(std::move(*spec));
    }
    if (out.empty()) return refuse(ErrorCode::invalid_request, "give portal=ADDRESS[:PORT]");
    return out;
}

struct PortalRun {
    CallPtr call;
    Portals* portals;
    std::vector<PortalSpec> specs;
    size_t next = 0;
    void (Portals::*change)(const PortalSpec&, StatusCallback);
};

void next_portal(std::shared_ptr<PortalRun> run) {
    if (run->next == run->specs.size()) return answer(*run->call, Status{});
    const PortalSpec spec = run->specs[run->next++];
    (run->portals->*run->change)(spec, [run](Status status) {
        if (!status) return answer(*run->call, status);
        next_portal(run);
    });
}

void change_portals(const CallPtr& call,
                    void (Portals::*change)(const PortalSpec&, StatusCallback)) {
    auto driver = call->registry.find_driver(text_of(*call, Key::lld));
    if (!driver) return answer_failure(*call, driver.error());
    auto specs = specs_of(*call);
    if (!specs) return answer_failure(*call, specs.error());
    next_portal(std::make_shared<PortalRun>(
        PortalRun{call, (*driver)->portals.get(), std::move(*specs), 0, change}));
}

}  // namespace

void portal_new(CallPtr call) {
    change_portals(call, &Portals::add);
}

void portal_delete(CallPtr call) {
    change_portals(call, &Portals::remove);
}

void portal_show(CallPtr call) {
    auto driver = call->registry.find_driver(text_of(*call, Key::lld));
    if (!driver) return answer_failure(*call, driver.error());
    Json out = Json::array();
    for (const auto& portal : (*driver)->portals->newest_first()) {
        const bool listening = portal->state == Portals::Portal::State::listening;
        out.push_back({{"address", portal->text},
                       {"tpgt", 1},
                       {"state", listening ? "listening" : "failed"},
                       {"at_start", portal->at_start},
                       {"reason", portal->reason}});
    }
    answer(*call, Json{{"portals", out}});
}

// --- accounts -----------------------------------------------------------------------------------

namespace {

Direction direction_of(const Call& call) {
    return flag_of(call, Key::outgoing) ? Direction::outgoing : Direction::incoming;
}

// Without a tid it is the account of discovery; a tid of 0 is that of no target.
std::optional<int> place_of(const Call& call) {
    if (!has(call, Key::tid)) return Accounts::global;
    const int tid = tid_of(call);
    if (tid == Accounts::global) return std::nullopt;
    return tid;
}

Failure no_such_place() {
    return {ErrorCode::no_target,
            "there is no target with tid 0; without a tid an account is "
            "that of discovery"};
}

}  // namespace

void account_new(CallPtr call) {
    answer(*call,
           call->registry.accounts().add(text_of(*call, Key::user), text_of(*call, Key::password)));
}

void account_delete(CallPtr call) {
    answer(*call, call->registry.accounts().remove(text_of(*call, Key::user)));
}

void account_bind(CallPtr call) {
    const auto place = place_of(*call);
    if (!place) return answer_failure(*call, no_such_place());
    answer(*call,
           call->registry.bind_account(*place, text_of(*call, Key::user), direction_of(*call)));
}

void account_unbind(CallPtr call) {
    const auto place = place_of(*call);
    if (!place) return answer_failure(*call, no_such_place());
    const int tid = *place;
    if (tid != Accounts::global)
        if (auto target = call->registry.find_target(tid); !target)
            return answer_failure(*call, target.error());
    answer(*call,
           call->registry.accounts().unbind(tid, text_of(*call, Key::user), direction_of(*call)));
}

void account_show(CallPtr call) {
    const Accounts& accounts = call->registry.accounts();
    Json out = {{"accounts", accounts.newest_first()}};
    if (flag_of(*call, Key::secrets))
        for (const std::string& name : accounts.newest_first())
            out["secrets"][name] = accounts.secret_of(name);
    answer(*call, std::move(out));
}

}  // namespace tgt::mgmt
