// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/admin/client.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "ipc/admin/legacy.h"

namespace tgt::ipc {
namespace {

using Json = nlohmann::json;
using Kind = CallError::Kind;

// A daemon in a thread: serves one connection after the other with `serve`, until it dies.
class FakeDaemon {
  public:
    using Serve = std::function<void(int fd)>;

    explicit FakeDaemon(Serve serve) : serve_(std::move(serve)) {
        std::array<char, 32> name{"/tmp/tgt-client-XXXXXX"};
        folder_ = ::mkdtemp(name.data());
        listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0));
        const sockaddr_un address = address_of(path());
        EXPECT_EQ(::bind(listener_.get(), generic(address), sizeof(address)), 0);
        EXPECT_EQ(::listen(listener_.get(), 8), 0);
        thread_ = std::thread([this] { run(); });
    }
    ~FakeDaemon() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
        ::unlink(path().c_str());
        ::rmdir(folder_.c_str());
    }
    std::string path() const { return folder_ + "/socket.0"; }

  private:
    static sockaddr_un address_of(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.sun_path);
        return address;
    }
    static const sockaddr* generic(const sockaddr_un& address) {
        return static_cast<const sockaddr*>(static_cast<const void*>(&address));
    }
    void run() {
        for (;;) {
            const UniqueFd fd(::accept(listener_.get(), nullptr, nullptr));
            if (!fd) return;
            serve_(fd.get());
        }
    }

    Serve serve_;
    std::string folder_;
    UniqueFd listener_;
    std::thread thread_;
};

void reply(int fd, const std::string& bytes) {
    ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

// Calls `answer` for every line until the peer leaves or `answer` returns false.
void serve_lines(int fd, const std::function<bool(const Request&)>& answer) {
    std::string bytes;
    std::array<char, 4096> chunk;
    for (ssize_t n; (n = ::recv(fd, chunk.data(), chunk.size(), 0)) > 0;) {
        bytes.append(chunk.data(), static_cast<size_t>(n));
        for (size_t end; (end = bytes.find('\n')) != std::string::npos; bytes.erase(0, end + 1))
            if (!answer(parse_request_line(bytes.substr(0, end)).entries.front().request)) return;
    }
}

FakeDaemon::Serve json_daemon(std::function<std::string(const Request&)> answer) {
    return [answer](int fd) {
        serve_lines(fd, [&](const Request& request) {
            if (request.method == "rpc.version") {
                reply(fd, reply_line(false, {result_reply(request.id, {{"protocol", 1}})}));
                return true;
            }
            const std::string bytes = answer(request);
            reply(fd, bytes);
            return !bytes.empty() && bytes.back() == '\n';
        });
    };
}

std::string read_exactly(int fd, size_t size) {
    if (size == 0) return "";  // recv() of nothing waits for something
    std::string bytes(size, '\0');
    const ssize_t n = ::recv(fd, bytes.data(), size, MSG_WAITALL);
    bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return bytes;
}

// As tgt does it: an impossible length closes the connection before anything is looked at.
FakeDaemon::Serve old_daemon(std::vector<Request>& seen, std::string answer) {
    return [&seen, answer](int fd) {
        const std::string header = read_exactly(fd, legacy::header_size);
        const auto size = legacy::text_size(header);
        if (!size) return;
        auto request = legacy::decode_request(header, read_exactly(fd, *size));
        if (!request) return;
        seen.push_back(*request);
        reply(fd, answer);
    };
}

TEST(AdminClient, nobody_listening_is_tgts_text_and_the_reason) {
    Client client("/nonexistent/socket.0");
    EXPECT_FALSE(client.daemon_listens());
    const auto result = client.call("system.show", Json::object());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::not_running);
    EXPECT_EQ(result.error().text,
              "failed to send request hdr to tgt daemon, Transport endpoint is not connected");
    EXPECT_EQ(result.error().reason, "connect to /nonexistent/socket.0: No such file or directory");
}

