// SPDX-License-Identifier: GPL-2.0-or-later
// LUNs on media that hang, that another LUN has, or that nobody lets go of.
#include <filesystem>

#include "mgmt/reservation_store.h"
#include "tests/unit/mgmt/backing_fixture.h"

namespace tgt::mgmt {
namespace {

namespace fake = test::fake;
using test::Json;
using testing::HasSubstr;

class UnitRequestTest : public test::BackingTest {
  protected:
    struct Counts {
        int opened = 0, closed = 0;
    };
    static Counts counts(const std::string& path) {
        Counts out;
        fake::with(path, [&](test::FakeMedium& medium) { out = {medium.opened, medium.closed}; });
        return out;
    }
    // Until handles that nobody wants are closed: closing goes round the pool and back.
    void await_closed(const std::string& path, int closed) {
        for (int i = 0; i < 1000 && counts(path).closed < closed; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        EXPECT_EQ(counts(path).closed, closed);
        on_control([] { return 0; });
    }
    // A write that the store keeps.
    tgt::test::TestCommandPtr stick_write(const std::string& path) {
        fake::with(path, [](test::FakeMedium& medium) {
            medium.stores.back()->cancellable = false;
            medium.stores.back()->hold(true);
        });
        auto command = start(write10(0), std::vector<uint8_t>(512));
        on_worker([] {});
        return command;
    }
};

// --- an open that hangs -------------------------------------------------------------------------

TEST_F(UnitRequestTest, AnOpenThatHangsIsAnsweredAndItsNumberIsFree) {
    begin_with(impatient());
    const std::string path = file("fake", 1 << 20);
    fake::medium(path).opening.shut();
    EXPECT_EQ(code("logicalunit.new", new_lun(1, path)), 20u);
    EXPECT_THAT(reason, HasSubstr(path + " could not be opened within 1 s"));
    make_fake(1, "another");
    EXPECT_EQ(code("logicalunit.new", new_lun(2, path)), 20u);
    EXPECT_THAT(reason, HasSubstr("an earlier attempt to open it has not come back"));

    fake::medium(path).opening.open();
    await_closed(path, 1);
    EXPECT_EQ(code("logicalunit.new", new_lun(2, path)), 0u);
    EXPECT_EQ(lun(1, 2)["store"]["path"], path);
}

TEST_F(UnitRequestTest, WhoWaitsBehindAnOpenThatHangsIsAnsweredWithIt) {
    begin_with(impatient());
    const std::string path = file("fake", 1 << 20);
    fake::medium(path).opening.shut();
    auto first = begin_request("logicalunit.new", new_lun(1, path));
    fake::medium(path).opening.await();
    auto second = begin_request("logicalunit.new", new_lun(2, path));
    EXPECT_FALSE(first->answer.get());
    EXPECT_FALSE(second->answer.get());
    EXPECT_EQ(counts(path).opened, 0);
}

TEST_F(UnitRequestTest, DeletingALunThatIsBeingOpenedFreesItsNumberAtOnce) {
    const std::string path = file("fake", 1 << 20);
    fake::medium(path).opening.shut();
    auto waiting = begin_request("logicalunit.new", new_lun(1, path));
    fake::medium(path).opening.await();
    EXPECT_EQ(code("logicalunit.new", new_lun(1, path)), 10u);
    EXPECT_EQ(remove(1), 0u);
    const Answer answer = waiting->answer.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, "LUN 1 of target 1 was deleted");
    make_fake(1, "another");
}

TEST_F(UnitRequestTest, DeletingATargetDoesNotWaitForAnOpen) {
    const std::string path = file("fake", 1 << 20);
    fake::medium(path).opening.shut();
    auto waiting = begin_request("logicalunit.new", new_lun(1, path));
    fake::medium(path).opening.await();
    EXPECT_EQ(code("target.delete", {{"tid", 1}}), 0u);
    const Answer answer = waiting->answer.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, "target 1 (iqn.t:1) was deleted");
    make_target();
    fake::medium(path).opening.open();
    await_closed(path, 1);
    EXPECT_TRUE(lun(1, 1).is_null());
}

TEST_F(UnitRequestTest, StoppingDoesNotWaitForAnOpen) {
    const std::string path = file("fake", 1 << 20);
    fake::medium(path).opening.shut();
    auto waiting = begin_request("logicalunit.new", new_lun(1, path));
    fake::medium(path).opening.await();
    std::promise<void> stopped;
    runtime->control().post(
        [&] { registry->stop(std::chrono::hours(1), [&] { stopped.set_value(); }); });
    stopped.get_future().get();
    EXPECT_FALSE(waiting->answer.get());
    EXPECT_EQ(counts(path).opened, 0);
}

TEST_F(UnitRequestTest, ANewPathThatHangsLeavesTheOldMedium) {
    begin_with(impatient());
    const std::string path = make_fake();
    const std::string other = file("other", 1 << 20);
    fake::medium(other).opening.shut();
    EXPECT_EQ(update("online", "0"), 0u);
    EXPECT_EQ(update("path", other), 20u);
    EXPECT_EQ(lun(1, 1)["store"]["path"], path);
    EXPECT_EQ(update("online", "1"), 0u);
}

TEST_F(UnitRequestTest, ANewPathIsOpenedLikeTheOldOne) {
    const std::string path = file("fake", 1 << 20);
    Json params = new_lun(1, path);
    params["bsopts"] = "speed=1";
    params["bsoflags"] = "sync";
    ok("logicalunit.new", params);
    const std::string other = file("other", 1 << 20);
    EXPECT_EQ(update("online", "0"), 0u);
    EXPECT_EQ(update("path", other), 0u);
    fake::with(other, [](test::FakeMedium& medium) {
        EXPECT_EQ(medium.request.options, "speed=1");
        EXPECT_TRUE(medium.request.flags.sync);
    });
}

// --- media that are in use -----------------------------------------------------------------------

TEST_F(UnitRequestTest, AMediumIsNotUsedThroughTwoEngines) {
    const std::string path = make_fake();
    const std::string link = folder + "/link", hard = folder + "/hard";
    std::filesystem::create_symlink(path, link);
    std::filesystem::create_hard_link(path, hard);
    for (const std::string& name : {path, link, hard}) {
        EXPECT_EQ(code("logicalunit.new", new_lun(2, name, "other")), 17u);
        EXPECT_EQ(reason,
                  name +
                      " is the medium of LUN 1 of target 1 with the backing store type fake "
                      "already; a second LUN on it must have the same, not other");
        EXPECT_EQ(code("logicalunit.new", new_lun(2, name)), 0u);
        EXPECT_EQ(remove(2), 0u);
    }
    EXPECT_EQ(counts(path).opened, 1);
}

// --- pass-through devices
// -------------------------------------------------------------------------

TEST_F(UnitRequestTest, APassThroughDeviceNeedsAStoreOfCommandsAndNothingElseTakesOne) {
    const std::string path = file("device", 1 << 20);
    auto request = new_lun(1, path);
    request["device-type"] = "pt";
    EXPECT_EQ(code("logicalunit.new", request), 17u);
    EXPECT_THAT(reason, HasSubstr("needs the backing store type commands, not fake"));
    EXPECT_EQ(code("logicalunit.new", new_lun(1, path, "commands")), 17u);
    EXPECT_THAT(reason, HasSubstr("commands is for the device type pt, not for disk"));
    request.erase("bstype");
    EXPECT_EQ(code("logicalunit.new", request), 17u);
    request["bstype"] = "commands";
    EXPECT_EQ(code("logicalunit.new", request), 0u);
    EXPECT_EQ(lun(1, 1)["type"], "passthrough");
}

TEST_F(UnitRequestTest, APassThroughDeviceCannotBeMadeReadOnlyByUs) {
    auto request = new_lun(1, file("device", 1 << 20), "commands");
    request["device-type"] = "pt";
    ok("logicalunit.new", request);
    EXPECT_EQ(update("readonly", "1"), 17u);
    EXPECT_THAT(reason, HasSubstr("every command goes to the pass-through device"));
    EXPECT_EQ(update("readonly", "0"), 0u);
    EXPECT_EQ(update("vendor_id", "ACME"), 0u);
    EXPECT_EQ(update("online", "0"), 0u);
    EXPECT_EQ(lun(1, 1)["online"], false);
}

TEST_F(UnitRequestTest, AMediumThatOnlyTheEngineRecognisesIsShared) {
    const std::string path = file("a", 1 << 20), name = file("b", 1 << 20);
    for (const std::string& one : {path, name})
        fake::with(one, [](test::FakeMedium& medium) { medium.lasting_id = "serial:1"; });
    ok("logicalunit.new", new_lun(1, path));
    ok("logicalunit.new", new_lun(2, name));
    EXPECT_EQ(unit(1), unit(2));
    await_closed(name, 1);
    EXPECT_EQ(code("logicalunit.new", new_lun(3, name, "other")), 17u);
}

TEST_F(UnitRequestTest, AStuckWriteKeepsItsMediumFromEveryEngine) {
    const std::string path = make_fake();
    login();
    auto write = stick_write(path);
    EXPECT_EQ(remove(1), 0u);
    for (const char* engine : {"fake", "other"}) {
        EXPECT_EQ(code("logicalunit.new", new_lun(2, path, engine)), 20u);
        EXPECT_EQ(reason, "1 writes of LUN 1 of target 1, which was deleted, are stuck in " + path +
                              " (backing store type fake) and may still land there; try again when "
                              "they have ended");
    }
    fake::let_everything_go();
    write->wait();
    await_closed(path, 1);
    EXPECT_EQ(code("logicalunit.new", new_lun(2, path, "other")), 0u);
}

TEST_F(UnitRequestTest, WhatIsStuckIsListedUntilItHasEnded) {
    const std::string path = make_fake();
    login();
    EXPECT_EQ(graveyard(), Json::array());
    auto write = stick_write(path);
    EXPECT_EQ(lun(1, 1)["stuck_commands"], 0);
    EXPECT_EQ(remove(1), 0u);
    const Json shown = graveyard();
    ASSERT_EQ(shown.size(), 1u);
    EXPECT_EQ(shown[0]["path"], path);
    EXPECT_EQ(shown[0]["bstype"], "fake");
    EXPECT_EQ(shown[0]["was"], "LUN 1 of target 1");
    EXPECT_EQ(shown[0]["stuck_commands"], 1);
    EXPECT_LE(shown[0]["since"], 60);
    EXPECT_EQ(ok("target.show")["graveyard"], shown);
    fake::let_everything_go();
    write->wait();
    await_closed(path, 1);
    EXPECT_EQ(graveyard(), Json::array());
}

TEST_F(UnitRequestTest, ALunCanBeDeletedWhileItsOldMediumIsStuck) {
    const std::string path = make_fake(), other = file("other", 1 << 20);
    login();
    auto write = stick_write(path);
    EXPECT_EQ(update("online", "0"), 0u);
    ok("target.update", {{"tid", 1}, {"name", "abort-bound"}, {"value", "60"}});
    Json params = {{"tid", 1}, {"lun", 1}};
    params["params"] = Json::array({Json::array({"path", other})});
    auto waiting = begin_request("logicalunit.update", params);
    while (lun(1, 1)["store"]["path"] != other && !waiting->ready()) usleep(1000);
    EXPECT_FALSE(waiting->ready());
    ASSERT_EQ(graveyard().size(), 1u);
    EXPECT_EQ(graveyard()[0]["path"], path);
    EXPECT_EQ(graveyard()[0]["was"], "LUN 1 of target 1");
    EXPECT_EQ(remove(1), 0u);
    const Answer answer = waiting->answer.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, "LUN 1 of target 1 was deleted");
    EXPECT_TRUE(lun(1, 1).is_null());
    await_closed(other, 1);
    fake::let_everything_go();
    write->wait();
    await_closed(path, 1);
}

