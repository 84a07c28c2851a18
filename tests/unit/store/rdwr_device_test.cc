// SPDX-License-Identifier: GPL-2.0-or-later
// Block devices, by a loop device. Needs root and the loop driver.
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <barrier>

#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

class RdwrDeviceTest : public testing::Test {
  protected:
    void SetUp() override {
        backing_ = dir_.file("image", 8 << 20);
        attach(0);
    }
    // LO_FLAGS_READ_ONLY write-protects the device.
    void attach(uint32_t flags) {
        loop_.reset();
        UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
        UniqueFd file(open(backing_.c_str(), O_RDWR | O_CLOEXEC));
        for (int attempt = 0; attempt < 10 && control; ++attempt) {
            device_ = "/dev/loop" + std::to_string(ioctl(control.get(), LOOP_CTL_GET_FREE));
            loop_.reset(open(device_.c_str(), O_RDWR | O_CLOEXEC));
            loop_config config{};
            config.fd = uint32_t(file.get());
            config.block_size = 4096;
            config.info.lo_flags = LO_FLAGS_AUTOCLEAR | flags;
            if (loop_ && ioctl(loop_.get(), LOOP_CONFIGURE, &config) == 0) return;
            loop_.reset();
        }
        GTEST_SKIP() << "NOT TESTED: no loop device can be set up here: " << strerror(errno);
    }
    TempDir dir_;
    std::string backing_, device_;
    UniqueFd loop_;  // the last close frees the device
};

TEST_F(RdwrDeviceTest, IsDescribed) {
    auto store = open_store("rdwr", device_, {}, 4096);
    ASSERT_TRUE(store) << store.error().text;
    const Info& info = (*store)->info();
    struct stat st;
    ASSERT_EQ(stat(device_.c_str(), &st), 0);
    EXPECT_EQ(info.size, 8u << 20);
    EXPECT_EQ(*(*store)->current_size(), 8u << 20);
    EXPECT_EQ(info.physical_block_size, 4096u);
    EXPECT_EQ(info.identity, (Identity{st.st_rdev, 0, true}));
    EXPECT_FALSE(info.features.extents);
    EXPECT_TRUE((*store)->extent(4096)->mapped);
}

TEST_F(RdwrDeviceTest, ReadsWritesDiscardsAndZeroes) {
    auto opened = open_store("rdwr", device_, {}, 4096);
    ASSERT_TRUE(opened) << opened.error().text;
    Store& store = **opened;
    TestOp write(OpKind::write, 0, 1 << 20, 0x77), flush(OpKind::flush, 0, 0);
    write.dsync = true;
    EXPECT_EQ(store.perform(write), 0);
    EXPECT_EQ(store.perform(flush), 0);
    Op zero;
    zero.kind = OpKind::write_zeroes;
    zero.offset = 4096;
    zero.length = 8192;
    EXPECT_EQ(store.perform(zero), 0);
    TestOp middle(OpKind::read, 4096, 8192, 1), after(OpKind::read, 12288, 4096);
    EXPECT_EQ(store.perform(middle), 0);
    EXPECT_TRUE(middle.all(0));
    EXPECT_EQ(store.perform(after), 0);
    EXPECT_TRUE(after.all(0x77));
    ASSERT_TRUE(store.info().features.discard) << "a loop device on a file that can have holes";
    Op discard;
    discard.kind = OpKind::discard;
    discard.length = 1 << 20;
    EXPECT_EQ(store.perform(discard), 0);
    struct stat st;
    ASSERT_EQ(stat(backing_.c_str(), &st), 0);
    EXPECT_LT(uint64_t(st.st_blocks) * 512, uint64_t(1) << 20) << "the space went back";
}

TEST_F(RdwrDeviceTest, DirectRefusesBlocksBelowTheLogicalBlockSize) {
    auto store = open_store("rdwr", device_, {.direct = true}, 512);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, EINVAL);
    EXPECT_NE(store.error().text.find("block size of 4096"), std::string::npos)
        << store.error().text;
    auto good = open_store("rdwr", device_, {.direct = true}, 4096);
    ASSERT_TRUE(good) << good.error().text;
    EXPECT_EQ((*good)->info().required_alignment, 4096u);
}

