// SPDX-License-Identifier: GPL-2.0-or-later
// Settings, and the client over real sockets to a server in the same thread, on a runtime that was
// never started: the test turns it, and the clock.
#include "mgmt/isns_client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>

#include "tests/unit/mgmt/isns_fake_server.h"

namespace tgt::mgmt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(IsnsSettings, AreAsTgtShowsThemAtFirst) {
    const IsnsSettings settings;
    EXPECT_FALSE(settings.enabled);
    EXPECT_EQ(settings.server, "");
    EXPECT_EQ(settings.port, 3205);
    EXPECT_FALSE(settings.access_control);
}

TEST(IsnsSettings, TakeGoodValues) {
    IsnsSettings settings;
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"iSNS", "On"},
                                            {"iSNSServerPort", "0x10"},
                                            {"iSNSServerIP", "[fe80::1%eth0]"},
                                            {"iSNSAccessControl", "on"},
                                            {"iSNSESIInterval", "30"}})
        EXPECT_TRUE(settings.update(name, value)) << name;
    EXPECT_TRUE(settings.enabled);
    EXPECT_EQ(settings.port, 16);
    EXPECT_EQ(settings.server, "fe80::1%eth0");
    EXPECT_TRUE(settings.access_control);
    EXPECT_EQ(settings.esi_interval, 30u);
    EXPECT_TRUE(settings.update("iSNSAccessControl", "Off"));
    EXPECT_FALSE(settings.access_control);
}

TEST(IsnsSettings, RefuseBadValuesAndKeepWhatTheyHave) {
    IsnsSettings settings;
    settings.enabled = settings.access_control = true;
    const IsnsSettings before = settings;
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{"iSNS", "on"},
                                                          {"isns", "On"},
                                                          {"iSNSAccessControl", "maybe"},
                                                          {"iSNSServerPort", "0"},
                                                          {"iSNSServerPort", "65536"},
                                                          {"iSNSServerPort", "-1"},
                                                          {"iSNSServerPort", "12abc"},
                                                          {"iSNSServerPort", ""},
                                                          {"iSNSServerIP", ""},
                                                          {"iSNSServerIP", "a b"},
                                                          {"iSNSServerIP", std::string(256, 'a')},
                                                          {"iSNSESIInterval", "3601"}}) {
        const auto status = settings.update(name, value);
        ASSERT_FALSE(status) << name << "=" << value;
        EXPECT_EQ(status.error().code, ErrorCode::invalid_request);
    }
    EXPECT_EQ(settings, before);
}

// A listening socket before a FakeIsnsServer; one connection at a time.
class Server {
  public:
    explicit Server(std::string_view host = "127.0.0.1")
        : listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        const auto any = *SocketAddress::parse(host, 0);
        EXPECT_EQ(bind(listener_.get(), any.get(), any.size()), 0);
        EXPECT_EQ(listen(listener_.get(), 8), 0);
        sockaddr_storage own{};
        socklen_t size = sizeof(own);
        void* raw = &own;
        getsockname(listener_.get(), static_cast<sockaddr*>(raw), &size);
        port = SocketAddress(static_cast<sockaddr*>(raw), size).port();
    }
    void serve() {
        if (const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK); fd >= 0) {
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            connection.reset(fd);
            ++connections;
        }
        std::array<uint8_t, 65536> bytes;
        const ssize_t n = connection ? recv(connection.get(), bytes.data(), bytes.size(), 0) : -1;
        if (n == 0) connection.reset();
        if (n <= 0) return;
        if (!nonsense.empty()) return send(nonsense);
        if (!silent) send(has.answer({bytes.begin(), bytes.begin() + n}));
    }
    void send(const std::vector<uint8_t>& bytes) {
        EXPECT_EQ(::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  ssize_t(bytes.size()));
    }

    test::FakeIsnsServer has;
    uint16_t port = 0;
    int connections = 0;
    bool silent = false;
    std::vector<uint8_t> nonsense;  // instead of answers
    UniqueFd connection;

  private:
    UniqueFd listener_;
};

class IsnsClientTest : public ::testing::Test {
  protected:
    void set(std::string_view name, std::string_view value) {
        EXPECT_TRUE(client.update(name, value)) << name;
    }
    void start() {
        set("iSNSServerPort", std::to_string(server.port));
        set("iSNSServerIP", "127.0.0.1");
        set("iSNS", "On");
    }
    // Turns the loop until it is so; the test's clock stands still.
    bool until(const std::function<bool()>& so) {
        const auto limit = io::Clock::now() + seconds(20);
        while (!so()) {
            if (io::Clock::now() > limit) return false;
            turn();
        }
        return true;
    }
    void turn() {
        runtime.control().turn_for_test(now);
        server.serve();
        other.serve();
    }
    void pass(io::Duration time) {
        now += time;
        turn();
    }
    bool registered() { return client.show().state == "registered"; }