TEST_F(UnitRequestTest, AStuckCommandOfALunIsCounted) {
    const std::string path = make_fake();
    login();
    auto write = stick_write(path);
    on_worker([&] { scsi::abandon(*write); });
    EXPECT_EQ(lun(1, 1)["stuck_commands"], 1);
    EXPECT_EQ(lun(1, 1)["backing"], "present");
    fake::let_everything_go();
    write->wait();
    on_worker([] {});
    EXPECT_EQ(lun(1, 1)["stuck_commands"], 0);
}

TEST_F(UnitRequestTest, ACloseThatHangsKeepsTheMediumAndSaysSo) {
    begin_with(impatient());
    const std::string path = make_fake();
    fake::medium(path).closing.shut();
    EXPECT_EQ(remove(1), 0u);
    EXPECT_EQ(code("logicalunit.new", new_lun(1, path)), 20u);
    EXPECT_EQ(reason, path + " is still being closed after its last use; try again later");
    ASSERT_EQ(graveyard().size(), 1u);
    EXPECT_EQ(graveyard()[0]["stuck_commands"], 0);
    auto waiting = begin_request("logicalunit.new", new_lun(1, path));
    fake::medium(path).closing.open();
    EXPECT_TRUE(waiting->answer.get());
    EXPECT_EQ(graveyard(), Json::array());
}

