// SPDX-License-Identifier: GPL-2.0-or-later
// What drivers are told.
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/mgmt/registry_fixture.h"

namespace tgt::mgmt {
namespace {

using test::Json;
using test::RegistryTest;

class LoginTest : public RegistryTest {
  protected:
    void SetUp() override {
        RegistryTest::SetUp();
        make_target();
    }
    LoginQuestion question(std::string name = "iqn.t:1", std::string address = "10.0.0.7") {
        LoginQuestion out;
        out.driver = "iscsi";
        out.initiator_name = "iqn.host";
        out.initiator_address = *SocketAddress::parse(address, 40000);
        out.local_address = *SocketAddress::parse("10.0.0.1", 3260);
        out.target_name = std::move(name);
        return out;
    }
    LoginAnswer ask(LoginQuestion what) {
        std::promise<LoginAnswer> promise;
        runtime->control().post([&] {
            registry->login(std::move(what),
                            [&](LoginAnswer answer) { promise.set_value(std::move(answer)); });
        });
        return promise.get_future().get();
    }
    std::vector<DiscoveredTarget> discover(std::string name = "") {
        return on_control([&] { return registry->discover(question(), name); });
    }
    void set(const char* name, const std::string& value) {
        ok("target.update", {{"tid", 1}, {"name", name}, {"value", value}});
    }
    void permit() { ok("target.bind", {{"tid", 1}, {"initiator-address", "10.0.0.0/8"}}); }
};

TEST_F(LoginTest, WithoutARuleTheTargetIsNotThere) {
    EXPECT_EQ(ask(question()).admission, Admission::not_found);
    EXPECT_TRUE(discover().empty());
}

TEST_F(LoginTest, APermittedInitiatorGetsTheTargetAndItsAccounts) {
    permit();
    ok("account.new", {{"user", "u"}, {"password", "s"}});
    ok("account.bind", {{"tid", 1}, {"user", "u"}});
    const LoginAnswer answer = ask(question());
    EXPECT_EQ(answer.admission, Admission::granted);
    EXPECT_EQ(answer.tid, 1);
    EXPECT_EQ(answer.target->name(), "iqn.t:1");
    EXPECT_EQ(answer.incoming, (std::vector<Account>{{"u", "s"}}));
    EXPECT_FALSE(answer.outgoing);
    EXPECT_EQ(ask(question("iqn.t:1", "11.0.0.1")).admission, Admission::not_found);
    EXPECT_EQ(ask(question("iqn.t:2")).admission, Admission::not_found);
}

TEST_F(LoginTest, AccessControlByIsnsCountsBesideTheRules) {
    permit();
    ok("system.update", {{"name", "iSNSAccessControl"}, {"value", "On"}});
    EXPECT_EQ(ask(question()).admission, Admission::granted);  // iSNS is Off
    ok("system.update", {{"name", "iSNS"}, {"value", "On"}});
    const LoginAnswer answer = ask(question());  // no server has named anybody
    EXPECT_EQ(answer.admission, Admission::not_found);
    EXPECT_NE(answer.reason.find("iSNSAccessControl"), std::string::npos);
    EXPECT_TRUE(discover().empty());
    ok("system.update", {{"name", "iSNS"}, {"value", "Off"}});
    EXPECT_EQ(discover().size(), 1u);
}

TEST_F(LoginTest, OfflineRefuses) {
    permit();
    set("state", "offline");
    EXPECT_EQ(ask(question()).admission, Admission::offline);
    set("state", "ready");
    EXPECT_EQ(ask(question()).admission, Admission::granted);
    ok("system.update", {{"name", "State"}, {"value", "offline"}});
    EXPECT_EQ(ask(question()).admission, Admission::offline);
    EXPECT_FALSE(registry->accepting());
    ok("system.update", {{"name", "State"}, {"value", "ready"}});
    EXPECT_TRUE(registry->accepting());
    ok("target.delete", {{"tid", 1}});
    EXPECT_FALSE(registry->accepting());
}

TEST_F(LoginTest, DiscoveryUsesTheGlobalAccounts) {
    ok("account.new", {{"user", "u"}, {"password", "s"}});
    ok("account.bind", {{"user", "u"}});
    LoginQuestion what = question("");
    what.discovery = true;
    const LoginAnswer answer = ask(what);
    EXPECT_EQ(answer.admission, Admission::granted);
    EXPECT_EQ(answer.target, nullptr);
    EXPECT_EQ(answer.incoming.size(), 1u);
}

TEST_F(LoginTest, DiscoveryListsPermittedTargetsWithEveryPortal) {
    permit();
    make_target(2);
    ok("portal.new", {{"params", Json::array({Json::array({"portal", "0.0.0.0:3260"}),
                                              Json::array({"portal", "10.9.9.9:77"})})}});
    const auto found = discover();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].name, "iqn.t:1");
    EXPECT_EQ(found[0].addresses, (std::vector<std::string>{"10.0.0.1:3260,1", "10.9.9.9:77,1"}));
    EXPECT_EQ(discover("iqn.t:1").size(), 1u);
    EXPECT_TRUE(discover("iqn.t:2").empty());
}

TEST_F(LoginTest, RedirectComesBeforeAccess) {
    set("RedirectAddress", "10.0.0.9");
    const LoginAnswer answer = ask(question());
    EXPECT_EQ(answer.admission, Admission::moved_temporarily);
    EXPECT_EQ(answer.redirect_address, "10.0.0.9");
    EXPECT_EQ(ok("target.show", {{"tid", 1}})["redirect"]["address"], "10.0.0.9");
}

TEST_F(LoginTest, RedirectProgramIsAsked) {
    const std::string program = folder + "/redirect";
    std::ofstream(program) << "#!/bin/sh\necho \"$2:3261:Permanent\"\n";
    chmod(program.c_str(), 0700);
    permit();
    set("RedirectCallback", program);
    EXPECT_EQ(ask(question()).admission, Admission::granted);  // it names the initiator itself
    std::ofstream(program) << "#!/bin/sh\necho \"$1\" | grep -q iqn.t:1 && echo "
                              "10.0.0.9:3261:Permanent\n";
    const LoginAnswer answer = ask(question());
    EXPECT_EQ(answer.admission, Admission::moved_permanently) << answer.reason;
    EXPECT_EQ(answer.redirect_address, "10.0.0.9:3261");
    set("RedirectCallback", "/no/such/program");
    EXPECT_EQ(ask(question()).admission, Admission::failed);
}

}  // namespace
}  // namespace tgt::mgmt