TEST(AdminClient, many_calls_go_over_one_connection) {
    FakeDaemon daemon(json_daemon([](const Request& request) {
        return reply_line(false, {result_reply(request.id, {{"echo", request.method}})});
    }));
    Client client(daemon.path());
    for (const char* method : {"target.show", "lld.show"}) {
        const auto result = client.call(method, Json::object());
        ASSERT_TRUE(result) << result.error().text;
        EXPECT_FALSE(result->legacy);
        EXPECT_EQ((*result->result)["echo"], method);
    }
}

TEST(AdminClient, a_daemons_error_has_number_text_and_reason) {
    FakeDaemon daemon(json_daemon([](const Request& request) {
        return reply_line(false, {error_reply(request.id, ErrorCode::no_target, "no tid 5")});
    }));
    const auto result = Client(daemon.path()).call("target.delete", {{"tid", 5}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::daemon);
    EXPECT_EQ(result.error().code, 4);
    EXPECT_EQ(result.error().text, "can't find the target");
    EXPECT_EQ(result.error().reason, "no tid 5");
}

TEST(AdminClient, a_json_daemon_that_dies_is_not_asked_again_in_the_old_dialect) {
    FakeDaemon daemon(json_daemon([](const Request&) { return std::string(); }));
    const auto result = Client(daemon.path()).call("target.new", Json::object());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::closed);
    EXPECT_EQ(result.error().text, "tgtd closed the socket");
}

TEST(AdminClient, half_an_answer_is_an_error) {
    FakeDaemon daemon(json_daemon([](const Request&) { return std::string("{\"jso"); }));
    const auto result = Client(daemon.path()).call("target.new", Json::object());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::partial);
}

TEST(AdminClient, the_answer_to_another_request_is_refused) {
    FakeDaemon daemon(json_daemon(
        [](const Request&) { return reply_line(false, {result_reply("99", Json::object())}); }));
    const auto result = Client(daemon.path()).call("target.new", Json::object());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::protocol);
}

TEST(AdminClient, an_old_daemon_gets_tgts_dialect_and_each_request_once) {
    std::vector<Request> seen;
    {
        FakeDaemon daemon(old_daemon(seen, legacy::encode_reply(0, "Target 1: a\n")));
        Client client(daemon.path());
        for (int i = 0; i < 2; ++i) {
            const auto result = client.call("target.show", {{"tid", 1}});
            ASSERT_TRUE(result) << result.error().text;
            EXPECT_TRUE(result->legacy);
            EXPECT_EQ(result->text, "Target 1: a\n");
        }
        EXPECT_TRUE(client.legacy());
    }
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].method, "target.show");
    EXPECT_EQ((*seen[0].params)["tid"], 1);
}

TEST(AdminClient, an_old_daemons_number_becomes_its_text) {
    std::vector<Request> seen;
    FakeDaemon daemon(old_daemon(seen, legacy::encode_reply(9, "")));
    const auto result = Client(daemon.path()).call("target.new", {{"tid", 1}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::daemon);
    EXPECT_EQ(result.error().text, "this target already exists");
}

TEST(AdminClient, an_old_daemon_that_closes_or_stops_inside_its_answer) {
    for (const auto& [answer, kind] :
         {std::pair(std::string(), Kind::closed),
          std::pair(std::string("\0\0\0\0", 4), Kind::partial),
          std::pair(legacy::encode_reply(0, "abc").substr(0, 10), Kind::partial),
          std::pair(std::string(8, '\0'), Kind::protocol)}) {
        std::vector<Request> seen;
        FakeDaemon daemon(old_daemon(seen, answer));
        const auto result = Client(daemon.path()).call("system.show", Json::object());
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, kind) << answer.size();
    }
}

TEST(AdminClient, a_request_that_the_old_dialect_cannot_carry_is_not_sent) {
    std::vector<Request> seen;
    {
        FakeDaemon daemon(old_daemon(seen, legacy::encode_reply(0, "")));
        const auto result =
            Client(daemon.path()).call("logicalunit.new", {{"backing-store", "/a,b"}});
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, Kind::unsendable);
    }
    EXPECT_TRUE(seen.empty());
}

}  // namespace
}  // namespace tgt::ipc
