// SPDX-License-Identifier: GPL-2.0-or-later
// How much of a medium is shown: by wish, and by itself when it grows.
#include "mgmt/capacity.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include "mgmt/uevents.h"
#include "tests/unit/mgmt/backing_fixture.h"

namespace tgt::mgmt {
namespace {

namespace fake = test::fake;
using test::Json;
using testing::HasSubstr;

constexpr uint32_t capacity_changed = 0x062a09;

TEST(CapacityValue, BytesWithUnitsOrAuto) {
    EXPECT_EQ(*parse_capacity("auto"), std::nullopt);
    EXPECT_EQ(*parse_capacity("4096"), 4096u);
    EXPECT_EQ(*parse_capacity("4k"), 4096u);
    EXPECT_EQ(*parse_capacity("3M"), uint64_t(3) << 20);
    EXPECT_EQ(*parse_capacity("2g"), uint64_t(2) << 30);
    EXPECT_EQ(*parse_capacity("1T"), uint64_t(1) << 40);
    for (const char* bad : {"", "k", "AUTO", "-1", "1x", "1kk", "1.5g", "18446744073709551615k"})
        EXPECT_FALSE(parse_capacity(bad)) << bad;
}

std::string uevent(std::initializer_list<std::string_view> items) {
    std::string out = "change@/devices/virtual/block/loop0";
    for (const auto item : items) (out += '\0') += item;
    return out + '\0';
}

TEST(Uevent, OnlyThoseOfBlockDevicesCount) {
    const auto event = parse_uevent(
        uevent({"ACTION=change", "SUBSYSTEM=block", "RESIZE=1", "MAJOR=7", "MINOR=3"}));
    ASSERT_TRUE(event);
    EXPECT_EQ(event->what, DeviceEvent::What::changed);
    EXPECT_EQ(event->device, makedev(7, 3));
    EXPECT_EQ(parse_uevent(uevent({"ACTION=add", "SUBSYSTEM=block", "MAJOR=8", "MINOR=0"}))->what,
              DeviceEvent::What::added);
    EXPECT_EQ(
        parse_uevent(uevent({"ACTION=remove", "SUBSYSTEM=block", "MAJOR=8", "MINOR=0"}))->what,
        DeviceEvent::What::removed);
    EXPECT_FALSE(parse_uevent(uevent({"ACTION=change", "SUBSYSTEM=net", "MAJOR=7", "MINOR=3"})));
    EXPECT_FALSE(parse_uevent(uevent({"ACTION=bind", "SUBSYSTEM=block", "MAJOR=7", "MINOR=3"})));
    EXPECT_FALSE(parse_uevent(uevent({"ACTION=change", "SUBSYSTEM=block", "MAJOR=x", "MINOR=3"})));
    EXPECT_FALSE(parse_uevent(uevent({"ACTION=change", "SUBSYSTEM=block"})));
    EXPECT_FALSE(parse_uevent(""));
}

class CapacityTest : public test::BackingTest {
  protected:
    void SetUp() override { begin_with(watchful()); }
    // Until the LUN shows so many bytes; events come from the kernel.
    void await_size(uint64_t bytes) {
        for (int i = 0; i < 2000 && lun(1, 1)["size_bytes"] != bytes; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        EXPECT_EQ(lun(1, 1)["size_bytes"], bytes);
    }
    void resize(const std::string& path, uint64_t bytes) {
        ASSERT_EQ(truncate(path.c_str(), off_t(bytes)), 0);
    }
    uint32_t attention() { return run_command({0, 0, 0, 0, 0, 0}).sense(); }
};

TEST_F(CapacityTest, ALimitShowsAPartAndTellsEveryInitiator) {
    make_fake();
    login();
    EXPECT_EQ(update("capacity", "512k"), 0u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 512 << 10);
    EXPECT_EQ(lun(1, 1)["capacity_limit"], 512 << 10);
    EXPECT_EQ(attention(), capacity_changed);
    EXPECT_EQ(attention(), 0u);
    EXPECT_EQ(update("capacity", "auto"), 0u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 1 << 20);
    EXPECT_TRUE(lun(1, 1)["capacity_limit"].is_null());
    EXPECT_EQ(attention(), capacity_changed);
}

TEST_F(CapacityTest, ALimitBeyondTheMediumOrInsideABlockIsRefused) {
    make_fake();
    for (const char* bad : {"2m", "513", "0", "many"}) {
        EXPECT_EQ(update("capacity", bad), 17u) << bad;
        EXPECT_EQ(lun(1, 1)["size_bytes"], 1 << 20);
    }
    EXPECT_EQ(update("capacity", "1m"), 0u);
}

TEST_F(CapacityTest, AutoLooksNowAndNeverShowsLess) {
    const std::string path = make_fake();
    fake::with(path, [](test::FakeMedium& medium) { medium.size = 2 << 20; });
    EXPECT_EQ(update("capacity", "auto"), 0u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 2 << 20);
    fake::with(path, [](test::FakeMedium& medium) { medium.size = 1 << 20; });
    EXPECT_EQ(update("capacity", "auto"), 17u);
    EXPECT_THAT(reason, HasSubstr("has 1048576 bytes, fewer than the 2097152"));
    EXPECT_EQ(lun(1, 1)["size_bytes"], 2 << 20);
    EXPECT_EQ(update("capacity", "1m"), 0u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 1 << 20);
}

TEST_F(CapacityTest, OnlyADiskWithAMediumHasOne) {
    ok("logicalunit.new", {{"tid", 1}, {"lun", 1}});
    EXPECT_EQ(update("capacity", "auto"), 17u);
    EXPECT_EQ(update("capacity", "auto", 0), 17u);
}

TEST_F(CapacityTest, AFileThatGrowsIsFollowedByItself) {
    const std::string path = file("d", 1 << 20);
    make_disk(1, 1, path);
    login();
    resize(path, 2 << 20);
    await_size(2 << 20);
    EXPECT_EQ(attention(), capacity_changed);
    resize(path, 3 << 20);
    await_size(3 << 20);
}

TEST_F(CapacityTest, ALimitHoldsWhenTheFileGrows) {
    const std::string path = file("d", 1 << 20);
    make_disk(1, 1, path);
    EXPECT_EQ(update("capacity", "512k"), 0u);
    make_disk(1, 2, file("other", 1 << 20));
    resize(path, 4 << 20);
    EXPECT_EQ(update("capacity", "2m"), 0u);  // it was looked at after it had grown
    EXPECT_EQ(lun(1, 1)["size_bytes"], 2 << 20);
}

TEST_F(CapacityTest, AFileThatShrinksIsNotFollowed) {
    const std::string path = file("d", 2 << 20);
    make_disk(1, 1, path);
    resize(path, 1 << 20);
    EXPECT_EQ(update("capacity", "auto"), 17u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 2 << 20);
    resize(path, 3 << 20);
    await_size(3 << 20);
}

}  // namespace
}  // namespace tgt::mgmt
