// SPDX-License-Identifier: GPL-2.0-or-later
// The admin protocol as both ends see it: the tables of modes, operations and error texts, the rule
// for the socket's path, and the codec for JSON-RPC 2.0 lines. No I/O, no state, and nothing here
// throws. doc: architecture "The admin socket"; the numbers and texts are tgt's and scripts match
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tgt::ipc {

// --- modes and operations; the values are those of tgt's binary header ----------------------

enum class Mode : uint8_t {
    system = 0,
    target = 1,
    logicalunit = 2,
    portal = 3,
    lld = 4,
    session = 5,
    connection = 6,
    account = 7,
    host = 8,  // the kernel's: tgtadm asks it itself
};

enum class Op : uint8_t {
    new_ = 0,
    delete_ = 1,
    show = 2,
    bind = 3,
    unbind = 4,
    update = 5,
    stat = 6,
    start = 7,
    stop = 8,
    monitor = 9,
};

struct Verb {
    Mode mode;
    Op op;
};

std::string_view name_of(Mode mode);
std::string_view name_of(Op op);
// Accepts tgtadm's short forms too (sys, tgt, lu, pt, sess, conn).
std::optional<Mode> find_mode(std::string_view name);
std::optional<Op> find_op(std::string_view name);
// "target.new" and back.
std::string method_of(Mode mode, Op op);
std::optional<Verb> verb_of(std::string_view method);

// --- tgt's error numbers ---------------------------------------------------------------------

enum class ErrorCode : uint32_t {
    success = 0,
    unknown = 1,
    no_memory = 2,
    no_driver = 3,
    no_target = 4,
    no_lun = 5,
    no_session = 6,
    no_connection = 7,
    no_binding = 8,
    target_exists = 9,
    lun_exists = 10,
    binding_exists = 11,
    acl_exists = 12,
    acl_missing = 13,
    account_exists = 14,
    no_account = 15,
    too_many_accounts = 16,
    invalid_request = 17,
    outgoing_account_exists = 18,
    target_active = 19,
    lun_active = 20,
    driver_busy = 21,
    unsupported_operation = 22,
    unknown_parameter = 23,
    prevent_removal = 24,
};

// The text of any number; numbers outside the table give "(unknown tgtadm_errno)".
std::string_view error_text(uint32_t code);
inline std::string_view error_text(ErrorCode code) {
    return error_text(static_cast<uint32_t>(code));
}

// JSON-RPC 2.0 section 5.1.
namespace rpc {
inline constexpr int parse_error = -32700;
inline constexpr int invalid_request = -32600;
inline constexpr int method_not_found = -32601;
inline constexpr int invalid_params = -32602;
inline constexpr int internal_error = -32603;
}  // namespace rpc

// --- the socket's path -------------------------------------------------------------------------

inline constexpr std::string_view default_socket_prefix = "/var/run/tgtd/socket";
inline constexpr size_t max_socket_path = 107;  // sun_path without its terminator

// `prefix` is the value of TGT_IPC_SOCKET, or empty for the default. Fails with ENAMETOOLONG.
Result<std::string> socket_path(std::string_view prefix, unsigned control_port);

// --- JSON-RPC 2.0 lines --------------------------------------------------------------------------

inline constexpr size_t max_line = 1u << 20;  // bytes of one request line, without its newline
inline constexpr int max_depth = 16;          // nesting of arrays and objects in a request
inline constexpr size_t max_batch = 4096;     // requests in one array

// One request. `params` is always an object (empty when the peer sent none).
struct Request {
    std::string id;  // as JSON text ("7", "\"a\"", "null"); empty for a notification: no reply
    std::string method;
    std::shared_ptr<const nlohmann::json> params;
};

// A member of a line: a request, or (error != 0) the JSON-RPC error to answer in its place.
struct Entry {
    Request request;
    int error = 0;
    std::string reason;
};

struct Incoming {
    bool batch = false;  // answer with an array, in order; none after a failure is run
    std::vector<Entry> entries;
};

// Parses one line (its newline already cut off). Malformed input gives entries with `error` set.
Incoming parse_request_line(std::string_view line);

// The type rules of `params`: a sentence that names the wrong member, or nothing. Members that the
// protocol does not know are left to the verb. parse_request_line has already applied it.
std::optional<std::string> check_params(const nlohmann::json& params);

// Reply objects, without a newline. An empty id (error before the id was known) is sent as null.
std::string result_reply(const std::string& id, const nlohmann::json& result);
// The same for the result {"text": text}; fast, as such a text may be long.
std::string text_reply(const std::string& id, std::string_view text);
std::string error_reply(const std::string& id, ErrorCode code, std::string_view reason);
std::string error_reply(const std::string& id, int rpc_code, std::string_view reason);
// The line to send for the replies of one Incoming, newline included; empty when nothing is to be
// sent.
std::string reply_line(bool batch, std::vector<std::string> replies);

// --- the client's side of the codec --------------------------------------------------------------

std::string request_line(uint64_t id, std::string_view method, const nlohmann::json& params);

struct Reply {
    uint64_t id = 0;
    std::shared_ptr<const nlohmann::json> result;  // null when `code` is not 0
    int code = 0;                                  // tgt's number, or a negative JSON-RPC code
    std::string message;
    std::string reason;  // may be empty
};

// Fails with EPROTO when the line is not a JSON-RPC 2.0 response.
Result<Reply> parse_reply_line(std::string_view line);

}  // namespace tgt::ipc
