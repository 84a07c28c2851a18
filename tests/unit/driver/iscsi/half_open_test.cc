// SPDX-License-Identifier: GPL-2.0-or-later
// Connections that are not logged in: how many there may be, and which go.
#include "driver/iscsi/half_open.h"

#include "tests/unit/driver/iscsi/connection_fixture.h"

namespace tgt::iscsi {
namespace {

mgmt::SocketAddress from(const std::string& host) {
    return *mgmt::SocketAddress::parse(host, 1024);
}

TEST(HalfOpen, OneAddressHasHalfOfThePlaces) {
    HalfOpen queue(4);
    for (uint64_t id = 1; id <= 2; ++id) queue.add(id, from("10.0.0.1"));
    EXPECT_FALSE(queue.surplus(2));
    queue.add(3, from("10.0.0.1"));
    EXPECT_EQ(queue.surplus(3), 1u);
}

TEST(HalfOpen, WhenAllPlacesAreTakenTheOldestGoes) {
    HalfOpen queue(4);
    for (uint64_t id = 1; id <= 5; ++id) queue.add(id, from("10.0.0." + std::to_string(id)));
    EXPECT_EQ(queue.surplus(5), 1u);
    queue.remove(1);
    EXPECT_FALSE(queue.surplus(5));
    EXPECT_EQ(queue.size(), 4u);
}

TEST(HalfOpen, OneThatSpeaksGoesAfterTheSilentOnes) {
    HalfOpen queue(4);
    for (uint64_t id = 1; id <= 3; ++id) queue.add(id, from("10.0.0.1"));
    queue.speaks(1);
    EXPECT_EQ(queue.surplus(3), 2u);
    queue.remove(2);
    queue.speaks(3);
    queue.add(4, from("10.0.0.1"));
    EXPECT_EQ(queue.surplus(4), 1u) << "all others speak";
    queue.remove(1);
    queue.add(5, from("10.0.0.1"));
    EXPECT_EQ(queue.surplus(5), 4u) << "a flood of silent ones costs no more than that";
}

TEST(HalfOpen, AnIpv6NetworkCountsAsOneAddress) {
    HalfOpen queue(4);
    for (uint64_t id = 1; id <= 3; ++id) queue.add(id, from("2001:db8::" + std::to_string(id)));
    EXPECT_EQ(queue.surplus(3), 1u);
    HalfOpen other(4);
    for (uint64_t id = 1; id <= 3; ++id) other.add(id, from("fe80::" + std::to_string(id)));
    EXPECT_FALSE(other.surplus(3)) << "link-local: all hosts of the link";
}

TEST(HalfOpen, ALimitOfOneHasRoomForTheNewest) {
    HalfOpen queue(1);
    queue.add(1, from("10.0.0.1"));
    EXPECT_FALSE(queue.surplus(1));
    queue.add(2, from("10.0.0.2"));
    EXPECT_EQ(queue.surplus(2), 1u);
}

DriverSettings limits(uint32_t logins, uint32_t connections = 100) {
    DriverSettings settings;
    settings.login_limit = logins;
    settings.connection_limit = connections;
    return settings;
}
constexpr uint8_t stay_in_security = 0x00;

TEST(ConnectionLimits, ASilentConnectionMakesRoomForANewOne) {
    SessionBench bench(1, limits(4));
    auto a = bench.connect(), b = bench.connect(), c = bench.connect();
    EXPECT_TRUE(a->closed());
    EXPECT_FALSE(b->closed());
    EXPECT_TRUE(c->login());
    EXPECT_EQ(bench.registry->half_open_count(), 1u);
}

TEST(ConnectionLimits, SessionsDoNotCount) {
    SessionBench bench(1, limits(4));
    std::vector<std::unique_ptr<Peer>> sessions;
    for (uint8_t isid = 1; isid <= 5; ++isid) {
        sessions.push_back(bench.connect());
        ASSERT_TRUE(sessions.back()->login("", isid));
    }
    EXPECT_EQ(bench.session_count(), 5u);
    EXPECT_EQ(bench.registry->half_open_count(), 0u);
}

TEST(ConnectionLimits, SilentConnectionsDoNotDisplaceALoginThatHasBegun) {
    SessionBench bench(1, limits(4));
    auto good = bench.connect();
    good->raw(good->login_request("AuthMethod=None|", 1, stay_in_security));
    ASSERT_EQ(good->one().opcode(), Opcode::login_response);
    std::vector<std::unique_ptr<Peer>> silent;
    for (int i = 0; i < 50; ++i) silent.push_back(bench.connect());
    EXPECT_FALSE(good->closed());
    EXPECT_TRUE(silent.front()->closed());
    EXPECT_EQ(bench.registry->connection_count(), 2u);
}

TEST(ConnectionLimits, AnotherAddressIsNotTouchedByAFlood) {
    SessionBench bench(1, limits(4));
    auto good = bench.connect("10.0.0.1");
    std::vector<std::unique_ptr<Peer>> silent;
    for (int i = 0; i < 50; ++i) silent.push_back(bench.connect("10.0.0.2"));
    EXPECT_TRUE(good->login());
}

TEST(ConnectionLimits, WhatHasComeIsLookedAtBeforeAConnectionMakesRoom) {
    SessionBench bench(1, limits(4));
    auto good = bench.connect();
    good->slip(good->login_request());
    auto a = bench.connect("127.0.0.1", false), b = bench.connect("127.0.0.1", false);
    EXPECT_EQ(bench.registry->half_open_count(), 2u) << "asked to go";
    EXPECT_EQ(good->one().opcode(), Opcode::login_response);
    EXPECT_EQ(bench.session_count(), 1u);
    EXPECT_TRUE(a->closed()) << "in its place";
    EXPECT_FALSE(b->closed());
}

TEST(ConnectionLimits, LoginsThatNeverEndAreBoundedToo) {
    SessionBench bench(1, limits(4));
    std::vector<std::unique_ptr<Peer>> slow;
    for (uint8_t i = 1; i <= 10; ++i) {
        slow.push_back(bench.connect());
        slow.back()->raw(slow.back()->login_request("AuthMethod=None|", i, stay_in_security));
    }
    EXPECT_EQ(bench.registry->connection_count(), 2u);
    EXPECT_FALSE(slow.back()->closed());
}

TEST(ConnectionLimits, AtTheLimitOfConnectionsSessionsStayAndNewOnesAreRefused) {
    SessionBench bench(1, limits(4, 2));
    auto a = bench.connect(), b = bench.connect();
    ASSERT_TRUE(a->login("", 1));
    ASSERT_TRUE(b->login("", 2));
    auto c = bench.connect();
    EXPECT_TRUE(c->closed());
    EXPECT_FALSE(a->closed() || b->closed());
    b->hang_up();
    auto d = bench.connect();
    EXPECT_TRUE(d->login("", 3));
}

TEST(ConnectionLimits, AtTheLimitOfConnectionsUnfinishedLoginsAndDiscoveryMakeRoom) {
    SessionBench bench(1, limits(4, 2));
    auto discovery = bench.connect(), silent = bench.connect();
    ASSERT_TRUE(discovery->login("SessionType=Discovery|", 1));
    auto a = bench.connect();
    EXPECT_TRUE(silent->closed());
    EXPECT_FALSE(discovery->closed());
    ASSERT_TRUE(a->login("", 2));
    auto b = bench.connect();
    EXPECT_TRUE(discovery->closed());
    EXPECT_TRUE(b->login("", 3));
}

TEST(ConnectionLimits, WithoutDescriptorsSomeOfTheUnfinishedLoginsGo) {
    SessionBench bench(1, limits(16));
    auto session = bench.connect();
    ASSERT_TRUE(session->login());
    std::vector<std::unique_ptr<Peer>> silent;
    for (int i = 0; i < 8; ++i) silent.push_back(bench.connect());
    bench.registry->relieve();
    EXPECT_TRUE(silent[0]->closed() && silent[2]->closed());
    EXPECT_FALSE(silent[3]->closed() || session->closed());
}

TEST(ConnectionLimits, AWorkerThatDoesNotKeepUpPausesTheAccepting) {
    SessionBench bench(1, limits(2));
    bool more = true;
    size_t accepted = 0;
    for (; more && accepted < 1000; ++accepted)
        more = bench.registry->add_connection(from("10.0.0.1"), [](WorkerContext&, uint64_t) {
            return std::unique_ptr<Connection>();
        });
    EXPECT_EQ(accepted, 257u);
}

TEST(ConnectionLimits, LoginTimeoutIsASetting) {
    DriverSettings settings;
    settings.login_timeout = 3;
    SessionBench bench(1, settings);
    auto idle = bench.connect();
    bench.scsi.pass(2s);
    EXPECT_FALSE(idle->closed());
    bench.scsi.pass(2s);
    EXPECT_TRUE(idle->closed());
}

TEST(DriverSettings, TakesNumbersInRangeAndNamesTheRange) {
    DriverSettings settings;
    EXPECT_TRUE(settings.update("login_limit", "0x20"));
    EXPECT_EQ(settings.login_limit, 32u);
    EXPECT_EQ(settings.update("login_limit", "0").error().text,
              "login_limit cannot be '0': it takes a number from 1 to 65535");
    EXPECT_EQ(settings.update("nonsense", "1").error().code, ENOENT);
    EXPECT_EQ(settings.login_limit, 32u);
}

}  // namespace
}  // namespace tgt::iscsi
