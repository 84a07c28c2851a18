// SPDX-License-Identifier: GPL-2.0-or-later
// On a runtime that was never started: the test is every thread, and turns the clock.
#include "mgmt/portals.h"

#include <gtest/gtest.h>

#include "tests/unit/mgmt/fake_driver.h"

namespace tgt::mgmt {
namespace {

using test::FakeDriver;

class PortalsTest : public ::testing::Test {
  protected:
    PortalSpec spec(std::string_view text) { return *PortalSpec::parse(text); }
    void pass(io::Duration time) {
        now += time;
        runtime.control().turn_for_test(now);
    }
    bool add(std::string_view text) {
        bool good = false;
        portals.add(spec(text), [&](Status status) { good = status.has_value(); });
        return good;
    }
    std::vector<std::string> shown() {
        std::vector<std::string> out;
        for (const auto& portal : portals.newest_first()) out.push_back(portal->text);
        return out;
    }
    io::TimePoint now = io::Clock::now();
    io::Runtime runtime{io::Runtime::Options()};
    FakeDriver driver;
    Portals portals{runtime, driver};
};

TEST_F(PortalsTest, AreShownNewestFirst) {
    EXPECT_TRUE(add("127.0.0.1:1"));
    EXPECT_TRUE(add("[::1]:2"));
    EXPECT_EQ(shown(), (std::vector<std::string>{"[::1]:2", "127.0.0.1:1"}));
    EXPECT_FALSE(add("127.0.0.1:1"));
}

TEST_F(PortalsTest, OneAddedLaterWorksAtOnceOrIsRefused) {
    driver.refused["127.0.0.1:1"] = EADDRINUSE;
    EXPECT_FALSE(add("127.0.0.1:1"));
    EXPECT_TRUE(shown().empty());
}

TEST_F(PortalsTest, OneOfTheStartIsTriedUntilItWorks) {
    driver.refused["127.0.0.1:1"] = EADDRNOTAVAIL;
    pass({});
    bool done = false;
    portals.open_all({spec("127.0.0.1:1"), spec("127.0.0.1:2")}, [&] { done = true; });
    EXPECT_TRUE(done);
    EXPECT_TRUE(portals.any_listening());
    EXPECT_EQ(portals.newest_first().back()->state, Portals::Portal::State::failed);
    EXPECT_EQ(portals.newest_first().back()->reason, "refused by the test");
    pass(Portals::retry_every);
    EXPECT_EQ(driver.attempts, 3);
    driver.refused.clear();
    pass(Portals::retry_every);
    EXPECT_EQ(portals.newest_first().back()->state, Portals::Portal::State::listening);
    pass(Portals::retry_every);
    EXPECT_EQ(driver.attempts, 4);
}

TEST_F(PortalsTest, WildcardWithoutIPv6IsWhole) {
    driver.refused["[::]:3260"] = EAFNOSUPPORT;
    EXPECT_TRUE(add(""));
    EXPECT_EQ(shown(), std::vector<std::string>{"0.0.0.0:3260"});
}

TEST_F(PortalsTest, WildcardWithATakenPortIsRefusedWhole) {
    driver.refused["[::]:3260"] = EADDRINUSE;
    EXPECT_FALSE(add(""));
    EXPECT_TRUE(shown().empty());
    EXPECT_TRUE(driver.listening.empty());
}

TEST_F(PortalsTest, RemovedOnesAreGoneAndUnknownOnesRefused) {
    ASSERT_TRUE(add("127.0.0.1:1"));
    bool good = true;
    portals.remove(spec("127.0.0.1:2"), [&](Status status) { good = status.has_value(); });
    EXPECT_FALSE(good);
    portals.remove(spec("127.0.0.1:1"), [&](Status status) { good = status.has_value(); });
    EXPECT_TRUE(good);
    EXPECT_TRUE(driver.listening.empty());
    EXPECT_TRUE(shown().empty());
}

TEST_F(PortalsTest, EveryPortalIsAnnouncedWildcardsAsTheLocalAddress) {
    ASSERT_TRUE(add(""));
    ASSERT_TRUE(add("127.0.0.1:7"));
    const auto local = *SocketAddress::parse("10.0.0.5", 3260);
    EXPECT_EQ(portals.announced(local),
              (std::vector<std::string>{"10.0.0.5:3260,1", "127.0.0.1:7,1"}));
    const auto local6 = *SocketAddress::parse("fd00::5", 3260);
    EXPECT_EQ(portals.announced(local6),
              (std::vector<std::string>{"[fd00::5]:3260,1", "127.0.0.1:7,1"}));
}

// What a daemon listens on that is started with `at_start` and the changes of the one before it.
class PortalsAfterARestart : public PortalsTest {
  protected:
    bool remove(std::string_view text) {
        bool good = false;
        portals.remove(spec(text), [&](Status status) { good = status.has_value(); });
        return good;
    }
    std::set<std::string> after(const std::vector<std::string>& at_start) {
        FakeDriver other;
        Portals restarted(runtime, other);
        restarted.set_changes(portals.changes());
        std::vector<PortalSpec> specs;
        for (const auto& text : at_start) specs.push_back(spec(text));
        restarted.open_all(specs, [] {});
        return other.listening;
    }
    void start(const std::string& text) {
        portals.open_all({spec(text)}, [] {});
    }
    using Texts = std::set<std::string>;
};

TEST_F(PortalsAfterARestart, WhatWasAddedIsThereAndWhatWasRemovedIsNot) {
    start("127.0.0.1:1");
    EXPECT_TRUE(add("127.0.0.1:2"));
    EXPECT_TRUE(add("127.0.0.1:3"));
    EXPECT_TRUE(remove("127.0.0.1:2"));
    EXPECT_EQ(after({"127.0.0.1:1"}), (Texts{"127.0.0.1:1", "127.0.0.1:3"}));
    EXPECT_TRUE(remove("127.0.0.1:1"));
    EXPECT_EQ(after({"127.0.0.1:1"}), (Texts{"127.0.0.1:3"}));
    EXPECT_TRUE(add("127.0.0.1:1"));
    EXPECT_EQ(after({"127.0.0.1:1"}), (Texts{"127.0.0.1:1", "127.0.0.1:3"}));
    EXPECT_EQ(after({}), (Texts{"127.0.0.1:3"}));
}

TEST_F(PortalsAfterARestart, HalfOfAWildcardStaysAway) {
    start("");
    EXPECT_TRUE(remove("[::]:3260"));
    EXPECT_EQ(after({""}), (Texts{"0.0.0.0:3260"}));
    EXPECT_TRUE(remove("0.0.0.0:3260"));
    EXPECT_EQ(after({""}), Texts());
}

TEST_F(PortalsAfterARestart, AWildcardThatWasAddedAndRemovedLeavesNothing) {
    start("127.0.0.1:1");
    EXPECT_TRUE(add(":5"));
    EXPECT_EQ(after({"127.0.0.1:1"}), (Texts{"127.0.0.1:1", "0.0.0.0:5", "[::]:5"}));
    EXPECT_TRUE(remove(":5"));
    EXPECT_TRUE(portals.changes().added.empty());
    EXPECT_TRUE(portals.changes().removed.empty());
}

TEST_F(PortalsAfterARestart, WhatWasRefusedIsNoChange) {
    driver.refused["127.0.0.1:1"] = EADDRINUSE;
    EXPECT_FALSE(add("127.0.0.1:1"));
    EXPECT_FALSE(remove("127.0.0.1:9"));
    EXPECT_EQ(after({}), Texts());
}

}  // namespace
}  // namespace tgt::mgmt