TEST_F(UnitRequestTest, AMediumThatAnotherLunStillUsesIsNotInTheGraveyard) {
    const std::string path = make_fake(1);
    ok("logicalunit.new", new_lun(2, path));
    EXPECT_EQ(remove(1), 0u);
    EXPECT_EQ(graveyard(), Json::array());
    EXPECT_EQ(code("logicalunit.new", new_lun(3, path, "other")), 17u);
    EXPECT_THAT(reason, HasSubstr("LUN 2 of target 1"));
}

// --- reservations that outlive the daemon --------------------------------------------------------

class KeptReservationsTest : public UnitRequestTest {
  protected:
    void SetUp() override {
        std::string name = "/tmp/mgmt-state-XXXXXX";
        state_dir_ = mkdtemp(name.data());
        fake::reset();
        start_daemon();
    }
    void TearDown() override {
        UnitRequestTest::TearDown();
        std::filesystem::remove_all(state_dir_);
    }
    void start_daemon() {
        begin(options(), [this](io::Runtime& runtime, RegistryOptions& options) {
            options.reservations = std::make_shared<ReservationStore>(runtime, state_dir_);
            EXPECT_TRUE(options.reservations->prepare());
        });
        make_target();
    }
    // REGISTER with APTPL (SPC-4 6.16).
    tgt::test::Answer register_key(uint8_t key, bool aptpl) {
        std::vector<uint8_t> parameters(24);
        parameters[15] = key;
        parameters[20] = aptpl ? 1 : 0;
        return run_command({0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0}, parameters);
    }
    std::vector<uint64_t> keys(int number = 1) {
        std::vector<uint64_t> out;
        for (const auto& one : unit(number)->state()->reservations.registrations)
            out.push_back(one.key);
        return out;
    }
    std::string make_kept(const std::string& lasting_id, const std::string& name = "fake") {
        const std::string path = file(name, 1 << 20);
        fake::with(path, [&](test::FakeMedium& medium) { medium.lasting_id = lasting_id; });
        ok("logicalunit.new", new_lun(1, path));
        return path;
    }

