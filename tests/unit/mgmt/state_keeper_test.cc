// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_keeper.h"

#include "mgmt/state_restore.h"
#include "tests/unit/mgmt/backing_fixture.h"

namespace tgt::mgmt {
namespace {

using test::Json;
using Kind = StateChange::Kind;
namespace fake = test::fake;
using testing::AnyOf;
using testing::HasSubstr;

StateChange put(std::string key, std::string value) {
    return {Kind::put, {std::move(key), std::move(value)}};
}

std::string text_of(const PendingChanges& pending) {
    std::string out;
    for (const StateChange& one : pending.all())
        out += std::string(one.kind == Kind::put     ? "+"
                           : one.kind == Kind::erase ? "-"
                                                     : "--") +
               one.row.key + one.row.value + " ";
    return out;
}

TEST(PendingChangesTest, OfTwoChangesOfAnObjectOnlyTheNewerIsWritten) {
    PendingChanges pending;
    pending.add({put("a", "1"), put("b", "1"), put("a", "2"), {Kind::erase, {"b", ""}}});
    EXPECT_EQ(text_of(pending), "+a2 -b ");
    pending.add({put("b", "3"), put("b", "4")});
    EXPECT_EQ(text_of(pending), "+a2 -b +b4 ");
    pending.add({{Kind::erase, {"b", ""}}});
    EXPECT_EQ(text_of(pending), "+a2 -b -b ");
}

TEST(PendingChangesTest, ErasingBelowTakesWhatWaitsThere) {
    PendingChanges pending;
    pending.add({put("t/1", "x"), put("t/1/lun/1", "x"), put("t/10", "x")});
    pending.add({{Kind::erase_below, {"t/1", ""}}, put("t/1/lun/2", "y")});
    EXPECT_EQ(text_of(pending), "+t/1x +t/10x --t/1 +t/1/lun/2y ");
}

// A registry with a state directory that outlives it.
class StateTest : public test::BackingTest {
  protected:
    void SetUp() override {
        std::string name = "/tmp/state-test-XXXXXX";
        state_folder = mkdtemp(name.data());
        fake::reset();
        restart();
        make_target();
    }
    void TearDown() override {
        state.reset();  // the registry's is the last: it goes before the runtime
        BackingTest::TearDown();
        std::filesystem::remove_all(state_folder);
    }
    // The daemon ends and another begins.
    void restart(RestoreOptions restoring = {}) {
        state.reset();
        end();
        auto db = StateDb::open(state_folder);
        ASSERT_TRUE(db) << db.error().text;
        auto rows = (*db)->load();
        auto with = options();
        with.revival.first = std::chrono::milliseconds(5);
        with.revival.longest = std::chrono::milliseconds(20);
        begin(std::move(with), [&](io::Runtime& runtime, RegistryOptions& more) {
            state = std::make_shared<StateKeeper>(runtime, state_folder, std::move(*db),
                                                  StateKeeper::Options{});
            more.state = state;
        });
        std::promise<void> restored;
        runtime->control().post([&] {
            restore_state(*registry, *rows, restoring, [&](std::vector<StateKeeper::Unused> bad) {
                state->set_unused(std::move(bad));
                restored.set_value();
            });
        });
        restored.get_future().get();
    }
    Json saved_state() { return ok("system.show")["saved_state"]; }
    void await_backing(int number, const std::string& wanted) {
        for (int i = 0; i < 10000 && lun(1, number)["backing"] != wanted; ++i) usleep(1000);
        EXPECT_EQ(lun(1, number)["backing"], wanted);
    }

