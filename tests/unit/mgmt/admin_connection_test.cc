// SPDX-License-Identifier: GPL-2.0-or-later
// Framing over a socket pair; the verbs are the test's own.
#include "mgmt/admin_connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ipc/admin/legacy.h"

namespace tgt::mgmt {
namespace {

using Json = nlohmann::json;

class AdminConnectionTest : public ::testing::Test {
  protected:
    void SetUp() override {
        int ends[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        peer.reset(ends[0]);
        auto run = [this](ipc::Verb verb, std::shared_ptr<const Json> params, AnswerCallback done) {
            methods.push_back(ipc::method_of(verb.mode, verb.op));
            const auto here = uintptr_t(__builtin_frame_address(0));
            lowest = std::min(lowest, here);
            highest = std::max(highest, here);
            if (hold) {
                held.push_back(std::move(done));
            } else if (verb.op == ipc::Op::delete_) {
                done(refuse(ErrorCode::no_target, "there is none"));
            } else {
                done(Answered{params, [this] { ++sent; }});
            }
        };
        connection = std::make_shared<AdminConnection>(poller, UniqueFd(ends[1]), run,
                                                       [this](AdminConnection&) { ++closed; });
        connection->start();
    }
    void turn(int count = 4) {
        for (int i = 0; i < count; ++i) poller.wait(io::TimePoint::min());
    }
    void write(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (n > 0) text.remove_prefix(size_t(n));
            poller.wait(io::TimePoint::min());
            if (connection->closed()) return;
        }
        turn();
    }
    std::string read() {
        std::string out(1 << 20, 0);
        const ssize_t n = recv(peer.get(), out.data(), out.size(), 0);
        out.resize(n > 0 ? size_t(n) : 0);
        return out;
    }
    static std::string call(int id, const std::string& method, Json params = Json::object()) {
        return Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}.dump();
    }

    io::Poller poller;
    UniqueFd peer;
    std::shared_ptr<AdminConnection> connection;
    std::vector<std::string> methods;
    std::vector<AnswerCallback> held;
    bool hold = false;
    int sent = 0, closed = 0;
    uintptr_t lowest = UINTPTR_MAX, highest = 0;  // of the stack, at requests
};

TEST_F(AdminConnectionTest, AnswersALineWithALine) {
    write(call(1, "target.show", {{"tid", 4}}) + "\n");
    const std::string text = read();
    EXPECT_EQ(text.back(), '\n');
    const Json reply = Json::parse(text);
    EXPECT_EQ(reply["id"], 1);
    EXPECT_EQ(reply["result"]["tid"], 4);
    EXPECT_EQ(sent, 1);
}

TEST_F(AdminConnectionTest, AnswersManyLinesInOrderHoweverTheyArrive) {
    const std::string text =
        call(1, "target.show") + "\n\n" + call(2, "target.delete") + "\r\n" + call(3, "lld.show");
    for (const char c : text) write(std::string_view(&c, 1));
    write("\n");
    const std::string replies = read();
    EXPECT_LT(replies.find("\"id\":1"), replies.find("\"id\":2"));
    EXPECT_LT(replies.find("\"id\":2"), replies.find("\"id\":3"));
    EXPECT_NE(replies.find("there is none"), std::string::npos);
    EXPECT_EQ(std::count(replies.begin(), replies.end(), '\n'), 3);
}

TEST_F(AdminConnectionTest, BeginsARequestOnlyAfterTheOneBefore) {
    hold = true;
    write(call(1, "target.show") + "\n" + call(2, "lld.show") + "\n");
    ASSERT_EQ(held.size(), 1u);
    hold = false;
    held[0](Answered{std::make_shared<const Json>(Json::object()), {}});
    turn();
    EXPECT_EQ(methods.size(), 2u);
    const std::string replies = read();
    EXPECT_EQ(std::count(replies.begin(), replies.end(), '\n'), 2);
}

TEST_F(AdminConnectionTest, MalformedLinesAreAnsweredAndTheConnectionGoesOn) {
    write("nonsense\n");
    EXPECT_EQ(Json::parse(read())["error"]["code"], -32700);
    write(call(1, "target.fly") + "\n");
    EXPECT_EQ(Json::parse(read())["error"]["code"], -32601);
    write(call(2, "rpc.version") + "\n");
    EXPECT_EQ(Json::parse(read())["result"]["protocol"], 1);
}

TEST_F(AdminConnectionTest, ALongArrayThatIsAnsweredAtOnceNeedsNoDeepStack) {
    std::string line = "[" + call(0, "lld.show");
    for (int id = 1; id < 4096; ++id) line += "," + call(id, "lld.show");
    write(line + "]\n");
    turn(16);
    ASSERT_EQ(methods.size(), 4096u);
    EXPECT_LT(highest - lowest, 64u << 10);
}

TEST_F(AdminConnectionTest, AnArrayStopsAtItsFirstFailure) {
    write("[" + call(1, "target.show") + "," + call(2, "target.delete") + "," +
          call(3, "lld.show") + "]\n");
    const Json reply = Json::parse(read());
    ASSERT_EQ(reply.size(), 3u);
    EXPECT_TRUE(reply[0].contains("result"));
    EXPECT_EQ(reply[1]["error"]["code"], 4);
    EXPECT_EQ(reply[2]["error"]["code"], 17);
    EXPECT_EQ(methods.size(), 2u);
}

TEST_F(AdminConnectionTest, ALineWithoutEndIsRefusedAndTheConnectionClosed) {
    write("{" + std::string((1u << 20) + 10, ' '));
    turn();
    EXPECT_EQ(Json::parse(read())["error"]["code"], -32600);
    EXPECT_EQ(closed, 1);
}

TEST_F(AdminConnectionTest, APeerThatOnlyFinishedWritingGetsItsAnswer) {
    hold = true;
    write(call(1, "target.show") + "\n");
    shutdown(peer.get(), SHUT_WR);
    turn();
    EXPECT_EQ(closed, 0);
    held[0](Answered{std::make_shared<const Json>(Json::object()), {}});
    turn();
    EXPECT_EQ(Json::parse(read())["id"], 1);
    EXPECT_EQ(closed, 1);
}

TEST_F(AdminConnectionTest, APeerThatLeftDoesNotStopItsRequest) {
    hold = true;
    write(call(1, "target.show") + "\n");
    peer.reset();
    turn();
    held[0](Answered{std::make_shared<const Json>(Json::object()), [this] { ++sent; }});
    turn();
    EXPECT_EQ(sent, 1);
    EXPECT_EQ(closed, 1);
}

TEST_F(AdminConnectionTest, TgtsBinaryRequestIsAnsweredAndClosed) {
    const auto request = ipc::legacy::encode_request("account.show", Json::object());
    ASSERT_TRUE(request);
    write(*request);
    const std::string reply = read();
    ASSERT_GE(reply.size(), 8u);
    EXPECT_EQ(ipc::legacy::decode_reply_header(reply.substr(0, 8))->code, 0u);
    EXPECT_EQ(methods, std::vector<std::string>{"account.show"});
    EXPECT_EQ(closed, 1);
}

TEST_F(AdminConnectionTest, TgtsBinaryRequestOfAbsurdLengthIsClosedUnanswered) {
    std::string header(120, 0);
    header[72] = header[73] = header[74] = 0x7f;
    write(header);
    EXPECT_EQ(read(), "");
    EXPECT_EQ(closed, 1);
    EXPECT_TRUE(methods.empty());
}

}  // namespace
}  // namespace tgt::mgmt
