// SPDX-License-Identifier: GPL-2.0-or-later
// Targets that are bound to hosts.
#include <gmock/gmock.h>

#include <thread>

#include "ipc/admin/render.h"
#include "mgmt/state_restore.h"
#include "mgmt/state_snapshot.h"
#include "tests/unit/mgmt/registry_fixture.h"

namespace tgt::mgmt {
namespace {

using test::Json;
using testing::ElementsAre;
using testing::HasSubstr;

class HostsTest : public test::RegistryTest {
  protected:
    void SetUp() override {
        RegistryTest::SetUp();
        add_loop();
    }
    void add_loop() {
        loop = on_control([&] {
            auto made = std::make_unique<test::FakeHostDriver>();
            auto* raw = made.get();
            registry->add_driver(std::move(made));
            return raw;
        });
    }
    void make_loop_target(int tid) {
        ok("target.new",
           {{"lld", "loop"}, {"tid", tid}, {"targetname", "loop.t:" + std::to_string(tid)}});
    }
    Json bind(int tid, uint32_t host) { return ok("target.bind", {{"tid", tid}, {"host", host}}); }
    unsigned unbind(int tid, uint32_t host) {
        return code("target.unbind", {{"tid", tid}, {"host", host}});
    }
    void come(uint32_t host) {
        on_control([&] { return loop->come(host), 0; });
    }
    void go(uint32_t host) {
        on_control([&] { return loop->go(host), 0; });
    }
    std::map<uint32_t, int> bound() {
        return on_control([&] { return loop->bound; });
    }
    void wait_until_bound() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (bound().empty() && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::vector<std::string> changes() {
        return on_control([&] { return std::exchange(loop->changes, {}); });
    }

    test::FakeHostDriver* loop = nullptr;
};

using Bound = std::map<uint32_t, int>;

TEST_F(HostsTest, ATargetIsBoundToHostsAndUnboundAgain) {
    make_loop_target(1);
    come(3);
    come(4);
    EXPECT_EQ(bind(1, 3), Json::object());
    bind(1, 4);
    EXPECT_EQ(bound(), (Bound{{3, 1}, {4, 1}}));
    EXPECT_EQ(target(1)["hosts"], Json::parse(R"([{"host": 3, "present": true},
                                                   {"host": 4, "present": true}])"));
    EXPECT_EQ(unbind(1, 3), 0u);
    EXPECT_EQ(bound(), (Bound{{4, 1}}));
}

TEST_F(HostsTest, AHostThatIsNotThereIsRememberedAndBoundWhenItComes) {
    make_loop_target(1);
    const Json answer = bind(1, 3);
    ASSERT_TRUE(answer.contains("warnings"));
    EXPECT_EQ(answer["warnings"][0], "there is no host 3; target 1 is bound to it when it comes");
    EXPECT_EQ(target(1)["hosts"], Json::parse(R"([{"host": 3, "present": false}])"));
    on_control([&] { return loop->why = "modprobe something", 0; });
    EXPECT_THAT(bind(1, 5)["warnings"][0].get<std::string>(),
                HasSubstr("there is no host 5 (modprobe something); target 1"));
    EXPECT_EQ(ok("lld.show")["llds"][1]["reason"], "modprobe something");
    come(4);
    EXPECT_EQ(bound(), Bound{});
    come(3);
    EXPECT_EQ(bound(), (Bound{{3, 1}}));
}

TEST_F(HostsTest, AHostThatGoesAndComesIsBoundAgainUntilItIsUnbound) {
    make_loop_target(1);
    come(3);
    bind(1, 3);
    go(3);
    EXPECT_EQ(bound(), Bound{});
    come(3);
    EXPECT_EQ(bound(), (Bound{{3, 1}}));
    go(3);
    EXPECT_EQ(unbind(1, 3), 0u);
    come(3);
    EXPECT_EQ(bound(), Bound{});
}

TEST_F(HostsTest, AHostThatADaemonBeforeStillHasIsBoundLater) {
    make_loop_target(1);
    bind(1, 3);
    on_control([&] { return loop->busy = 1; });
    come(3);
    wait_until_bound();
    EXPECT_EQ(bound(), (Bound{{3, 1}}));
}

TEST_F(HostsTest, AnAdministratorIsToldOfAHostThatADaemonBeforeStillHas) {
    make_loop_target(1);
    come(3);
    on_control([&] { return loop->busy = 1; });
    const Json answer = bind(1, 3);
    ASSERT_TRUE(answer.contains("warnings"));
    EXPECT_THAT(answer["warnings"][0].get<std::string>(),
                HasSubstr("target 1 is bound to host 3 when it lets go"));
    wait_until_bound();
    EXPECT_EQ(bound(), (Bound{{3, 1}}));
}

TEST_F(HostsTest, AHostHasOneTargetAtMost) {
    make_loop_target(1);
    make_loop_target(2);
    bind(1, 3);
    EXPECT_EQ(code("target.bind", {{"tid", 2}, {"host", 3}}), 11u);
    EXPECT_EQ(reason, "host 3 has target 1 (loop.t:1) already");
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"host", 3}}), 11u);
    EXPECT_EQ(reason, "target 1 is bound to host 3 already");
    EXPECT_EQ(unbind(2, 3), 8u);
    EXPECT_EQ(reason, "target 2 is not bound to host 3");
    EXPECT_EQ(unbind(1, 3), 0u);
    EXPECT_EQ(code("target.bind", {{"tid", 2}, {"host", 3}}), 0u);
}

