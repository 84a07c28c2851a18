// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/admin/legacy.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

namespace tgt::ipc::legacy {
namespace {

using Json = nlohmann::json;

// The header's layout as tgt compiles it for 64-bit hosts; the peer is on the same machine.
struct Header {
    uint32_t mode = 0;
    uint32_t op = 0;
    std::array<char, 64> lld{};
    uint32_t len = 0;
    int32_t tid = -1;
    uint64_t sid = 0;
    uint64_t lun = UINT64_MAX;
    uint32_t cid = 0;
    uint32_t host = 0;
    uint32_t device_type = 0;
    uint32_t outgoing = 0;
    uint32_t unused = 0;
    uint32_t force = 0;
};
static_assert(sizeof(Header) == header_size);
static_assert(offsetof(Header, len) == 72 && offsetof(Header, sid) == 80 &&
              offsetof(Header, cid) == 96 && offsetof(Header, force) == 116);

struct TypeName {
    std::string_view name;
    uint32_t value;
};
constexpr std::array<TypeName, 6> device_types{{
    {"disk", 0x00},
    {"tape", 0x01},
    {"cd", 0x05},
    {"changer", 0x08},
    {"osd", 0x11},
    {"pt", 0xff},
}};

struct TextKey {
    std::string_view key;    // in the text
    std::string_view param;  // in params
};
// In the order in which tgtadm writes them.
constexpr std::array<TextKey, 10> text_keys{{
    {"path", "backing-store"},
    {"bstype", "bstype"},
    {"bsopts", "bsopts"},
    {"bsoflags", "bsoflags"},
    {"blocksize", "blocksize"},
    {"targetname", "targetname"},
    {"initiator-address", "initiator-address"},
    {"initiator-name", "initiator-name"},
    {"user", "user"},
    {"password", "password"},
}};
constexpr std::string_view target_ops = "targetOps ";
constexpr std::string_view portal_ops = "portalOps ";

const Json* find(const Json& params, std::string_view name) {
    if (!params.is_object()) return nullptr;
    auto it = params.find(std::string(name));
    return it == params.end() ? nullptr : &*it;
}

// Numbers that code has put into JSON are signed, those that were parsed are not.
std::optional<uint64_t> whole(const Json& value) {
    if (value.is_number_unsigned()) return value.get<uint64_t>();
    if (!value.is_number_integer() || value.get<int64_t>() < 0) return std::nullopt;
    return static_cast<uint64_t>(value.get<int64_t>());
}

uint64_t number(const Json& params, std::string_view name, uint64_t missing) {
    const Json* value = find(params, name);
    return value ? whole(*value).value_or(missing) : missing;
}

std::string text_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    const auto n = whole(value);
    return n ? std::to_string(*n) : std::string();
}

bool flag(const Json& params, std::string_view name) {
    const Json* value = find(params, name);
    return value && value->is_boolean() && value->get<bool>();
}

Result<std::string> join_pairs(const Json& pairs) {
    std::string text;
    for (const Json& pair : pairs) {
        if (!pair.is_array() || pair.size() != 2) return fail(EINVAL, "params is not a pair list");
        const std::string name = text_of(pair[0]);
        const std::string value = text_of(pair[1]);
        if ((name + value).find(',') != std::string::npos)
            return fail(EINVAL, "this daemon cannot be given a parameter with a comma");
        // A name alone is what tgt refuses, as it should; "portal=" it takes for every address.
        text +=
            (text.empty() ? "" : ",") + name + (value.empty() && !name.empty() ? "" : "=" + value);
    }
    return text;
}

// Only where a text's reader takes everything up to its end may a value hold a comma.
bool comma_allowed(Mode mode, std::string_view param) {
    return mode == Mode::account && param == "password";
}

Result<std::string> encode_text(Verb verb, const Json& params) {
    std::string text;
    const auto append = [&](const std::string& item) { text += (text.empty() ? "" : ",") + item; };
    if (const Json* name = find(params, "name")) {
        const Json* value = find(params, "value");
        append(text_of(*name) + "=" + (value ? text_of(*value) : std::string()));
    }
    for (const TextKey& key : text_keys) {
        const Json* value = find(params, key.param);
        if (!value) continue;
        const std::string item = text_of(*value);
        if (item.find(',') != std::string::npos && !comma_allowed(verb.mode, key.param))
            return fail(EINVAL, "this daemon cannot be given a comma in --" +
                                    std::string(key.param) + ": " + item);
        append(std::string(key.key) + "=" + item);
    }
    if (const Json* pairs = find(params, "params")) {
        auto joined = join_pairs(*pairs);
        if (!joined) return tl::unexpected(joined.error());
        append(std::string(verb.mode == Mode::portal ? portal_ops : target_ops) + *joined + ",");
    }
    return text;
}

Result<Header> encode_header(Verb verb, const Json& params) {
    Header header;
    header.mode = static_cast<uint32_t>(verb.mode);
    header.op = static_cast<uint32_t>(verb.op);
    if (const Json* lld = find(params, "lld")) {
        const std::string name = text_of(*lld);
        std::copy_n(name.data(), std::min(name.size(), header.lld.size() - 1), header.lld.data());
    }
    header.tid = find(params, "tid") ? static_cast<int32_t>(number(params, "tid", 0)) : -1;
    header.sid = number(params, "sid", 0);
    header.lun = number(params, "lun", UINT64_MAX);
    header.cid = static_cast<uint32_t>(number(params, "cid", 0));
    header.host = static_cast<uint32_t>(number(params, "host", 0));
    header.outgoing = flag(params, "outgoing");
    header.force = flag(params, "force");
    if (const Json* type = find(params, "device-type")) {
        const std::string name = text_of(*type);
        auto it = std::find_if(device_types.begin(), device_types.end(),
                               [&](const TypeName& t) { return t.name == name; });
        if (it == device_types.end()) return fail(EINVAL, "unknown device type: " + name);
        header.device_type = it->value;
    }
    return header;
}

Header load(std::string_view bytes) {
    Header header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    return header;
}

void decode_numbers(const Header& header, Verb verb, Json& params) {
    const size_t lld_size = strnlen(header.lld.data(), header.lld.size());
    if (lld_size) params["lld"] = std::string(header.lld.data(), lld_size);
    if (header.tid >= 0) params["tid"] = static_cast<uint64_t>(header.tid);
    if (header.lun != UINT64_MAX) params["lun"] = header.lun;
    // 0 is both a connection's usual number and "not given": the modes that use them always get
    // them.
    const bool nexus = verb.mode == Mode::session || verb.mode == Mode::connection;
    if (nexus || header.sid) params["sid"] = header.sid;
    if (nexus || header.cid) params["cid"] = header.cid;
    if (header.host) params["host"] = header.host;
    if (header.force) params["force"] = true;
    if (header.outgoing) params["outgoing"] = true;
}

Result<void> decode_type(const Header& header, Verb verb, Json& params) {
    if (verb.mode != Mode::logicalunit || verb.op != Op::new_) return {};
    auto it = std::find_if(device_types.begin(), device_types.end(),
                           [&](const TypeName& t) { return t.value == header.device_type; });
    if (it == device_types.end())
        return fail(EINVAL, "unknown device type " + std::to_string(header.device_type));
    params["device-type"] = std::string(it->name);
    return {};
}

std::string_view take(std::string_view& text, char end) {
    const size_t at = text.find(end);
    const std::string_view item = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return item;
}

Json decode_pairs(std::string_view text) {
    Json pairs = Json::array();
    while (!text.empty()) {
        std::string_view item = take(text, ',');
        if (item.empty()) continue;
        const std::string_view name = take(item, '=');
        pairs.push_back(Json::array({std::string(name), std::string(item)}));
    }
    return pairs;
}

// In C notation, as its user wrote it: tgtadm of tgt sends the text.
Result<void> set_blocksize(std::string_view value, Json& params) {
    const std::string text(value);
    char* end = nullptr;
    const unsigned long long size = std::strtoull(text.c_str(), &end, 0);
    const bool digit = !text.empty() && text[0] >= '0' && text[0] <= '9';
    if (!digit || *end) return fail(EINVAL, "the block size is not a number: " + text);
    params["blocksize"] = uint64_t{size};
    return {};
}

Result<void> decode_item(std::string_view key, std::string_view value, Json& params) {
    auto it = std::find_if(text_keys.begin(), text_keys.end(),
                           [&](const TextKey& k) { return k.key == key; });
    if (it == text_keys.end()) return fail(EINVAL, "unknown key in a request: " + std::string(key));
    if (key == "blocksize") return set_blocksize(value, params);
    params[std::string(it->param)] = std::string(value);
    return {};
}

// --name and --value come first and without a key of their own; where they have no meaning tgt
// takes no notice of them.
void decode_name(Verb verb, std::string_view& text, Json& params) {
    const std::string_view name = text.substr(0, text.find_first_of("=, "));
    const bool known = std::any_of(text_keys.begin(), text_keys.end(),
                                   [&](const TextKey& k) { return k.key == name; });
    const bool ops =
        name == target_ops.substr(0, name.size()) || name == portal_ops.substr(0, name.size());
    if (known || ops || verb.mode == Mode::account) return;
    std::string_view item = take(text, ',');
    params["name"] = std::string(take(item, '='));
    params["value"] = std::string(item);
}

Result<void> decode_text(Verb verb, std::string_view text, Json& params) {
    if (verb.op == Op::update && (verb.mode == Mode::system || verb.mode == Mode::target)) {
        params["name"] = std::string(take(text, '='));
        params["value"] = std::string(text);
        return {};
    }
    if (verb.op != Op::update) decode_name(verb, text, params);
    while (!text.empty()) {
        for (const std::string_view ops : {target_ops, portal_ops}) {
            if (text.substr(0, ops.size()) != ops) continue;
            params["params"] = decode_pairs(text.substr(ops.size()));
            return {};
        }
        const size_t equals = text.find('=');
        const std::string_view key = text.substr(0, std::min(equals, text.find(',')));
        const bool to_end = comma_allowed(verb.mode, key);
        std::string_view item = to_end ? text : take(text, ',');
        if (to_end) text = {};
        take(item, '=');
        if (key.empty() && item.empty()) continue;
        if (auto done = decode_item(key, item, params); !done) return done;
    }
    return {};
}

}  // namespace

