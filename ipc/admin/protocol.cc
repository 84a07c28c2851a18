// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/admin/protocol.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace tgt::ipc {
namespace {

using Json = nlohmann::json;

template <class E>
struct Name {
    std::string_view text;
    E value;
};

// The first name of a value is the one used in methods; the others are what tgtadm also takes.
constexpr std::array<Name<Mode>, 15> mode_names{{
    {"system", Mode::system},
    {"sys", Mode::system},
    {"target", Mode::target},
    {"tgt", Mode::target},
    {"logicalunit", Mode::logicalunit},
    {"lu", Mode::logicalunit},
    {"portal", Mode::portal},
    {"pt", Mode::portal},
    {"lld", Mode::lld},
    {"session", Mode::session},
    {"sess", Mode::session},
    {"connection", Mode::connection},
    {"conn", Mode::connection},
    {"account", Mode::account},
    {"host", Mode::host},
}};

constexpr std::array<Name<Op>, 10> op_names{{
    {"new", Op::new_},
    {"delete", Op::delete_},
    {"show", Op::show},
    {"bind", Op::bind},
    {"unbind", Op::unbind},
    {"update", Op::update},
    {"stat", Op::stat},
    {"start", Op::start},
    {"stop", Op::stop},
    {"monitor", Op::monitor},
}};

template <class Table>
auto find_name(const Table& table, std::string_view text) {
    return std::find_if(table.begin(), table.end(), [&](const auto& n) { return n.text == text; });
}

template <class Table, class E>
std::string_view first_name(const Table& table, E value) {
    auto it =
        std::find_if(table.begin(), table.end(), [&](const auto& n) { return n.value == value; });
    return it == table.end() ? std::string_view("?") : it->text;
}

constexpr std::array<std::string_view, 25> error_texts{{
    "success",
    "unknown error",
    "out of memory",
    "can't find the driver",
    "can't find the target",
    "can't find the logical unit",
    "can't find the session",
    "can't find the connection",
    "can't find the binding",
    "this target already exists",
    "this logical unit number already exists",
    "this binding already exists",
    "this access control rule already exists",
    "this access control rule does not exist",
    "this account already exists",
    "can't find the account",
    "too many accounts",
    "invalid request",
    "this target already has an outgoing account",
    "this target is still active",
    "this logical unit is still active",
    "this driver is busy",
    "this operation isn't supported",
    "unknown parameter",
    "this device has Prevent Removal set",
}};

enum class Kind : uint8_t { string, number, boolean, pairs };

struct Param {
    std::string_view name;
    Kind kind;
};

constexpr std::array<Param, 26> param_table{{
    {"lld", Kind::string},
    {"tid", Kind::number},
    {"sid", Kind::number},
    {"cid", Kind::number},
    {"lun", Kind::number},
    {"name", Kind::string},
    {"value", Kind::string},
    {"backing-store", Kind::string},
    {"bstype", Kind::string},
    {"bsopts", Kind::string},
    {"bsoflags", Kind::string},
    {"blocksize", Kind::number},
    {"targetname", Kind::string},
    {"initiator-address", Kind::string},
    {"initiator-name", Kind::string},
    {"user", Kind::string},
    {"password", Kind::string},
    {"host", Kind::number},
    {"force", Kind::boolean},
    {"outgoing", Kind::boolean},
    {"device-type", Kind::string},
    {"params", Kind::pairs},
    {"origin", Kind::string},
    {"details", Kind::boolean},
    {"secrets", Kind::boolean},
    {"format", Kind::string},
}};

// A NUL would silently end the value where it meets a system call or a C string.
bool is_clean_string(const Json& value) {
    return value.is_string() && value.get_ref<const std::string&>().find('\0') == std::string::npos;
}

bool is_pairs(const Json& value) {
    if (!value.is_array()) return false;
    return std::all_of(value.begin(), value.end(), [](const Json& pair) {
        return pair.is_array() && pair.size() == 2 && is_clean_string(pair[0]) &&
               is_clean_string(pair[1]);
    });
}

bool has_kind(const Json& value, Kind kind) {
    switch (kind) {
        case Kind::string:
            return is_clean_string(value);
        case Kind::number:
            return value.is_number_unsigned() ||
                   (value.is_number_integer() && value.get<int64_t>() >= 0);
        case Kind::boolean:
            return value.is_boolean();
        case Kind::pairs:
            return is_pairs(value);
    }
    return false;
}

std::string_view describe(Kind kind) {
    constexpr std::array<std::string_view, 4> words{"a string without NUL characters",
                                                    "a whole number, not negative", "true or false",
                                                    "an array of [name, value] pairs of strings"};
    return words[static_cast<size_t>(kind)];
}

// The parser itself has no limit, so nesting is counted before it runs.
bool too_deep(std::string_view line) {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if ((c == '[' || c == '{') && ++depth > max_depth) return true;
        if (c == ']' || c == '}') --depth;
    }
    return false;
}