    io::TimePoint now = io::Clock::now();
    io::Runtime runtime{io::Runtime::Options()};
    Server server, other;
    IsnsInventory inventory{{*SocketAddress::parse("127.0.0.1", 3260)}, {"iqn.t:1"}};
    IsnsClient client{runtime, [this] { return inventory; }};
};

TEST_F(IsnsClientTest, RegistersWhenItIsSwitchedOn) {
    turn();
    EXPECT_EQ(client.show().state, "off");
    start();
    ASSERT_TRUE(until([this] { return registered(); }));
    EXPECT_EQ(server.has.targets, std::set<std::string>{"iqn.t:1"});
    EXPECT_EQ(server.has.scn_port, client.show().notice_port);
    EXPECT_NE(server.has.scn_port, 0);
    EXPECT_EQ(client.show().registration_period, 100u);
}

TEST_F(IsnsClientTest, MayBeSwitchedOnBeforeItHasAServer) {
    set("iSNS", "On");
    EXPECT_EQ(client.show().state, "no server");
    set("iSNSServerPort", std::to_string(server.port));
    set("iSNSServerIP", "127.0.0.1");
    EXPECT_TRUE(until([this] { return registered(); }));
}

TEST_F(IsnsClientTest, SwitchedOffItTakesEverythingBack) {
    start();
    ASSERT_TRUE(until([this] { return registered(); }));
    set("iSNS", "Off");
    EXPECT_EQ(client.show().state, "leaving");
    EXPECT_TRUE(until([this] { return server.has.entity.empty(); }));
    EXPECT_TRUE(until([this] {
        now += milliseconds(1);
        return client.show().state == "off";
    }));
    EXPECT_EQ(client.show().notice_port, 0);
}

TEST_F(IsnsClientTest, ServerThatDoesNotAnswerHoldsUpTheEndForTwoSecondsAtMost) {
    start();
    ASSERT_TRUE(until([this] { return registered(); }));
    server.silent = true;
    bool stopped = false;
    client.stop(seconds(10), [&] { stopped = true; });
    pass(milliseconds(1900));
    EXPECT_FALSE(stopped);
    pass(milliseconds(100));
    EXPECT_TRUE(stopped);
}

TEST_F(IsnsClientTest, StopsAtOnceWhenItIsOff) {
    bool stopped = false;
    client.stop(seconds(10), [&] { stopped = true; });
    EXPECT_TRUE(stopped);
}

TEST_F(IsnsClientTest, AnotherServerTakesOver) {
    start();
    ASSERT_TRUE(until([this] { return registered(); }));
    set("iSNSServerPort", std::to_string(other.port));
    ASSERT_TRUE(until([this] {
        now += milliseconds(1);
        return registered() && other.has.targets.size() == 1;
    }));
    EXPECT_EQ(server.has.entity, "");
}

TEST_F(IsnsClientTest, FollowsTargetsAndPortals) {
    start();
    ASSERT_TRUE(until([this] { return registered(); }));
    inventory.targets.push_back("iqn.t:2");
    client.inventory_changed();
    client.inventory_changed();
    turn();
    EXPECT_EQ(server.has.targets.size(), 1u);
    now += IsnsClient::settle_time;
    EXPECT_TRUE(until([this] { return server.has.watched.size() == 2; }));
}

TEST_F(IsnsClientTest, PermitsEverybodyWithoutAccessControl) {
    EXPECT_TRUE(client.permits("iqn.t:1", "iqn.i:x"));
    set("iSNSAccessControl", "On");
    EXPECT_TRUE(client.permits("iqn.t:1", "iqn.i:x"));  // iSNS is Off
    set("iSNS", "On");
    EXPECT_FALSE(client.permits("iqn.t:1", "iqn.i:x"));  // no server yet
    set("iSNSAccessControl", "Off");
    EXPECT_TRUE(client.permits("iqn.t:1", "iqn.i:x"));
}