Result<std::string> encode_request(std::string_view method, const Json& params) {
    const auto verb = verb_of(method);
    if (!verb) return fail(EINVAL, "this daemon does not know " + std::string(method));
    auto text = encode_text(*verb, params);
    if (!text) return text;
    if (text->size() >= max_text) return fail(EINVAL, "the request is too long for this daemon");
    if (!text->empty()) text->push_back('\0');
    auto header = encode_header(*verb, params);
    if (!header) return tl::unexpected(header.error());
    header->len = static_cast<uint32_t>(header_size + text->size());
    std::string bytes(header_size, '\0');
    std::memcpy(bytes.data(), &*header, header_size);
    return bytes + *text;
}

Result<size_t> text_size(std::string_view header) {
    if (header.size() < header_size) return fail(EPROTO, "the request header is cut short");
    const uint32_t len = load(header).len;
    if (len < header_size) return fail(EPROTO, "the request length is impossible");
    if (len - header_size > max_text) return fail(EMSGSIZE, "the request is longer than 8 KiB");
    return len - header_size;
}

Result<Request> decode_request(std::string_view bytes, std::string_view text) {
    if (bytes.size() < header_size) return fail(EPROTO, "the request header is cut short");
    const Header header = load(bytes);
    if (header.mode > static_cast<uint32_t>(Mode::account))
        return fail(EINVAL, "unknown mode " + std::to_string(header.mode));
    if (header.op > static_cast<uint32_t>(Op::stop))
        return fail(EINVAL, "unknown operation " + std::to_string(header.op));
    const Verb verb{static_cast<Mode>(header.mode), static_cast<Op>(header.op)};
    Json params = Json::object();
    decode_numbers(header, verb, params);
    if (auto done = decode_type(header, verb, params); !done) return tl::unexpected(done.error());
    if (auto done = decode_text(verb, text.substr(0, text.find('\0')), params); !done)
        return tl::unexpected(done.error());
    Request request;
    request.method = method_of(verb.mode, verb.op);
    request.params = std::make_shared<const Json>(std::move(params));
    return request;
}

std::string encode_reply(uint32_t code, std::string_view text) {
    const std::array<uint32_t, 2> header{
        code, static_cast<uint32_t>(reply_header_size + (text.empty() ? 0 : text.size() + 1))};
    std::string bytes(reply_header_size, '\0');
    std::memcpy(bytes.data(), header.data(), reply_header_size);
    if (text.empty()) return bytes;
    bytes += text;
    bytes.push_back('\0');
    return bytes;
}

Result<ReplyHeader> decode_reply_header(std::string_view bytes) {
    std::array<uint32_t, 2> header{};
    if (bytes.size() < reply_header_size) return fail(EPROTO, "the answer is cut short");
    std::memcpy(header.data(), bytes.data(), reply_header_size);
    if (header[1] < reply_header_size) return fail(EPROTO, "the answer's length is impossible");
    return ReplyHeader{header[0], header[1] - static_cast<uint32_t>(reply_header_size)};
}

}  // namespace tgt::ipc::legacy
