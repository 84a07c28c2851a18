// SPDX-License-Identifier: GPL-2.0-or-later
// The verbs of management as one table. JSON-RPC, tgt's binary requests, targets.conf and the saved
// state all go through it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
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
    format,  // "text": as tgtadm prints it
    count_,
};
using KeySet = uint32_t;

// A change that is in force and on its way to the disk. Control thread.
struct Unsaved {
    bool ended = false;
    std::optional<std::string> why_not;  // ended: it is not there yet, and why
    std::function<void()> then;          // called when it ends
};

struct Answered {
    std::shared_ptr<const nlohmann::json> result;  // an object
    std::function<void()> after_sent;              // may be empty: to be called when it was sent
    std::shared_ptr<const std::string> text = {};  // in place of the result: {"text": ...}
    // Null: nothing has to be on the disk before it is sent.
    std::shared_ptr<Unsaved> unsaved = nullptr;
};
using Answer = Outcome<Answered>;
using AnswerCallback = std::function<void(Answer)>;

// One request on its way. Shared by the steps of a handler.
struct Call {
    Registry& registry;
    std::shared_ptr<const nlohmann::json> params;
    AnswerCallback done;
    bool early = false;  // answered before it is saved
};
using CallPtr = std::shared_ptr<Call>;

// The objects of the saved state that a verb may change.
enum class Touches : uint8_t {
    nothing,
    system,    // its settings
    target,    // with all its LUNs, when it has gone or is new
    lun,       // and those of the same logical unit
    portals,   // of a driver
    account,   // and, when it has gone, the places where it was bound
    bindings,  // the accounts of a target, or of discovery
};

struct VerbRow {
    ipc::Mode mode;
    ipc::Op op;
    KeySet accepted;
    KeySet required;
    void (*handler)(CallPtr call);
    Touches touches = Touches::nothing;
};

std::span<const VerbRow> verb_table();
const VerbRow* find_verb(ipc::Verb verb);
std::string_view key_name(Key key);

// Checks the keys of `params` (an object) against the row and runs its handler. Control thread;
// `done` there, once, perhaps before the call returns.
void run_verb(Registry& registry, ipc::Verb verb, std::shared_ptr<const nlohmann::json> params,
              AnswerCallback done);
// The same, but the answer comes when the change is in force: nobody may be told before
// await_saved(). So the requests of an array wait for the disk together.
void run_verb_early(Registry& registry, ipc::Verb verb,
                    std::shared_ptr<const nlohmann::json> params, AnswerCallback done);
// `then` when it is on the disk, or with a warning when that has to wait.
void await_saved(Answered answered, std::function<void(Answered)> then);

}  // namespace tgt::mgmt