std::string dump(const Json& value) {
    // Texts that are not UTF-8 (file names) must not end the reply; they are shown with U+FFFD.
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Entry bad(std::string id, int code, std::string reason) {
    Entry entry;
    entry.request.id = std::move(id);
    entry.error = code;
    entry.reason = std::move(reason);
    return entry;
}

bool is_id(const Json& id) {
    return id.is_string() || id.is_number() || id.is_null();
}

Entry parse_entry(Json& object) {
    if (!object.is_object()) return bad("null", rpc::invalid_request, "a request is an object");
    std::string id;
    if (auto it = object.find("id"); it != object.end()) {
        if (!is_id(*it)) return bad("null", rpc::invalid_request, "id is a string or a number");
        id = dump(*it);
    }
    const std::string error_id = id.empty() ? "null" : id;
    auto version = object.find("jsonrpc");
    if (version == object.end() || *version != "2.0")
        return bad(error_id, rpc::invalid_request, "jsonrpc is not \"2.0\"");
    auto method = object.find("method");
    if (method == object.end() || !is_clean_string(*method))
        return bad(error_id, rpc::invalid_request, "method is missing or not a string");
    Json params = Json::object();
    if (auto it = object.find("params"); it != object.end()) params = std::move(*it);
    if (auto wrong = check_params(params)) return bad(error_id, rpc::invalid_params, *wrong);
    Entry entry;
    entry.request.id = std::move(id);
    entry.request.method = method->get<std::string>();
    entry.request.params = std::make_shared<const Json>(std::move(params));
    return entry;
}

Incoming single(Entry entry) {
    Incoming incoming;
    incoming.entries.push_back(std::move(entry));
    return incoming;
}

std::string error_object(const std::string& id, int code, std::string_view message,
                         std::string_view reason) {
    Json error = {{"code", code}, {"message", message}};
    if (!reason.empty()) error["data"] = {{"reason", reason}};
    return R"({"jsonrpc":"2.0","id":)" + (id.empty() ? std::string("null") : id) + R"(,"error":)" +
           dump(error) + "}";
}

std::string_view rpc_text(int code) {
    switch (code) {
        case rpc::parse_error:
            return "Parse error";
        case rpc::invalid_request:
            return "Invalid Request";
        case rpc::method_not_found:
            return "Method not found";
        case rpc::invalid_params:
            return "Invalid params";
        case rpc::internal_error:
            return "Internal error";
        default:
            return "Server error";
    }
}

const Json* member(const Json& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    auto it = object.find(std::string(name));
    return it == object.end() ? nullptr : &*it;
}

std::string string_member(const Json& object, std::string_view name) {
    const Json* value = member(object, name);
    return value && value->is_string() ? value->get<std::string>() : std::string();
}

}  // namespace

std::string_view name_of(Mode mode) {
    return first_name(mode_names, mode);
}
std::string_view name_of(Op op) {
    return first_name(op_names, op);
}

std::optional<Mode> find_mode(std::string_view name) {
    auto it = find_name(mode_names, name);
    if (it == mode_names.end()) return std::nullopt;
    return it->value;
}

std::optional<Op> find_op(std::string_view name) {
    auto it = find_name(op_names, name);
    if (it == op_names.end()) return std::nullopt;
    return it->value;
}

std::string method_of(Mode mode, Op op) {
    return std::string(name_of(mode)) + "." + std::string(name_of(op));
}

std::optional<Verb> verb_of(std::string_view method) {
    const size_t dot = method.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto mode = find_mode(method.substr(0, dot));
    const auto op = find_op(method.substr(dot + 1));
    // A method has one spelling: the short forms are for the command line.
    if (!mode || !op || name_of(*mode) != method.substr(0, dot)) return std::nullopt;
    return Verb{*mode, *op};
}

std::string_view error_text(uint32_t code) {
    return code < error_texts.size() ? error_texts[code] : "(unknown tgtadm_errno)";
}

Result<std::string> socket_path(std::string_view prefix, unsigned control_port) {
    std::string path(prefix.empty() ? default_socket_prefix : prefix);
    path += "." + std::to_string(control_port);
    if (path.size() > max_socket_path)
        return fail(ENAMETOOLONG, "management path too long: " + path);
    return path;
}

