// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/admin/client.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "ipc/admin/legacy.h"

namespace tgt::ipc {
namespace {

using Json = nlohmann::json;
using Kind = CallError::Kind;

constexpr size_t max_reply = size_t{256} << 20;

tl::unexpected<CallError> failed(Kind kind, int code, std::string text, std::string reason = "") {
    return tl::unexpected<CallError>(CallError{kind, code, std::move(text), std::move(reason)});
}

tl::unexpected<CallError> closed() {
    return failed(Kind::closed, EPIPE, "tgtd closed the socket");
}
tl::unexpected<CallError> partial() {
    return failed(Kind::partial, EPROTO, "a partial response");
}

// False when the peer has gone.
bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
}

// Appends what arrives next; false at the end of the connection, however it ended.
bool receive_some(int fd, std::string& to) {
    std::array<char, 65536> chunk;
    for (;;) {
        const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        to.append(chunk.data(), static_cast<size_t>(n));
        return true;
    }
}

bool receive_at_least(int fd, std::string& to, size_t size) {
    while (to.size() < size)
        if (!receive_some(fd, to)) return false;
    return true;
}

// The question that both generations of the daemon answer at once. It is longer than tgt's header,
// and blanks lie where an old daemon reads the length (offset 72): 0x20202020 is above its limit,
// so it drops the connection before it looks at anything else.
std::string probe_line() {
    std::string line = R"({"jsonrpc":"2.0","id":0,"method":"rpc.version")";
    line.append(2 * legacy::header_size - line.size(), ' ');
    return line + "}\n";
}

std::string name_of_user(uid_t id) {
    const passwd* found = getpwuid(id);
    return found ? found->pw_name : std::to_string(id);
}

std::string name_of_group(gid_t id) {
    const group* found = getgrgid(id);
    return found ? found->gr_name : std::to_string(id);
}

// The socket's owner and mode are who may manage.
std::string not_permitted(const std::string& path) {
    std::string text = "you may not manage this daemon (" + path + "): be root";
    struct stat socket {};
    if (stat(path.c_str(), &socket) != 0) return text;
    if (socket.st_uid != 0) text += ", or " + name_of_user(socket.st_uid) + ", its user";
    if (socket.st_mode & S_IWGRP) text += ", or in group " + name_of_group(socket.st_gid);
    return text;
}

Result<UniqueFd> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() > max_socket_path) return fail(ENAMETOOLONG, path + " is too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail(errno, std::string("no socket: ") + std::strerror(errno));
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    const bool connected = ::connect(fd.get(), generic, sizeof(address)) == 0;
    if (!connected && errno == EACCES) return fail(EACCES, not_permitted(path));
    if (!connected) return fail(errno, "connect to " + path + ": " + std::strerror(errno));
    return fd;
}

}  // namespace

bool Client::daemon_listens() const {
    return connect_to(path_).has_value();
}

tl::expected<void, CallError> Client::open() {
    auto fd = connect_to(path_);
    if (!fd)
        return failed(
            Kind::not_running, fd.error().code,
            "failed to send request hdr to tgt daemon, Transport endpoint is not connected",
            fd.error().text);
    fd_ = std::move(*fd);
    pending_.clear();
    return {};
}

tl::expected<std::string, CallError> Client::exchange_line(std::string_view line) {
    // A refusal may arrive although not everything could be sent, so an answer is awaited anyway.
    send_all(fd_.get(), line);
    size_t end = 0, seen = 0;  // the beginning of a long answer is not looked through again
    while ((end = pending_.find('\n', seen)) == std::string::npos) {
        seen = pending_.size();
        if (!receive_some(fd_.get(), pending_)) return pending_.empty() ? closed() : partial();
        if (pending_.front() != '{' && pending_.front() != '[')
            return failed(Kind::protocol, EPROTO, "the daemon's answer is not JSON");
        if (pending_.size() > max_reply)
            return failed(Kind::protocol, EPROTO, "the daemon's answer is too long");
    }
    std::string answer = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    return answer;
}

tl::expected<void, CallError> Client::connect() {
    if (dialect_ != Dialect::unknown) return {};
    if (auto opened = open(); !opened) return opened;
    const auto answer = exchange_line(probe_line());
    const bool json = answer && parse_reply_line(*answer).has_value();
    dialect_ = json ? Dialect::json : Dialect::legacy;
    return {};
}

tl::expected<CallResult, CallError> Client::call(std::string_view method, const Json& params) {
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
    return dialect_ == Dialect::json ? call_json(method, params) : call_legacy(method, params);
}

tl::expected<CallResult, CallError> Client::call_json(std::string_view method, const Json& params) {
    const uint64_t id = next_id_++;
    auto answer = exchange_line(request_line(id, method, params));
    if (!answer) return tl::unexpected(answer.error());
    auto reply = parse_reply_line(*answer);
    if (!reply) return failed(Kind::protocol, EPROTO, reply.error().text);
    if (reply->code)
        return failed(Kind::daemon, reply->code, std::move(reply->message),
                      std::move(reply->reason));
    if (reply->id != id)
        return failed(Kind::protocol, EPROTO, "the daemon answered another request");
    return CallResult{std::move(reply->result), "", false};
}

tl::expected<CallResult, CallError> Client::call_legacy(std::string_view method,
                                                        const Json& params) {
    auto bytes = legacy::encode_request(method, params);
    if (!bytes) return failed(Kind::unsendable, bytes.error().code, bytes.error().text);
    // tgt serves one request per connection.
    if (auto opened = open(); !opened) return tl::unexpected(opened.error());
    send_all(fd_.get(), *bytes);
    std::string answer;
    if (!receive_at_least(fd_.get(), answer, legacy::reply_header_size))
        return answer.empty() ? closed() : partial();
    const auto header = legacy::decode_reply_header(answer);
    if (!header || header->text_size > max_reply)
        return failed(Kind::protocol, EPROTO, "the daemon's answer is not understood");
    if (!receive_at_least(fd_.get(), answer, legacy::reply_header_size + header->text_size))
        return partial();
    if (header->code)
        return failed(Kind::daemon, static_cast<int>(header->code),
                      std::string(error_text(header->code)));
    std::string text = answer.substr(legacy::reply_header_size, header->text_size);
    text.resize(std::min(text.size(), text.find('\0')));
    return CallResult{nullptr, std::move(text), true};
}

}  // namespace tgt::ipc