TEST_F(RdwrDeviceTest, DeviceInUseIsRefusedUnlessForced) {
    UniqueFd claimed(open(device_.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
    ASSERT_TRUE(claimed);
    auto store = open_store("rdwr", device_, {}, 4096);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, EBUSY);
    EXPECT_NE(store.error().text.find(device_ + " is in use"), std::string::npos)
        << store.error().text;
    EXPECT_TRUE(open_store("rdwr", device_, {.force = true}, 4096));
}

TEST_F(RdwrDeviceTest, WriteProtectedDeviceFallsBackToReadOnly) {
    attach(LO_FLAGS_READ_ONLY);
    ASSERT_TRUE(loop_);
    ASSERT_TRUE(UniqueFd(open(device_.c_str(), O_RDWR | O_CLOEXEC)))
        << "the kernel lets it be opened";
    auto store = open_store("rdwr", device_, {}, 4096);
    ASSERT_TRUE(store) << store.error().text;
    EXPECT_TRUE((*store)->info().read_only);
    EXPECT_FALSE((*store)->info().features.discard);
}

// A device that was pulled out has no bytes left.
TEST_F(RdwrDeviceTest, DeviceThatIsGoneSaysSo) {
    auto store = open_store("rdwr", device_, {}, 4096);
    ASSERT_TRUE(store) << store.error().text;
    ASSERT_EQ(truncate(backing_.c_str(), 0), 0);
    ASSERT_EQ(ioctl(loop_.get(), LOOP_SET_CAPACITY, 0), 0);
    for (bool noticed : {false, true}) {
        if (noticed) {
            EXPECT_EQ(*(*store)->current_size(), 0u);
        }
        for (OpKind kind : {OpKind::read, OpKind::write}) {
            TestOp op(kind, 0, 4096);
            EXPECT_EQ((*store)->perform(op), ENODEV);
        }
    }
}

TEST_F(RdwrDeviceTest, PastTheEndOfAShrunkDeviceIsAnErrorNotAFullOne) {
    auto store = open_store("rdwr", device_, {}, 4096);
    ASSERT_TRUE(store) << store.error().text;
    ASSERT_EQ(truncate(backing_.c_str(), 4 << 20), 0);
    ASSERT_EQ(ioctl(loop_.get(), LOOP_SET_CAPACITY, 0), 0);
    for (bool noticed : {false, true}) {
        if (noticed) {
            EXPECT_EQ(*(*store)->current_size(), 4u << 20);
        }
        TestOp across(OpKind::write, (4 << 20) - 4096, 8192), behind(OpKind::write, 6 << 20, 4096),
            read(OpKind::read, 6 << 20, 4096);
        for (TestOp* op : {&across, &behind, &read}) EXPECT_EQ((*store)->perform(*op), EIO);
    }
}

// The file below the device has no space, which shows only when dirty pages are written back.
TEST_F(RdwrDeviceTest, FailedWriteBackIsToldToEveryFlushThatRuns) {
    Tmpfs small("size=1m");
    if (!small.mounted())
        GTEST_SKIP() << "NOT TESTED: mount(2) is refused here: " << strerror(errno);
    backing_ = small.dir().file("image", 8 << 20);
    attach(0);
    if (!loop_) return;
    auto store = open_store("rdwr", device_, {}, 4096);
    ASSERT_TRUE(store) << store.error().text;
    TestOp write(OpKind::write, 0, 4 << 20, 1);
    ASSERT_EQ((*store)->perform(write), 0) << "into the page cache";
    constexpr size_t count = 8;
    std::array<int, count> outcomes{};
    std::barrier start(count);
    std::vector<std::thread> threads;
    for (int& outcome : outcomes)
        threads.emplace_back([&] {
            TestOp flush(OpKind::flush, 0, 0);
            start.arrive_and_wait();
            outcome = (*store)->perform(flush);
        });
    for (std::thread& thread : threads) thread.join();
    for (int outcome : outcomes) EXPECT_EQ(outcome, EIO);
    store->reset();
    loop_.reset();
}

}  // namespace
}  // namespace tgt::store::test
