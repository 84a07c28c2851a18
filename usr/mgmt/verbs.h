// SPDX-License-Identifier: GPL-2.0-or-later
// The verbs of management as one table. JSON-RPC, tgt's binary requests, targets.conf and the saved
// state all go through it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "ipc/admin/protocol.h"
#include "mgmt/failure.h"

namespace tgt::mgmt {

class Registry;

// The names a request may carry; bit numbers of KeySet.
enum class Key : uint8_t {
    lld,
    tid,
    sid,
    cid,
    lun,
    name,
    value,
    backing_store,
    bstype,
    bsopts,
    bsoflags,
    blocksize,
    targetname,
    initiator_address,
    initiator_name,
    user,
    password,
    host,
    bus,
    force,
    outgoing,
    device_type,
    params,
    origin,
    details,
    secrets,
    count_,
};
using KeySet = uint32_t;

struct Answered {
    std::shared_ptr<const nlohmann::json> result;  // an object
    std::function<void()> after_sent;              // may be empty: to be called when it was sent
};
using Answer = Outcome<Answered>;
using AnswerCallback = std::function<void(Answer)>;

// One request on its way. Shared by the steps of a handler.
struct Call {
    Registry& registry;
    std::shared_ptr<const nlohmann::json> params;
    AnswerCallback done;
};
using CallPtr = std::shared_ptr<Call>;

struct VerbRow {
    ipc::Mode mode;
    ipc::Op op;
    KeySet accepted;
    KeySet required;
    void (*handler)(CallPtr call);
};

std::span<const VerbRow> verb_table();
const VerbRow* find_verb(ipc::Verb verb);
std::string_view key_name(Key key);

// Checks the keys of `params` (an object) against the row and runs its handler. Control thread;
// `done` there, once, perhaps before the call returns.
void run_verb(Registry& registry, ipc::Verb verb, std::shared_ptr<const nlohmann::json> params,
              AnswerCallback done);

}  // namespace tgt::mgmt