    std::shared_ptr<StateKeeper> state;
    std::string state_folder;
};

TEST_F(StateTest, SettingsOfTheStoreComeBackAndActionsDoNot) {
    const std::string path = state_folder + "/disk";
    { const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); }
    ok("logicalunit.new", new_lun(1, path));
    ASSERT_EQ(update("colour", "blue"), 0u);
    restart();
    EXPECT_EQ(lun(1, 1)["store"]["parameters"][0]["value"], "blue");
}

TEST_F(StateTest, ALunWhoseStoreHangsIsNotReadyAndOpensLater) {
    const std::string hung = state_folder + "/hung", fine = state_folder + "/fine";
    for (const auto& path : {hung, fine})
        const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ok("logicalunit.new", new_lun(1, hung));
    ok("logicalunit.new", new_lun(2, fine));
    fake::medium(hung).opening.shut();
    restart({std::chrono::milliseconds(30), 64});
    EXPECT_EQ(lun(1, 1)["backing"], "gone");
    // The second, when the next attempt has been made already.
    EXPECT_THAT(
        lun(1, 1)["backing_reason"].get<std::string>(),
        AnyOf(HasSubstr("has not opened yet"), HasSubstr("attempt to open it has not come")));
    await_backing(2, "present");  // at once, or when all have waited so long that it is tried again
    EXPECT_TRUE(saved_state()["unused"].empty());
    fake::medium(hung).opening.open();
    await_backing(1, "present");
}

TEST_F(StateTest, ALunIsThereAllTheTimeWhileItsMediumTakesItsPlace) {
    const std::string path = state_folder + "/disk";
    { const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); }
    ok("logicalunit.new", new_lun(1, path));
    fake::with(path, [](test::FakeMedium& medium) { medium.open_error = ENOENT; });
    restart();
    login();
    EXPECT_EQ(run_command({0, 0, 0, 0, 0, 0}).sense(), 0x020400u);
    EXPECT_TRUE(there_all_the_time([&] {
        fake::with(path, [](test::FakeMedium& medium) { medium.open_error = 0; });
        await_backing(1, "present");
    }));
    EXPECT_EQ(run_command({0, 0, 0, 0, 0, 0}).sense(), 0x062900u);
    EXPECT_EQ(run_command({0, 0, 0, 0, 0, 0}).sense(), 0x063f0eu);
    EXPECT_TRUE(run_command(read10(0)).good());
    EXPECT_EQ(update("scsi_sn", "fine"), 0u);
}

TEST_F(StateTest, ManyHungStoresCostOnePatienceOnly) {
    std::vector<std::string> paths;
    for (int i = 1; i <= 10; ++i) {
        paths.push_back(state_folder + "/hung" + std::to_string(i));
        const UniqueFd fd(open(paths.back().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        ok("logicalunit.new", new_lun(i, paths.back()));
    }
    for (const auto& path : paths) fake::medium(path).opening.shut();
    restart({std::chrono::milliseconds(30), 2});
    for (int i = 1; i <= 10; ++i) EXPECT_EQ(lun(1, i)["backing"], "gone") << i;
    for (const auto& path : paths) fake::medium(path).opening.open();
    for (int i = 1; i <= 10; ++i) await_backing(i, "present");
}

TEST_F(StateTest, WhatCannotBeWrittenIsInForceWithAWarningUntilItIs) {
    std::filesystem::rename(state_folder + "/state.db", state_folder + "/elsewhere");
    const Json answer = ok("account.new", {{"user", "bob"}, {"password", "x"}});
    EXPECT_THAT(answer["warnings"][0].get<std::string>(), HasSubstr("not in the saved state yet"));
    EXPECT_EQ(ok("account.show")["accounts"].size(), 1u);
    EXPECT_EQ(saved_state()["state"], "failing");
    EXPECT_EQ(saved_state()["unsaved"], 1u);
    std::filesystem::rename(state_folder + "/elsewhere", state_folder + "/state.db");
    EXPECT_FALSE(ok("account.new", {{"user", "eve"}, {"password", "x"}}).contains("warnings"));
    EXPECT_EQ(saved_state()["state"], "ok");
    restart();
    EXPECT_EQ(ok("account.show")["accounts"], Json::array({"eve", "bob"}));
}

TEST_F(StateTest, OfAnUpdateThatIsRefusedHalfWayThePartInForceIsSaved) {
    const std::string path = state_folder + "/disk";
    { const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); }
    ok("logicalunit.new", new_lun(1, path));
    EXPECT_EQ(update_lun(Json::array(
                  {Json::array({"scsi_sn", "half"}), Json::array({"readonly", "perhaps"})})),
              17u);
    restart();
    EXPECT_EQ(lun(1, 1)["scsi_sn"], "half");
}

TEST_F(StateTest, RequestsThatWaitAtOnceAreAllAnswered) {
    std::vector<std::shared_ptr<Pending>> all;
    for (int i = 10; i < 60; ++i)
        all.push_back(begin_request("target.new",
                                    {{"tid", i}, {"targetname", "iqn.t:" + std::to_string(i)}}));
    for (const auto& one : all) EXPECT_TRUE(one->answer.get());
    restart();
    EXPECT_EQ(ok("target.show")["targets"].size(), 51u);
}

}  // namespace
}  // namespace tgt::mgmt