    std::string state_dir_;
};

TEST_F(KeptReservationsTest, ALunStartsFromThoseOfItsMediumWhateverItsPathIs) {
    make_kept("serial:1");
    EXPECT_EQ(lun(1, 1)["keeps_reservations"], true);
    login();
    EXPECT_TRUE(register_key(7, true).good());
    logout();
    start_daemon();
    make_kept("serial:1", "elsewhere");
    EXPECT_EQ(keys(), std::vector<uint64_t>{7});
    EXPECT_EQ(remove(1), 0u);
    make_kept("serial:2");
    EXPECT_EQ(keys(), std::vector<uint64_t>{});
}

TEST_F(KeptReservationsTest, AMediumWithoutALastingNameIsKnownByItsRealPath) {
    const std::string path = make_kept("");
    std::filesystem::create_symlink(path, folder + "/link");
    login();
    EXPECT_TRUE(register_key(7, true).good());
    logout();
    EXPECT_EQ(remove(1), 0u);
    ok("logicalunit.new", new_lun(2, folder + "/link"));
    EXPECT_EQ(keys(2), std::vector<uint64_t>{7});
}

TEST_F(KeptReservationsTest, WithoutAptplNothingIsKept) {
    make_kept("serial:1");
    login();
    EXPECT_TRUE(register_key(7, false).good());
    logout();
    EXPECT_EQ(remove(1), 0u);
    make_kept("serial:1");
    EXPECT_EQ(keys(), std::vector<uint64_t>{});
}

TEST_F(KeptReservationsTest, AUnitTakesItsReservationsToANewMedium) {
    make_kept("serial:1");
    login();
    EXPECT_TRUE(register_key(7, true).good());
    logout();
    const std::string other = file("other", 1 << 20);
    fake::with(other, [](test::FakeMedium& medium) { medium.lasting_id = "serial:2"; });
    EXPECT_EQ(update("online", "0"), 0u);
    EXPECT_EQ(update("path", other), 0u);
    EXPECT_EQ(keys(), std::vector<uint64_t>{7});
    EXPECT_EQ(remove(1), 0u);
    make_kept("serial:2", "other");
    EXPECT_EQ(keys(), std::vector<uint64_t>{7});
}

TEST_F(KeptReservationsTest, NothingIsKeptForWhatCannotBeToldApart) {
    ok("logicalunit.new", new_lun(1, "anything", "null"));
    EXPECT_EQ(lun(1, 1)["keeps_reservations"], false);
    ok("logicalunit.new", {{"tid", 1}, {"lun", 2}});
    EXPECT_EQ(lun(1, 2)["keeps_reservations"], false);
    login();
    EXPECT_EQ(register_key(7, true).sense(), 0x052600u);
}

TEST_F(KeptReservationsTest, ThoseOfAPassThroughDeviceAreItsOwn) {
    const std::string path = file("device", 1 << 20);
    fake::with(path, [](test::FakeMedium& medium) { medium.lasting_id = "scsi:1"; });
    auto request = new_lun(1, path, "commands");
    request["device-type"] = "pt";
    ok("logicalunit.new", request);
    EXPECT_EQ(lun(1, 1)["keeps_reservations"], false);
}

TEST_F(UnitRequestTest, WithoutAStateFolderNoReservationsAreKept) {
    make_fake();
    EXPECT_EQ(lun(1, 1)["keeps_reservations"], false);
}

}  // namespace
}  // namespace tgt::mgmt