TEST_F(IsnsClientTest, PermitsWhomTheServerNamesAlsoWhileItIsAway) {
    server.has.initiators["iqn.t:1"] = {"iqn.i:a"};
    set("iSNSAccessControl", "On");
    start();
    EXPECT_FALSE(client.permits("iqn.t:1", "iqn.i:a"));
    ASSERT_TRUE(until([this] { return client.permits("iqn.t:1", "iqn.i:a"); }));
    EXPECT_FALSE(client.permits("iqn.t:1", "iqn.i:b"));
    server.connection.reset();
    ASSERT_TRUE(until([this] { return client.show().state == "waiting"; }));
    EXPECT_TRUE(client.permits("iqn.t:1", "iqn.i:a"));
    EXPECT_EQ(client.show().last_error, "it has closed the connection");
    set("iSNSServerPort", std::to_string(other.port));  // who has not said anything yet
    EXPECT_FALSE(client.permits("iqn.t:1", "iqn.i:a"));
}

TEST_F(IsnsClientTest, ConnectsAgainLessAndLessOften) {
    server.nonsense = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    start();
    for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
        ASSERT_TRUE(until([this] { return client.show().state == "waiting"; }));
        const int before = server.connections;
        EXPECT_NE(client.show().last_error.find("version"), std::string::npos);
        pass(seconds(wait) - milliseconds(1));
        EXPECT_EQ(server.connections, before);
        now += milliseconds(1);
        ASSERT_TRUE(until([&] { return server.connections == before + 1; })) << wait;
    }
    server.nonsense.clear();
    now += seconds(60);
    EXPECT_TRUE(until([this] { return registered(); }));
    EXPECT_EQ(client.show().last_error, "");
}

TEST_F(IsnsClientTest, StatusInquiryOverTheConnectionIsAnswered) {
    start();
    ASSERT_TRUE(until([this] { return registered(); }));
    std::vector<uint8_t> memory(64);
    wire::isns::PduWriter esi(memory, 0x0d, 0x4000, 77);
    esi.text(wire::isns::Tag::entity_id, "127.0.0.1");
    const auto made = esi.finish();
    turn();
    server.silent = true;
    server.send({made.begin(), made.end()});
    std::array<uint8_t, 64> got{};
    ssize_t n = 0;
    for (int i = 0; i < 1000 && n <= 0; ++i) {
        runtime.control().turn_for_test(now);
        n = recv(server.connection.get(), got.data(), got.size(), 0);
    }
    ASSERT_EQ(n, ssize_t(made.size()) + 4);
    EXPECT_EQ(wire::load_be<2>(&got[2]), 0x800d);
}

TEST_F(IsnsClientTest, NoticeToItsOwnPortMakesTheListFollow) {
    start();
    set("iSNSAccessControl", "On");
    ASSERT_TRUE(until([this] { return registered() && server.has.watched.size() == 1; }));
    server.has.initiators["iqn.t:1"] = {"iqn.i:a"};
    const auto address = *SocketAddress::parse("127.0.0.1", client.show().notice_port);
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(fd.get(), address.get(), address.size()), 0);
    std::vector<uint8_t> memory(64);
    wire::isns::PduWriter scn(memory, 0x08, 0x4000, 5);
    scn.text(wire::isns::Tag::iscsi_name, "iqn.t:1");
    const auto made = scn.finish();
    ASSERT_EQ(send(fd.get(), made.data(), made.size(), 0), ssize_t(made.size()));
    EXPECT_TRUE(until([this] {
        now += milliseconds(1);
        return client.permits("iqn.t:1", "iqn.i:a");
    }));
    std::array<uint8_t, 64> got{};
    ASSERT_EQ(recv(fd.get(), got.data(), got.size(), 0), ssize_t(made.size()) + 4);
    EXPECT_EQ(wire::load_be<2>(&got[2]), 0x8008);
}

TEST_F(IsnsClientTest, KeepsTheYoungestConnectionsToItsPort) {
    start();
    ASSERT_TRUE(until([this] { return registered(); }));
    const auto address = *SocketAddress::parse("127.0.0.1", client.show().notice_port);
    std::vector<UniqueFd> fds;
    for (size_t i = 0; i <= IsnsListener::max_connections; ++i) {
        fds.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(connect(fds.back().get(), address.get(), address.size()), 0);
        turn();
    }
    std::array<uint8_t, 1> byte{};
    EXPECT_TRUE(until([&] {
        return recv(fds.front().get(), byte.data(), 1, MSG_DONTWAIT) == 0;  // closed
    }));
    EXPECT_EQ(recv(fds.back().get(), byte.data(), 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
}

}  // namespace
}  // namespace tgt::mgmt
