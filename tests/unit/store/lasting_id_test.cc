// SPDX-License-Identifier: GPL-2.0-or-later
// The lasting identity is the same for one object however it is opened, and another for another.
#include "store/posix/lasting_id.h"

#include <fstream>

#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

using posix::lasting_id_of_device;

class LastingIdTest : public testing::Test {
  protected:
    std::string id_of(const std::string& path) {
        auto store = open_store("rdwr", path, {.force = true});
        return store ? (*store)->info().lasting_id : store.error().text;
    }
    // Attributes of a device that has the folder `name` in sysfs.
    std::string device(const std::string& name,
                       const std::vector<std::pair<std::string, std::string>>& attributes) {
        std::string folder = dir_ / name;
        std::filesystem::create_directories(folder);
        for (const auto& [attribute, value] : attributes) {
            std::filesystem::path file = folder + "/" + attribute;
            std::filesystem::create_directories(file.parent_path());
            std::ofstream(file) << value << "\n";
        }
        return folder;
    }
    TempDir dir_;
};

TEST_F(LastingIdTest, FileKeepsItWhenItIsMovedWrittenAndGrown) {
    std::string path = dir_.file("disk", 4096), link = dir_ / "link", moved = dir_ / "moved";
    std::string id = id_of(path);
    EXPECT_FALSE(id.empty());
    ASSERT_EQ(symlink("moved", link.c_str()), 0);
    ASSERT_EQ(rename(path.c_str(), moved.c_str()), 0);
    ASSERT_EQ(truncate(moved.c_str(), 8192), 0);
    EXPECT_EQ(id_of(link), id);
}

TEST_F(LastingIdTest, OtherFilesHaveAnother) {
    EXPECT_NE(id_of(dir_.file("one", 4096)), id_of(dir_.file("two", 4096)));
}

// A new file often gets the inode of the one that was deleted.
TEST_F(LastingIdTest, FileOfTheSameNameMadeAnewHasAnother) {
    struct statx stx {};
    std::string path = dir_.file("disk", 4096);
    ASSERT_EQ(statx(AT_FDCWD, path.c_str(), 0, STATX_BTIME, &stx), 0);
    if (!(stx.stx_mask & STATX_BTIME))
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp keeps no time of birth";
    std::string id = id_of(path);
    ASSERT_EQ(unlink(path.c_str()), 0);
    EXPECT_NE(id_of(dir_.file("disk", 4096)), id);
}

TEST_F(LastingIdTest, DeviceIsKnownByWhatItCallsItself) {
    EXPECT_EQ(lasting_id_of_device(device("dm-0", {{"dm/uuid", "LVM-abc"}})), "dm/uuid:LVM-abc");
    EXPECT_EQ(lasting_id_of_device(device("sda", {{"device/wwid", "naa.5000c500a0b1c2d3"}})),
              "device/wwid:naa.5000c500a0b1c2d3");
    EXPECT_EQ(lasting_id_of_device(device("nvme0n1", {{"wwid", "eui.0025385"}})),
              "wwid:eui.0025385");
    EXPECT_EQ(lasting_id_of_device(device("vda", {{"serial", "disk-1  "}})), "serial:disk-1");
}

TEST_F(LastingIdTest, DeviceWithoutANameHasNone) {
    EXPECT_EQ(lasting_id_of_device(device("loop0", {{"size", "8"}, {"serial", ""}})), "");
    EXPECT_EQ(lasting_id_of_device(dir_ / "absent"), "");
}

TEST_F(LastingIdTest, PartitionIsItsParentAndItsNumber) {
    device("sdb", {{"device/wwid", "naa.1"}});
    EXPECT_EQ(lasting_id_of_device(device("sdb/sdb2", {{"partition", "2"}})),
              "device/wwid:naa.1:2");
    EXPECT_NE(lasting_id_of_device(device("sdb/sdb1", {{"partition", "1"}})),
              lasting_id_of_device(dir_ / "sdb/sdb2"));
    EXPECT_EQ(lasting_id_of_device(device("sdc/sdc1", {{"partition", "1"}})), "")
        << "a number alone is no name";
}

}  // namespace
}  // namespace tgt::store::test
