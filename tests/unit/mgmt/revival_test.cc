// SPDX-License-Identifier: GPL-2.0-or-later
// Media that fail, go away and come back.
#include "mgmt/revival.h"

#include "tests/unit/mgmt/backing_fixture.h"

namespace tgt::mgmt {
namespace {

namespace fake = test::fake;
using test::FakeMedium;
using test::Json;
using testing::HasSubstr;

class RevivalTest : public test::BackingTest {
  protected:
    void SetUp() override {
        RegistryOptions with = watchful();
        with.revival.pause = with.revival.first = std::chrono::milliseconds(5);
        with.revival.longest = std::chrono::milliseconds(20);
        begin_with(std::move(with));
    }
    std::string make_named(const std::string& lasting_id) {
        const std::string path = file("fake", 1 << 20);
        fake::with(path, [&](FakeMedium& medium) { medium.lasting_id = lasting_id; });
        ok("logicalunit.new", new_lun(1, path));
        login();
        return path;
    }
    // Every operation of the handles that are open fails from now on, and so does the next open.
    static void lose(const std::string& path) {
        fake::with(path, [](FakeMedium& medium) {
            medium.size_error = medium.open_error = ENODEV;
            for (auto* store : medium.stores)
                store->fail_when([](const store::Op&) { return ENODEV; });
        });
    }
    static void bring_back(const std::string& path) {
        fake::with(path, [](FakeMedium& medium) { medium.size_error = medium.open_error = 0; });
    }
    void await(const std::function<bool(const Json&)>& reached) {
        for (int i = 0; i < 2000 && !reached(lun(1, 1)); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        EXPECT_TRUE(reached(lun(1, 1))) << lun(1, 1);
    }
    void await_backing(const std::string& backing) {
        await([&](const Json& lun) { return lun["backing"] == backing; });
    }
    void await_reason(const std::string& part) {
        await([&](const Json& lun) {
            return lun["backing_reason"].is_string() &&
                   lun["backing_reason"].get<std::string>().find(part) != std::string::npos;
        });
    }
    void lose_and_notice(const std::string& path) {
        lose(path);
        run_command(read10(0));
        await_backing("gone");
    }
};

TEST_F(RevivalTest, AMediumThatIsGoneMakesItsUnitNotReadyUntilItIsBack) {
    const std::string path = make_named("serial:1");
    lose_and_notice(path);
    EXPECT_EQ(run_command(read10(0)).sense(), 0x020400u);
    await_reason("cannot open " + path);
    bring_back(path);
    await_backing("present");
    EXPECT_TRUE(run_command(read10(0)).good());
    EXPECT_TRUE(lun(1, 1)["backing_reason"].is_null());
    EXPECT_EQ(lun(1, 1)["flush_failed"], false);
}

TEST_F(RevivalTest, AnotherMediumAtThePathIsNeverUsed) {
    const std::string path = make_named("serial:1");
    lose_and_notice(path);
    fake::with(path, [](FakeMedium& medium) { medium.lasting_id = "serial:2"; });
    bring_back(path);
    await_reason("is another medium, and is not used");
    EXPECT_EQ(run_command(read10(0)).sense(), 0x020400u);
    EXPECT_EQ(lun(1, 1)["backing"], "gone");
}

TEST_F(RevivalTest, TheSameMediumIsTakenBackUnderAnotherNumber) {
    const std::string path = make_named("serial:1");
    lose_and_notice(path);
    fake::with(path, [](FakeMedium& medium) {
        medium.lasting_id = "serial:2";
        medium.identity = {9, 9, true};
    });
    bring_back(path);
    await_reason("is another medium, and is not used");
    fake::with(path, [](FakeMedium& medium) { medium.lasting_id = "serial:1"; });
    await_backing("present");
    EXPECT_TRUE(run_command(read10(0)).good());
}

TEST_F(RevivalTest, AMediumThatIsBackTooSmallIsNotUsed) {
    const std::string path = make_named("serial:1");
    lose_and_notice(path);
    fake::with(path, [](FakeMedium& medium) { medium.size = 1 << 19; });
    bring_back(path);
    await_reason("with 524288 bytes only");
    fake::with(path, [](FakeMedium& medium) { medium.size = 2 << 20; });
    await_backing("present");
    EXPECT_EQ(lun(1, 1)["size_bytes"], 2 << 20);
    EXPECT_EQ(run_command({0, 0, 0, 0, 0, 0}).sense(), 0x062a09u);
}

TEST_F(RevivalTest, AMediumThatIsBackReadOnlyIsNotUsed) {
    const std::string path = make_named("serial:1");
    lose_and_notice(path);
    fake::with(path, [](FakeMedium& medium) { medium.read_only = true; });
    bring_back(path);
    await_reason("can only be read");
    fake::with(path, [](FakeMedium& medium) { medium.read_only = false; });
    await_backing("present");
}

TEST_F(RevivalTest, WhatWasNotFlushedIsAFlushFailure) {
    const std::string path = make_named("serial:1");
    EXPECT_TRUE(run_command(write10(0), std::vector<uint8_t>(512)).good());
    lose_and_notice(path);
    await([](const Json& lun) { return lun["flush_failed"] == true; });
    bring_back(path);
    await_backing("present");
    EXPECT_EQ(lun(1, 1)["flush_failed"], true);
    EXPECT_EQ(update("flush_failed", "0"), 0u);
}

TEST_F(RevivalTest, WhatWasFlushedIsNoFlushFailure) {
    const std::string path = make_named("serial:1");
    EXPECT_TRUE(run_command(write10(0), std::vector<uint8_t>(512)).good());
    EXPECT_TRUE(run_command({0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0}).good());  // SYNCHRONIZE CACHE
    lose_and_notice(path);
    bring_back(path);
    await_backing("present");
    EXPECT_EQ(lun(1, 1)["flush_failed"], false);
}

TEST_F(RevivalTest, AMediumThatFailsAndIsThereStaysInUse) {
    const std::string path = make_named("serial:1");
    fake::with(path, [](FakeMedium& medium) {
        medium.stores.back()->fail_when([](const store::Op&) { return EIO; });
    });
    EXPECT_FALSE(run_command(read10(0)).good());
    fake::with(path, [](FakeMedium& medium) { medium.stores.back()->fail_when({}); });
    EXPECT_TRUE(run_command(read10(0)).good());
    EXPECT_EQ(lun(1, 1)["backing"], "present");
}

TEST_F(RevivalTest, AFileThatFailsAfterItsFileSystemWasUnmountedIsGoneUntilItIsMountedAgain) {
    const std::string path = file("fake", 1 << 20);
    fake::with(path, [](FakeMedium& medium) {
        medium.lasting_id = "uuid:1";
        medium.identity = {~uint64_t{0}, 5, true};  // on another file system than the path
    });
    ok("logicalunit.new", new_lun(1, path));
    login();
    EXPECT_TRUE(run_command(read10(0)).good());
    fake::with(path, [](FakeMedium& medium) {
        medium.open_error = ENOENT;
        medium.identity = {};
        medium.stores.back()->fail_when([](const store::Op&) { return EIO; });
    });
    EXPECT_FALSE(run_command(read10(0)).good());
    await_backing("gone");
    bring_back(path);
    await_backing("present");
    run_command(read10(0));  // unit attention
    EXPECT_TRUE(run_command(read10(0)).good());
}

TEST_F(RevivalTest, AnAttemptThatHangsHoldsUpNeitherOtherLunsNorDeletion) {
    make_fake(2, "other");
    const std::string path = make_named("serial:1");
    lose_and_notice(path);
    fake::medium(path).opening.shut();
    fake::medium(path).opening.await();
    EXPECT_TRUE(run_command(read10(0), {}, 2).good());
    EXPECT_EQ(update("scsi_sn", "renamed"), 0u);
    EXPECT_EQ(remove(1), 0u);
}

TEST_F(RevivalTest, DeletingALunWhoseMediumIsGoneFreesItsPath) {
    const std::string path = make_named("serial:1");
    lose_and_notice(path);
    EXPECT_EQ(remove(1), 0u);
    bring_back(path);
    EXPECT_EQ(code("logicalunit.new", new_lun(1, path)), 0u);
    EXPECT_EQ(lun(1, 1)["backing"], "present");
}

}  // namespace
}  // namespace tgt::mgmt