std::optional<std::string> check_params(const Json& params) {
    if (!params.is_object()) return "params is not an object";
    for (const Param& param : param_table) {
        const Json* value = member(params, param.name);
        if (value && !has_kind(*value, param.kind))
            return std::string(param.name) + " must be " + std::string(describe(param.kind));
    }
    return std::nullopt;
}

Incoming parse_request_line(std::string_view line) {
    if (line.size() > max_line)
        return single(bad("null", rpc::invalid_request, "the request is longer than 1 MiB"));
    if (too_deep(line))
        return single(bad("null", rpc::invalid_request, "the request is nested too deeply"));
    Json json = Json::parse(line.begin(), line.end(), nullptr, false);
    if (json.is_discarded()) return single(bad("null", rpc::parse_error, "this is not JSON"));
    if (!json.is_array()) return single(parse_entry(json));
    if (json.empty()) return single(bad("null", rpc::invalid_request, "the batch is empty"));
    if (json.size() > max_batch)
        return single(bad("null", rpc::invalid_request, "the batch has too many requests"));
    Incoming incoming;
    incoming.batch = true;
    for (Json& object : json) incoming.entries.push_back(parse_entry(object));
    return incoming;
}

std::string result_reply(const std::string& id, const Json& result) {
    return R"({"jsonrpc":"2.0","id":)" + (id.empty() ? std::string("null") : id) + R"(,"result":)" +
           dump(result) + "}";
}

std::string text_reply(const std::string& id, std::string_view text) {
    const auto simple = [](unsigned char c) {
        return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
    };
    std::string out = R"({"jsonrpc":"2.0","id":)" + (id.empty() ? std::string("null") : id) +
                      R"(,"result":{"text":")";
    out.reserve(out.size() + text.size() + text.size() / 16 + 8);
    while (!text.empty()) {
        const auto stop = std::find_if_not(text.begin(), text.end(), simple);
        out.append(text.begin(), stop);
        text.remove_prefix(size_t(stop - text.begin()));
        if (text.empty()) break;
        if (text.front() == '\n') {
            out += "\\n";
            text.remove_prefix(1);
            continue;
        }
        // Anything else, with what belongs to the same character, is the library's.
        const auto next = std::find_if(text.begin(), text.end(), simple);
        const std::string rare = dump(Json(std::string(text.begin(), next)));
        out.append(rare, 1, rare.size() - 2);
        text.remove_prefix(size_t(next - text.begin()));
    }
    return out + R"("}})";
}

std::string error_reply(const std::string& id, ErrorCode code, std::string_view reason) {
    return error_object(id, static_cast<int>(code), error_text(code), reason);
}

std::string error_reply(const std::string& id, int rpc_code, std::string_view reason) {
    return error_object(id, rpc_code, rpc_text(rpc_code), reason);
}

std::string reply_line(bool batch, std::vector<std::string> replies) {
    if (replies.empty()) return "";
    if (!batch && replies.size() == 1) {
        replies[0] += '\n';
        return std::move(replies[0]);
    }
    std::string line = batch ? "[" : "";
    for (size_t i = 0; i < replies.size(); ++i) {
        if (i) line += ",";
        line += replies[i];
    }
    line += batch ? "]\n" : "\n";
    return line;
}

std::string request_line(uint64_t id, std::string_view method, const Json& params) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":)" + dump(Json(method)) +
           R"(,"params":)" + dump(params) + "}\n";
}

Result<Reply> parse_reply_line(std::string_view line) {
    Json json = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!json.is_object() || string_member(json, "jsonrpc") != "2.0")
        return fail(EPROTO, "the daemon's answer is not JSON-RPC 2.0");
    Reply reply;
    if (const Json* id = member(json, "id"); id && id->is_number_unsigned())
        reply.id = id->get<uint64_t>();
    if (auto it = json.find("result"); it != json.end()) {
        reply.result = std::make_shared<const Json>(std::move(*it));
        return reply;
    }
    const Json* error = member(json, "error");
    const Json* code = error ? member(*error, "code") : nullptr;
    if (!code || !code->is_number_integer() || *code == 0)
        return fail(EPROTO, "the daemon's answer has neither a result nor an error");
    reply.code = code->get<int>();
    reply.message = string_member(*error, "message");
    if (const Json* data = member(*error, "data")) reply.reason = string_member(*data, "reason");
    return reply;
}

}  // namespace tgt::ipc
