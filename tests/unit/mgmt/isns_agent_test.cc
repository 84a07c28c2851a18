// SPDX-License-Identifier: GPL-2.0-or-later
// Against a server in the same thread; the test turns the clock.
#include "mgmt/isns_agent.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/mgmt/isns_fake_server.h"

namespace tgt::mgmt {
namespace {

using test::FakeIsnsServer;
using Strings = std::set<std::string>;
using std::chrono::seconds;

class IsnsAgentTest : public ::testing::Test {
  protected:
    SocketAddress at(std::string_view host, uint16_t port) {
        return *SocketAddress::parse(host, port);
    }
    void inventory(std::vector<std::string> targets,
                   std::vector<SocketAddress> portals = {*SocketAddress::parse("10.0.0.1", 3260)}) {
        agent.set_inventory({std::move(portals), std::move(targets)}, now);
        talk();
    }
    void connect(std::string_view local = "10.0.0.1") {
        agent.connected(at(local, 50000), 4000, now);
        talk();
    }
    // Until neither side has anything to say.
    void talk() {
        for (auto bytes = agent.take_output(); !bytes.empty(); bytes = agent.take_output())
            give(server.answer(bytes));
    }
    void give(const std::vector<uint8_t>& bytes) {
        std::vector<IsnsMessage> messages;
        ASSERT_TRUE(IsnsAssembler(1 << 20).feed(bytes, messages));
        for (const IsnsMessage& message : messages) agent.received(message, now);
    }
    void pass(io::Duration time) {
        now += time;
        agent.tick(now);
        talk();
    }
    long count(std::string_view function) {
        return std::count(server.log.begin(), server.log.end(), function);
    }
    io::TimePoint now = io::Clock::now();
    FakeIsnsServer server;
    IsnsAgent agent;
};

TEST_F(IsnsAgentTest, RegistersTargetsAndPortalsAndAsksForInitiators) {
    server.initiators["iqn.t:1"] = {"iqn.i:a"};
    inventory({"iqn.t:1", "iqn.t:2"}, {at("10.0.0.1", 3260), at("10.0.1.1", 860)});
    EXPECT_TRUE(server.log.empty());
    connect();
    EXPECT_EQ(server.entity, "10.0.0.1");
    EXPECT_EQ(server.targets, (Strings{"iqn.t:1", "iqn.t:2"}));
    EXPECT_EQ(server.portals, (Strings{"10.0.0.1:3260", "10.0.1.1:860"}));
    EXPECT_EQ(server.watched, server.targets);
    EXPECT_EQ(server.scn_port, 4000);
    EXPECT_EQ(server.esi_port, 0);
    EXPECT_TRUE(agent.permits("iqn.t:1", "iqn.i:a"));
    EXPECT_TRUE(agent.permits("iqn.t:1", "IQN.i:A"));
    EXPECT_FALSE(agent.permits("iqn.t:2", "iqn.i:a"));
    EXPECT_FALSE(agent.permits("iqn.t:3", "iqn.i:a"));
    EXPECT_TRUE(agent.settled());
    EXPECT_EQ(agent.period(), 100u);
}

TEST_F(IsnsAgentTest, FirstRegistrationReplacesWhatAnEarlierLifeLeft) {
    server.entity = "10.0.0.1";
    server.targets = {"iqn.old"};
    inventory({"iqn.t:1"});
    connect();
    EXPECT_EQ(server.log.front(), "DevAttrReg+");
    EXPECT_EQ(server.targets, Strings{"iqn.t:1"});
}

TEST_F(IsnsAgentTest, WildcardPortalIsTheAddressOfTheConnection) {
    inventory({"iqn.t:1"}, {at("0.0.0.0", 3260), at("::", 3260)});
    connect("10.9.9.9");
    EXPECT_EQ(server.portals, Strings{"10.9.9.9:3260"});
    EXPECT_EQ(server.entity, "10.9.9.9");
}

TEST_F(IsnsAgentTest, NothingIsRegisteredWithoutTargetsOrPortals) {
    EXPECT_FALSE(agent.wants_connection());
    inventory({}, {at("10.0.0.1", 3260)});
    EXPECT_FALSE(agent.wants_connection());
    inventory({"iqn.t:1"}, {});
    EXPECT_FALSE(agent.wants_connection());
    inventory({"iqn.t:1"});
    EXPECT_TRUE(agent.wants_connection());
}

TEST_F(IsnsAgentTest, OnlyWhatChangesIsSaid) {
    inventory({"iqn.t:1", "iqn.t:2"});
    connect();
    server.log.clear();
    server.initiators["iqn.t:3"] = {"iqn.i:a"};
    inventory({"iqn.t:2", "iqn.t:3"});
    EXPECT_EQ(server.targets, (Strings{"iqn.t:2", "iqn.t:3"}));
    EXPECT_EQ(server.log,
              (std::vector<std::string>{"DevDereg", "DevAttrReg", "SCNReg", "DevAttrQry"}));
    EXPECT_TRUE(agent.permits("iqn.t:3", "iqn.i:a"));
    inventory({"iqn.t:2", "iqn.t:3"}, {at("10.0.0.2", 3260)});
    EXPECT_EQ(server.portals, Strings{"10.0.0.2:3260"});
    EXPECT_TRUE(agent.settled());
}

TEST_F(IsnsAgentTest, TargetThatHasGonePermitsNobody) {
    server.initiators["iqn.t:1"] = {"iqn.i:a"};
    inventory({"iqn.t:1"});
    connect();
    inventory({"iqn.t:2"});
    EXPECT_FALSE(agent.permits("iqn.t:1", "iqn.i:a"));
}

TEST_F(IsnsAgentTest, LastTargetTakesTheEntityWithIt) {
    inventory({"iqn.t:1"});
    connect();
    inventory({});
    EXPECT_EQ(server.entity, "");
    EXPECT_FALSE(agent.wants_connection());
    inventory({"iqn.t:2"});
    EXPECT_EQ(server.entity, "10.0.0.1");
    EXPECT_EQ(server.portals, Strings{"10.0.0.1:3260"});
    EXPECT_EQ(server.watched, Strings{"iqn.t:2"});
}

TEST_F(IsnsAgentTest, LeavingDeregistersTheEntity) {
    inventory({"iqn.t:1", "iqn.t:2"});
    connect();
    agent.leave(now);
    EXPECT_TRUE(agent.wants_connection());
    talk();
    EXPECT_EQ(server.log.back(), "DevDereg");
    EXPECT_EQ(server.entity, "");
    EXPECT_FALSE(agent.wants_connection());
}

TEST_F(IsnsAgentTest, NoticeMakesTheListFollow) {
    inventory({"iqn.t:1"});
    connect();
    EXPECT_FALSE(agent.permits("iqn.t:1", "iqn.i:a"));
    server.initiators["iqn.t:1"] = {"iqn.i:a"};
    agent.noticed("iqn.t:1", now);
    talk();
    EXPECT_TRUE(agent.permits("iqn.t:1", "iqn.i:a"));
    server.initiators["iqn.t:1"] = {};
    agent.noticed("IQN.T:1", now);  // the server may have another case
    talk();
    EXPECT_TRUE(agent.permits("iqn.t:1", "iqn.i:a"));
    pass(seconds(1));
    EXPECT_FALSE(agent.permits("iqn.t:1", "iqn.i:a"));
}

TEST_F(IsnsAgentTest, ManyNoticesAreOneQuestionEachSecond) {
    inventory({"iqn.t:1"});
    connect();
    server.log.clear();
    for (int i = 0; i < 100; ++i) agent.noticed("iqn.t:1", now);
    agent.noticed("iqn.unknown", now);
    talk();
    EXPECT_EQ(count("DevAttrQry"), 1);
    pass(seconds(1));
    EXPECT_EQ(count("DevAttrQry"), 2);
    pass(seconds(1));
    pass(seconds(1));
    EXPECT_EQ(count("DevAttrQry"), 2);
}

TEST_F(IsnsAgentTest, ServerHearsFromItInTimeAndInitiatorsDoNotRfc4171_6_2_6) {
    inventory({"iqn.t:1"});
    connect();
    server.log.clear();
    pass(seconds(69));
    EXPECT_TRUE(server.log.empty());
    pass(seconds(1));  // 100 s less 30 s
    EXPECT_EQ(server.log, (std::vector<std::string>{"DevAttrQry", "SCNReg", "DevAttrQry"}));
    pass(seconds(70));
    EXPECT_EQ(count("SCNReg"), 2);
}

TEST_F(IsnsAgentTest, RefreshIsNeitherTooSeldomNorTooOften) {
    for (const auto& [period, wait] : {std::pair{40u, 20}, {2u, 5}, {3600u, 300}, {0u, 300}}) {
        server.period = period;
        agent = IsnsAgent();
        inventory({"iqn.t:1"});
        connect();
        EXPECT_EQ(agent.deadline(), now + seconds(wait)) << period;
    }
}

TEST_F(IsnsAgentTest, WhatTheServerHasLostIsSaidAgain) {
    inventory({"iqn.t:1", "iqn.t:2"});
    connect();
    server.lose_everything();
    pass(seconds(70));
    EXPECT_EQ(server.targets.size(), 2u);
    EXPECT_EQ(server.watched.size(), 2u);
    server.targets.erase("iqn.t:2");
    pass(seconds(70));
    EXPECT_EQ(server.targets.size(), 2u);
    EXPECT_TRUE(agent.settled());
}

TEST_F(IsnsAgentTest, ReconnectingDisturbsNothing) {
    server.initiators["iqn.t:1"] = {"iqn.i:a"};
    inventory({"iqn.t:1", "iqn.t:2"});
    connect();
    agent.disconnected();
    EXPECT_FALSE(agent.registered());
    EXPECT_TRUE(agent.permits("iqn.t:1", "iqn.i:a"));
    EXPECT_EQ(agent.deadline(), std::nullopt);
    inventory({"iqn.t:1", "iqn.t:3"});
    server.log.clear();
    connect("10.0.0.99");
    EXPECT_EQ(server.entity, "10.0.0.1");  // names stay where they are registered
    EXPECT_EQ(server.targets, (Strings{"iqn.t:1", "iqn.t:3"}));
    EXPECT_EQ(count("DevAttrReg+"), 0);
    EXPECT_EQ(count("DevAttrReg"), 1);  // the new target
    EXPECT_TRUE(agent.settled());
}

TEST_F(IsnsAgentTest, ReconnectingToAServerThatHasLostEverythingRegistersAll) {
    inventory({"iqn.t:2"});
    connect();
    agent.disconnected();
    server.lose_everything();
    inventory({"iqn.t:1", "iqn.t:2"});
    connect();
    EXPECT_EQ(server.targets, (Strings{"iqn.t:1", "iqn.t:2"}));
    EXPECT_EQ(server.portals.size(), 1u);
    EXPECT_EQ(server.watched.size(), 2u);
}

TEST_F(IsnsAgentTest, TargetDeletedWhileTheServerWasAwayIsTakenBack) {
    inventory({"iqn.t:1"});
    connect();
    agent.disconnected();
    inventory({});
    EXPECT_TRUE(agent.wants_connection());
    connect();
    EXPECT_EQ(server.entity, "");
    EXPECT_FALSE(agent.wants_connection());
}

TEST_F(IsnsAgentTest, ManyTargetsGoInSeveralMessages) {
    std::vector<std::string> names;
    for (int i = 0; i < 1000; ++i)
        names.push_back("iqn.2001-04.org.example:" + std::string(190, 'x') + std::to_string(i));
    std::vector<SocketAddress> portals;
    for (uint16_t i = 1; i <= 100; ++i) portals.push_back(at("10.0.0.1", i));
    inventory(names, portals);
    connect();
    EXPECT_EQ(server.portals.size(), 32u);
    EXPECT_EQ(server.targets.size(), 1000u);
    EXPECT_EQ(server.watched.size(), 1000u);
    EXPECT_TRUE(agent.settled());
}

TEST_F(IsnsAgentTest, FewRequestsAreUnderWayAtOnce) {
    std::vector<std::string> names;
    for (int i = 0; i < 50; ++i) names.push_back("iqn.t:" + std::to_string(i));
    inventory(names);
    agent.connected(at("10.0.0.1", 1), 4000, now);
    give(server.answer(agent.take_output()));
    server.answer(agent.take_output());
    EXPECT_EQ(count("SCNReg"), 16);
}

TEST_F(IsnsAgentTest, OneTargetThatIsRefusedDoesNotHoldUpTheOthers) {
    server.refused_targets = {"iqn.t:2"};
    inventory({"iqn.t:1", "iqn.t:2", "iqn.t:3"});
    connect();
    EXPECT_EQ(server.targets, (Strings{"iqn.t:1", "iqn.t:3"}));
    EXPECT_TRUE(agent.registered());
    EXPECT_FALSE(agent.settled());
    EXPECT_NE(agent.last_error().find("iqn.t:2: invalid registration"), std::string::npos)
        << agent.last_error();
    server.refused_targets.clear();
    pass(seconds(5));
    EXPECT_EQ(server.targets.size(), 3u);
    EXPECT_EQ(agent.last_error(), "");
    EXPECT_TRUE(agent.settled());
}

TEST_F(IsnsAgentTest, RefusedRegistrationIsTriedAgainLessAndLessOften) {
    server.refused[FakeIsnsServer::Function::dev_attr_reg] = 12;
    inventory({"iqn.t:1"});
    connect();
    EXPECT_FALSE(agent.registered());
    EXPECT_NE(agent.last_error().find("busy"), std::string::npos);
    EXPECT_EQ(count("DevAttrReg+"), 1);
    pass(seconds(5));
    EXPECT_EQ(count("DevAttrReg+"), 2);
    pass(seconds(9));
    EXPECT_EQ(count("DevAttrReg+"), 2);
    pass(seconds(1));
    EXPECT_EQ(count("DevAttrReg+"), 3);
    server.refused.clear();
    pass(seconds(20));
    EXPECT_TRUE(agent.settled());
}

TEST_F(IsnsAgentTest, ServerThatKnowsNoNoticesStillGivesLists) {
    server.refused[FakeIsnsServer::Function::scn_reg] = 17;
    server.initiators["iqn.t:1"] = {"iqn.i:a"};
    inventory({"iqn.t:1"});
    connect();
    EXPECT_TRUE(agent.permits("iqn.t:1", "iqn.i:a"));
    EXPECT_NE(agent.last_error().find("SCN registration rejected"), std::string::npos);
    server.initiators["iqn.t:1"] = {};
    pass(seconds(70));
    EXPECT_FALSE(agent.permits("iqn.t:1", "iqn.i:a"));
}

TEST_F(IsnsAgentTest, QuestionThatFailsKeepsTheListAndNoSuchEntryEmptiesIt) {
    server.initiators["iqn.t:1"] = {"iqn.i:a"};
    inventory({"iqn.t:1"});
    connect();
    server.refused[FakeIsnsServer::Function::dev_attr_qry] = 11;
    agent.noticed("iqn.t:1", now);
    talk();
    EXPECT_TRUE(agent.permits("iqn.t:1", "iqn.i:a"));
    server.refused[FakeIsnsServer::Function::dev_attr_qry] = 9;
    agent.noticed("iqn.t:1", now);
    pass(seconds(1));
    EXPECT_FALSE(agent.permits("iqn.t:1", "iqn.i:a"));
}

TEST_F(IsnsAgentTest, StatusInquiriesAreAskedForOnlyWhenWantedAndNotWhereRefused) {
    IsnsAgent::Options options;
    options.esi_interval = 60;
    agent = IsnsAgent(options);
    inventory({"iqn.t:1"});
    connect();
    EXPECT_EQ(server.esi_port, 4000);
    server = FakeIsnsServer();
    agent = IsnsAgent(options);
    server.refused[FakeIsnsServer::Function::dev_attr_reg] = 21;
    inventory({"iqn.t:1"});
    agent.connected(at("10.0.0.1", 1), 4000, now);
    give(server.answer(agent.take_output()));
    server.refused.clear();
    talk();
    EXPECT_EQ(server.esi_port, 0);
    EXPECT_TRUE(agent.settled());
}

TEST_F(IsnsAgentTest, SilentServerBreaksTheConnection) {
    inventory({"iqn.t:1"});
    agent.connected(at("10.0.0.1", 1), 4000, now);
    agent.take_output();
    EXPECT_EQ(agent.deadline(), now + seconds(10));
    agent.tick(now + seconds(9));
    EXPECT_EQ(agent.broken(), "");
    agent.tick(now + seconds(10));
    EXPECT_NE(agent.broken(), "");
}

TEST_F(IsnsAgentTest, AnswersToNothingAndEmptyOnesDoNoHarm) {
    inventory({"iqn.t:1"});
    agent.connected(at("10.0.0.1", 1), 4000, now);
    agent.received({.function = 0x8001, .transaction = 4711}, now);
    EXPECT_FALSE(agent.registered());
    agent.received({.function = 0x8001, .transaction = 1}, now);  // not even a status
    EXPECT_FALSE(agent.registered());
    EXPECT_NE(agent.last_error(), "");
}

TEST_F(IsnsAgentTest, TargetThatGoesAndComesWhileRequestsAreUnderWayIsThere) {
    inventory({"iqn.t:1", "iqn.t:2"});
    connect();
    agent.set_inventory({{at("10.0.0.1", 3260)}, {"iqn.t:1"}}, now);
    agent.set_inventory({{at("10.0.0.1", 3260)}, {"iqn.t:1", "iqn.t:2"}}, now);
    talk();
    EXPECT_EQ(server.targets.size(), 2u);
    EXPECT_EQ(server.watched.size(), 2u);
    agent.set_inventory({{at("10.0.0.1", 3260)}, {}}, now);
    agent.set_inventory({{at("10.0.0.1", 3260)}, {"iqn.t:3"}}, now);
    talk();
    EXPECT_EQ(server.targets, Strings{"iqn.t:3"});
    EXPECT_TRUE(agent.settled());
}

}  // namespace
}  // namespace tgt::mgmt
