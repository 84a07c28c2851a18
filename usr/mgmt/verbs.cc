// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/verbs.h"

#include <algorithm>
#include <array>

#include "mgmt/handlers.h"
#include "mgmt/state_snapshot.h"

namespace tgt::mgmt {

namespace {

using ipc::Mode;
using ipc::Op;

constexpr std::array<std::string_view, size_t(Key::count_)> key_names{"lld",
                                                                      "tid",
                                                                      "sid",
                                                                      "cid",
                                                                      "lun",
                                                                      "name",
                                                                      "value",
                                                                      "backing-store",
                                                                      "bstype",
                                                                      "bsopts",
                                                                      "bsoflags",
                                                                      "blocksize",
                                                                      "targetname",
                                                                      "initiator-address",
                                                                      "initiator-name",
                                                                      "user",
                                                                      "password",
                                                                      "host",
                                                                      "bus",
                                                                      "force",
                                                                      "outgoing",
                                                                      "device-type",
                                                                      "params",
                                                                      "origin",
                                                                      "details",
                                                                      "secrets",
                                                                      "format"};

constexpr KeySet keys() {
    return 0;
}
template <class... More>
constexpr KeySet keys(Key first, More... more) {
    return KeySet(1) << unsigned(first) | keys(more...);
}
constexpr KeySet any_key = (KeySet(1) << unsigned(Key::count_)) - 1;

constexpr KeySet unit_keys =
    keys(Key::lld, Key::tid, Key::lun, Key::backing_store, Key::bstype, Key::bsopts, Key::bsoflags,
         Key::blocksize, Key::device_type, Key::force, Key::origin);
constexpr KeySet access_keys =
    keys(Key::lld, Key::tid, Key::initiator_address, Key::initiator_name, Key::host, Key::bus);

// What the table of tgtadm's options allows; tgt checks nothing where any_key stands.
constexpr std::array table{
    VerbRow{Mode::system, Op::show, any_key, 0, system_show},
    VerbRow{Mode::system, Op::update, keys(Key::lld, Key::name, Key::value),
            keys(Key::name, Key::value), system_update, Touches::system},
    VerbRow{Mode::system, Op::delete_, any_key, 0, system_delete},
    VerbRow{Mode::system, Op::stat, any_key, 0, system_stat},

    VerbRow{Mode::target, Op::new_, keys(Key::lld, Key::tid, Key::targetname, Key::origin),
            keys(Key::tid, Key::targetname), target_new, Touches::target},
    VerbRow{Mode::target, Op::delete_, keys(Key::lld, Key::tid, Key::force), keys(Key::tid),
            target_delete, Touches::target},
    VerbRow{Mode::target, Op::show,
            keys(Key::lld, Key::tid, Key::targetname, Key::details, Key::format), 0, target_show},
    VerbRow{Mode::target, Op::stat, keys(Key::lld, Key::tid), keys(Key::tid), target_stat},
    VerbRow{Mode::target, Op::bind, access_keys, keys(Key::tid), target_bind, Touches::target},
    VerbRow{Mode::target, Op::unbind, access_keys, keys(Key::tid), target_unbind, Touches::target},
    VerbRow{Mode::target, Op::update, keys(Key::lld, Key::tid, Key::name, Key::value),
            keys(Key::tid, Key::name, Key::value), target_update, Touches::target},

    VerbRow{Mode::logicalunit, Op::new_, unit_keys, keys(Key::tid, Key::lun), lun_new,
            Touches::lun},
    VerbRow{Mode::logicalunit, Op::update,
            keys(Key::lld, Key::tid, Key::lun, Key::bsoflags, Key::blocksize, Key::params),
            keys(Key::tid, Key::lun), lun_update, Touches::lun},
    VerbRow{Mode::logicalunit, Op::delete_, keys(Key::lld, Key::tid, Key::lun),
            keys(Key::tid, Key::lun), lun_delete, Touches::lun},
    VerbRow{Mode::logicalunit, Op::stat, keys(Key::lld, Key::tid, Key::lun),
            keys(Key::tid, Key::lun), lun_stat},

    VerbRow{Mode::portal, Op::new_, keys(Key::lld, Key::params), keys(Key::params), portal_new,
            Touches::portals},
    VerbRow{Mode::portal, Op::delete_, keys(Key::lld, Key::params), keys(Key::params),
            portal_delete, Touches::portals},
    VerbRow{Mode::portal, Op::show, keys(Key::lld), 0, portal_show},

    VerbRow{Mode::account, Op::new_, keys(Key::lld, Key::user, Key::password, Key::bsoflags),
            keys(Key::user, Key::password), account_new, Touches::account},
    VerbRow{Mode::account, Op::delete_, keys(Key::lld, Key::user), keys(Key::user), account_delete,
            Touches::account},
    VerbRow{Mode::account, Op::bind, keys(Key::lld, Key::tid, Key::user, Key::outgoing),
            keys(Key::user), account_bind, Touches::bindings},
    VerbRow{Mode::account, Op::unbind, keys(Key::lld, Key::tid, Key::user, Key::outgoing),
            keys(Key::user), account_unbind, Touches::bindings},
    VerbRow{Mode::account, Op::show, keys(Key::lld, Key::secrets), 0, account_show},

    VerbRow{Mode::connection, Op::show, any_key, 0, connection_show},
    VerbRow{Mode::connection, Op::delete_, any_key, 0, connection_delete},
    VerbRow{Mode::connection, Op::stat, any_key, 0, connection_stat},
    VerbRow{Mode::session, Op::stat, any_key, 0, session_stat},

    VerbRow{Mode::lld, Op::start, keys(Key::lld), 0, lld_start},
    VerbRow{Mode::lld, Op::stop, keys(Key::lld), 0, lld_stop, Touches::portals},
    VerbRow{Mode::lld, Op::show, keys(Key::lld), 0, lld_show},
};

Failure failure(std::string reason) {
    return {ErrorCode::invalid_request, std::move(reason)};
}

std::optional<Failure> check_keys(const VerbRow& row, const Json& params) {
    const std::string method = ipc::method_of(row.mode, row.op);
    KeySet given = 0;
    for (const auto& item : params.items()) {
        const auto it = std::find(key_names.begin(), key_names.end(), item.key());
        const auto bit = it == key_names.end() ? 0 : KeySet(1) << unsigned(it - key_names.begin());
        if (!(bit & row.accepted))
            return failure(fmt::format("{} does not take '{}'", method, item.key()));
        given |= bit;
    }
    for (unsigned i = 0; i < key_names.size(); ++i)
        if ((row.required & ~given) >> i & 1)
            return failure(fmt::format("{} needs '{}'", method, key_names[i]));
    return std::nullopt;
}

}  // namespace

std::span<const VerbRow> verb_table() {
    return table;
}

const VerbRow* find_verb(ipc::Verb verb) {
    const auto it = std::find_if(table.begin(), table.end(), [&](const VerbRow& row) {
        return row.mode == verb.mode && row.op == verb.op;
    });
    return it == table.end() ? nullptr : &*it;
}

std::string_view key_name(Key key) {
    return key_names[size_t(key)];
}

namespace {

void run(Registry& registry, ipc::Verb verb, std::shared_ptr<const Json> params,
         AnswerCallback done, bool early) {
    const VerbRow* row = find_verb(verb);
    if (!row)
        return done(tl::unexpected(failure(fmt::format(
            "{} is not supported in mode {}", ipc::name_of(verb.op), ipc::name_of(verb.mode)))));
    if (!params) params = std::make_shared<const Json>(Json::object());
    if (auto wrong = check_keys(*row, *params)) return done(tl::unexpected(std::move(*wrong)));
    auto call = std::make_shared<Call>(Call{registry, std::move(params), std::move(done), early});
    // Whatever is asked: a driver that is named has to be there.
    if (auto driver = registry.find_driver(text_of(*call, Key::lld)); !driver)
        return answer_failure(*call, driver.error());
    if (row->touches != Touches::nothing && registry.state()) save_when_done(*row, *call);
    row->handler(std::move(call));
}

}  // namespace

void run_verb(Registry& registry, ipc::Verb verb, std::shared_ptr<const Json> params,
              AnswerCallback done) {
    run(registry, verb, std::move(params), std::move(done), false);
}

void run_verb_early(Registry& registry, ipc::Verb verb, std::shared_ptr<const Json> params,
                    AnswerCallback done) {
    run(registry, verb, std::move(params), std::move(done), true);
}

// --- what handlers share ----------------------------------------------------------------------

namespace {

const Json* member(const Call& call, Key key) {
    const auto it = call.params->find(std::string(key_name(key)));
    return it == call.params->end() ? nullptr : &*it;
}

Json with_warnings(const Warnings& warnings) {
    Json out = Json::object();
    if (!warnings.empty()) out["warnings"] = warnings;
    return out;
}

}  // namespace

bool has(const Call& call, Key key) {
    return member(call, key) != nullptr;
}

std::optional<std::string> optional_text(const Call& call, Key key) {
    const Json* value = member(call, key);
    if (!value || !value->is_string()) return std::nullopt;
    return value->get<std::string>();
}

std::string text_of(const Call& call, Key key) {
    return optional_text(call, key).value_or("");
}

std::optional<uint64_t> number_of(const Call& call, Key key, uint64_t max) {
    const Json* value = member(call, key);
    if (!value || !value->is_number_integer()) return std::nullopt;
    if (!value->is_number_unsigned() && value->get<int64_t>() < 0) return std::nullopt;
    const auto number = value->get<uint64_t>();
    if (number > max) return std::nullopt;
    return number;
}

bool flag_of(const Call& call, Key key) {
    const Json* value = member(call, key);
    return value && value->is_boolean() && value->get<bool>();
}

NamedValues pairs_of(const Call& call) {
    NamedValues out;
    const Json* value = member(call, Key::params);
    if (!value || !value->is_array()) return out;
    for (const Json& pair : *value)
        if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string())
            out.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    return out;
}

int tid_of(const Call& call) {
    const auto tid = number_of(call, Key::tid, INT32_MAX);
    return tid ? int(*tid) : -1;
}

void answer(const Call& call, Json result) {
    call.done(Answered{std::make_shared<const Json>(std::move(result)), {}});
}

void answer_failure(const Call& call, Failure failure) {
    call.done(tl::unexpected(std::move(failure)));
}

void answer(const Call& call, const Status& status) {
    if (!status) return answer_failure(call, status.error());
    answer(call, Json::object());
}

void answer(const Call& call, const Outcome<Warnings>& outcome) {
    if (!outcome) return answer_failure(call, outcome.error());
    answer(call, with_warnings(*outcome));
}

StatusCallback status_callback(CallPtr call) {
    return [call = std::move(call)](Status status) { answer(*call, status); };
}

LunCallback lun_callback(CallPtr call) {
    return [call = std::move(call)](Outcome<Warnings> outcome) { answer(*call, outcome); };
}

}  // namespace tgt::mgmt