TEST_F(HostsTest, WhatCannotBeIsRefusedAndNotRemembered) {
    make_loop_target(1);
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"host", 0}}), 17u);
    EXPECT_EQ(code("target.bind", {{"tid", 7}, {"host", 3}}), 4u);
    EXPECT_EQ(code("target.bind", {{"tid", 1}}), 17u);
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"initiator-address", "ALL"}}), 17u);
    EXPECT_THAT(reason, HasSubstr("bound to hosts"));
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"host", 3}, {"initiator-name", "iqn.a"}}), 17u);
    come(3);
    on_control([&] { return loop->broken = true; });
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"host", 3}}), 17u);
    EXPECT_EQ(reason, "target 1 cannot be bound to host 3: it is broken");
    EXPECT_EQ(target(1)["hosts"], Json::array());
}

TEST_F(HostsTest, ISCSITakesNoNoticeOfAHost) {
    make_target();
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"host", 3}}), 0u);
    EXPECT_FALSE(target(1).contains("hosts"));
}

TEST_F(HostsTest, TheDriverHearsOfLogicalUnits) {
    make_loop_target(1);
    changes();
    make_disk(1, 5, file("a", 1 << 20));
    EXPECT_THAT(changes(), ElementsAre("1+5"));
    ok("logicalunit.delete", {{"tid", 1}, {"lun", 5}});
    EXPECT_THAT(changes(), ElementsAre("1-5"));
}

TEST_F(HostsTest, ABoundTargetIsDeletedWithForceOnly) {
    make_loop_target(1);
    come(3);
    bind(1, 3);
    EXPECT_EQ(code("target.delete", {{"tid", 1}}), 19u);
    EXPECT_EQ(reason, "target 1 is bound to host 3; unbind it, or delete with --force");
    EXPECT_EQ(bound(), (Bound{{3, 1}}));
    EXPECT_EQ(code("target.delete", {{"tid", 1}, {"force", true}}), 0u);
    EXPECT_EQ(bound(), Bound{});
    go(3);
    make_loop_target(1);
    come(3);
    EXPECT_EQ(bound(), Bound{});
}

TEST_F(HostsTest, AListingNamesTheHostsInPlaceOfAccounts) {
    make_loop_target(1);
    come(3);
    bind(1, 3);
    bind(1, 9);
    const std::string hosts = "    Host information:\n        3\n        9 (not there)\n";
    EXPECT_THAT(ok("target.show", {{"format", "text"}})["text"].get<std::string>(),
                HasSubstr(hosts + "    ACL information:\n"));
    EXPECT_THAT(ipc::render("target.show", Json::object(), ok("target.show")), HasSubstr(hosts));
}

TEST_F(HostsTest, TheSavedStateBringsBindingsBackWhenTheLunsAreThere) {
    make_loop_target(1);
    make_disk(1, 5, file("a", 1 << 20));
    bind(1, 3);
    bind(1, 4);
    std::vector<StateRow> rows = on_control([&] {
        const TargetEntry& entry = registry->targets().at(1);
        return std::vector{encode_row(saved_target(*registry, entry)),
                           encode_row(saved_lun(*registry, entry, 5))};
    });
    ok("target.delete", {{"tid", 1}});
    come(3);
    std::promise<size_t> unused;
    runtime->control().post([&] {
        restore_state(*registry, rows, {},
                      [&](std::vector<StateKeeper::Unused> bad) { unused.set_value(bad.size()); });
    });
    EXPECT_EQ(unused.get_future().get(), 0u);
    EXPECT_EQ(bound(), (Bound{{3, 1}}));
    EXPECT_EQ(on_control([&] { return loop->luns_at_bind; }), (std::map<uint32_t, size_t>{{3, 2}}));
    come(4);
    EXPECT_EQ(bound(), (Bound{{3, 1}, {4, 1}}));
}

TEST_F(HostsTest, ADaemonThatStopsTakesNothingAway) {
    make_loop_target(1);
    make_disk(1, 5, file("a", 1 << 20));
    come(3);
    bind(1, 3);
    changes();
    std::promise<void> stopped;
    runtime->control().post(
        [&] { registry->stop(std::chrono::seconds(1), [&] { stopped.set_value(); }); });
    stopped.get_future().get();
    EXPECT_THAT(changes(), ElementsAre());
}

}  // namespace
}  // namespace tgt::mgmt
