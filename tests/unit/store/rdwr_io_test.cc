// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and writing: everything moves or an error says why; cached reads complete in place.
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "store/posix/transfer.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

// With and without a ring of the worker.
class RdwrIoTest : public QueueTest, public testing::WithParamInterface<bool> {
  protected:
    RdwrIoTest() : QueueTest(GetParam()) {}
    void SetUp() override {
        if (GetParam() && !worker_.ring()) GTEST_SKIP() << "NOT TESTED: io_uring is refused here";
    }
    void open(const std::string& path, OpenFlags flags = {}, uint32_t block_size = 512) {
        queue_.reset();
        store_.reset();
        auto store = open_store("rdwr", path, flags, block_size);
        ASSERT_TRUE(store) << store.error().text;
        store_ = std::move(*store);
        queue_ = store_->make_queue(worker_, lane_);
    }
    // FORGET is a hint, which the kernel may follow in part: until the pages are gone.
    void evict(uint64_t offset, size_t length) {
        UniqueFd fd(::open((dir_ / "disk").c_str(), O_RDONLY | O_CLOEXEC));
        void* map = mmap(nullptr, length, PROT_READ, MAP_SHARED, fd.get(), off_t(offset));
        std::vector<unsigned char> resident(length / 4096, 1);
        TestOp forget(OpKind::forget, offset, length);
        auto cached = [](unsigned char page) { return (page & 1) != 0; };
        for (int i = 0; i < 5000 && std::any_of(resident.begin(), resident.end(), cached); ++i) {
            submit_and_wait(*queue_, forget);
            ASSERT_EQ(forget.error, 0);
            ASSERT_EQ(mincore(map, length, resident.data()), 0);
        }
        munmap(map, length);
        ASSERT_TRUE(std::none_of(resident.begin(), resident.end(), cached));
    }
    // Whether the file system has put off the allocation of the first bytes: they are in memory
    // only.
    static bool allocation_delayed(const std::string& path) {
        UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        alignas(fiemap) std::array<uint8_t, sizeof(fiemap) + sizeof(fiemap_extent)> memory{};
        auto* map = new (memory.data()) fiemap{};
        map->fm_length = 4096;
        map->fm_extent_count = 1;
        return ioctl(fd.get(), FS_IOC_FIEMAP, map) == 0 && map->fm_mapped_extents == 1 &&
               (map->fm_extents[0].fe_flags & FIEMAP_EXTENT_DELALLOC);
    }
    TempDir dir_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<StoreQueue> queue_;
};

TEST_P(RdwrIoTest, WhatWasWrittenIsRead) {
    open(dir_.file("disk", 1 << 20));
    TestOp write(OpKind::write, 4608, 100000), read(OpKind::read, 4608, 100000);
    write.fill_pattern(1);
    write.cut({512, 1, 65536, 33951});
    read.cut({7, 99993});
    submit_and_wait(*queue_, write);
    submit_and_wait(*queue_, read);
    EXPECT_EQ(write.error, 0);
    EXPECT_EQ(read.error, 0);
    EXPECT_EQ(read.memory, write.memory);
}

TEST_P(RdwrIoTest, MorePiecesThanOneCallTakes) {
    open(dir_.file("disk", 1 << 20));
    TestOp write(OpKind::write, 3, 100000), read(OpKind::read, 3, 100000);
    write.fill_pattern(2);
    write.cut(std::vector<size_t>(1000, 100));
    read.cut(std::vector<size_t>(200, 500));
    submit_and_wait(*queue_, write);
    submit_and_wait(*queue_, read);
    EXPECT_EQ(write.error, 0);
    EXPECT_EQ(read.error, 0);
    EXPECT_EQ(read.memory, write.memory);
}

TEST_P(RdwrIoTest, CachedReadCompletesInPlace) {
    open(dir_.file("disk", 1 << 20));
    if (!store_->info().features.fast_read)
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not support RWF_NOWAIT";
    TestOp write(OpKind::write, 0, 65536), read(OpKind::read, 0, 65536);
    write.fill_pattern(3);
    submit_and_wait(*queue_, write);
    EXPECT_TRUE(submit_and_wait(*queue_, read));
    EXPECT_FALSE(read.completed);
    EXPECT_EQ(read.error, 0);
    EXPECT_EQ(read.memory, write.memory);
}

TEST_P(RdwrIoTest, UncachedReadCompletesLater) {
    std::string path = dir_.file("disk", 1 << 20);
    open(path);
    if (!store_->info().features.fast_read)
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not support RWF_NOWAIT";
    TestOp write(OpKind::write, 0, 65536), flush(OpKind::flush, 0, 0), read(OpKind::read, 0, 65536);
    write.fill_pattern(4);
    for (TestOp* op : {&write, &flush}) submit_and_wait(*queue_, *op);
    // What is fast enough is there before the call has looked twice.
    bool in_place = true;
    for (int i = 0; i < 100 && in_place; ++i) {
        evict(0, 65536);
        in_place = queue_->submit(read);
    }
    ASSERT_FALSE(in_place);
    if (GetParam()) {
        EXPECT_EQ(lane_.queued() + lane_.running(), 0u) << "the ring has it";
    }
    run_until([&] { return read.completed; });
    EXPECT_EQ(read.error, 0);
    EXPECT_EQ(read.memory, write.memory);
    EXPECT_TRUE(submit_and_wait(*queue_, read)) << "now it is cached";
}

TEST_P(RdwrIoTest, PartlyCachedReadCompletesLater) {
    open(dir_.file("disk", 1 << 20));
    if (!store_->info().features.fast_read)
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not support RWF_NOWAIT";
    TestOp write(OpKind::write, 0, 131072), flush(OpKind::flush, 0, 0),
        read(OpKind::read, 0, 131072);
    write.fill_pattern(5);
    for (TestOp* op : {&write, &flush}) submit_and_wait(*queue_, *op);
    bool in_place = true;
    for (int i = 0; i < 100 && in_place; ++i) {
        evict(65536, 65536);
        in_place = submit_and_wait(*queue_, read);
    }
    EXPECT_FALSE(in_place);
    EXPECT_EQ(read.error, 0);
    EXPECT_EQ(read.memory, write.memory);
    EXPECT_EQ(read.done, 0u);
}

TEST_P(RdwrIoTest, CachedReadKeepsItsProgress) {
    std::string path = dir_.file("disk", 6000);
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    TestOp read(OpKind::read, 0, 8000, 0xaa);
    std::vector<uint8_t> data(6000, 0x55);
    ASSERT_EQ(pwrite(fd.get(), data.data(), data.size(), 0), 6000);
    bool supported = true;
    EXPECT_FALSE(posix::read_cached(fd.get(), read, supported)) << "the file ends before";
    if (!supported)
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not support RWF_NOWAIT";
    EXPECT_EQ(read.done, 6000u);
}

TEST_P(RdwrIoTest, NowaitRefusedByTheFileSystemIsNoticed) {
    std::array<int, 2> fds;
    ASSERT_EQ(pipe2(fds.data(), O_CLOEXEC), 0);
    UniqueFd reader(fds[0]), writer(fds[1]);
    UniqueFd file(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    TestOp read(OpKind::read, 0, 16);
    bool supported = true;
    EXPECT_FALSE(posix::read_cached(file.get(), read, supported));
    EXPECT_FALSE(supported);
    EXPECT_EQ(posix::read_fully(file.get(), read), 0) << "the ordinary call works";
}

TEST_P(RdwrIoTest, FileCutShortBehindOurBackIsAnError) {
    std::string path = dir_.file("disk", 1 << 20);
    open(path);
    ASSERT_EQ(truncate(path.c_str(), 6000), 0);
    TestOp across(OpKind::read, 4096, 4096), behind(OpKind::read, 65536, 512);
    submit_and_wait(*queue_, across);
    submit_and_wait(*queue_, behind);
    EXPECT_EQ(across.error, EIO);
    EXPECT_EQ(behind.error, EIO);
}

TEST_P(RdwrIoTest, FullFileSystemIsEnospcNotAShortWrite) {
    Tmpfs small("size=256k");
    if (!small.mounted())
        GTEST_SKIP() << "NOT TESTED: mount(2) is refused here: " << strerror(errno);
    open(small.dir().file("disk", 1 << 20));
    TestOp write(OpKind::write, 0, 1 << 20, 1), read(OpKind::read, 0, 4096);
    submit_and_wait(*queue_, write);
    EXPECT_EQ(write.error, ENOSPC);
    submit_and_wait(*queue_, read);
    EXPECT_EQ(read.error, 0) << "and the store goes on";
    queue_.reset();
    store_.reset();
}

TEST_P(RdwrIoTest, LengthBeyondTheMemoryIsRefused) {
    open(dir_.file("disk", 1 << 20));
    TestOp write(OpKind::write, 0, 512);
    write.length = 1024;
    submit_and_wait(*queue_, write);
    EXPECT_EQ(write.error, EINVAL);
}

TEST_P(RdwrIoTest, DurableWritesAndFlushesSucceed) {
    for (OpenFlags flags : {OpenFlags{}, OpenFlags{.sync = true}}) {
        open(dir_.file("disk", 1 << 20), flags);
        TestOp write(OpKind::write, 0, 8192), flush(OpKind::flush, 0, 0),
            read(OpKind::read, 0, 8192);
        write.fill_pattern(6);
        write.dsync = true;
        for (TestOp* op : {&write, &flush, &read}) {
            submit_and_wait(*queue_, *op);
            EXPECT_EQ(op->error, 0);
        }
        EXPECT_EQ(read.memory, write.memory);
    }
}

TEST_P(RdwrIoTest, DsyncWriteIsOnTheMediumWhenItCompletes) {
    TestOp write(OpKind::write, 0, 65536, 9), durable(OpKind::write, 0, 65536, 9);
    durable.dsync = true;
    open(dir_.file("lazy", 1 << 20));
    submit_and_wait(*queue_, write);
    if (!allocation_delayed(dir_ / "lazy"))
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not delay allocation";
    open(dir_.file("disk", 1 << 20));
    submit_and_wait(*queue_, durable);
    EXPECT_FALSE(allocation_delayed(dir_ / "disk"));
}

TEST_P(RdwrIoTest, FlushPutsEarlierWritesOnTheMedium) {
    TestOp write(OpKind::write, 0, 65536, 9), flush(OpKind::flush, 0, 0);
    open(dir_.file("disk", 1 << 20));
    submit_and_wait(*queue_, write);
    if (!allocation_delayed(dir_ / "disk"))
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not delay allocation";
    submit_and_wait(*queue_, flush);
    EXPECT_FALSE(allocation_delayed(dir_ / "disk"));
}

TEST_P(RdwrIoTest, PrefetchMakesTheReadCompleteInPlace) {
    open(dir_.file("disk", 1 << 20));
    if (!store_->info().features.fast_read)
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not support RWF_NOWAIT";
    TestOp write(OpKind::write, 0, 65536, 9), flush(OpKind::flush, 0, 0),
        prefetch(OpKind::prefetch, 0, 65536);
    for (TestOp* op : {&write, &flush}) {
        submit_and_wait(*queue_, *op);
        EXPECT_EQ(op->error, 0);
    }
    evict(0, 65536);
    submit_and_wait(*queue_, prefetch);
    EXPECT_EQ(prefetch.error, 0);
    // The kernel fills the pages in its own time.
    bool in_place = false;
    for (auto give_up = io::Clock::now() + std::chrono::seconds(20);
         !in_place && io::Clock::now() < give_up;) {
        TestOp read(OpKind::read, 0, 65536);
        UniqueFd fd(::open((dir_ / "disk").c_str(), O_RDONLY | O_CLOEXEC));
        bool supported = true;
        in_place = posix::read_cached(fd.get(), read, supported);
    }
    EXPECT_TRUE(in_place);
}

TEST_P(RdwrIoTest, DirectReadsAndWritesMeetBufferedOnes) {
    std::string path = dir_.file("disk", 1 << 20);
    auto store = open_store("rdwr", path, {.direct = true}, 4096);
    if (!store) GTEST_SKIP() << "NOT TESTED: no direct I/O below /var/tmp: " << store.error().text;
    auto queue = (*store)->make_queue(worker_, lane_);
    io::BufferPool buffers;
    io::Buffer memory = buffers.take(16384);
    std::vector<uint8_t> data(16384, 0x5a), back(16384);
    memory.copy_in(0, data);
    TestOp op(OpKind::write, 8192, 16384);
    op.iov = memory.segments().data();
    op.iov_count = 1;
    submit_and_wait(*queue, op);
    EXPECT_EQ(op.error, 0);
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(pread(fd.get(), back.data(), back.size(), 8192), 16384);
    EXPECT_EQ(back, data);
    memory.fill_zero(0, 16384);
    op.kind = OpKind::read;
    EXPECT_FALSE(submit_and_wait(*queue, op)) << "never in the worker";
    memory.copy_out(0, back);
    EXPECT_EQ(back, data);
    TestOp hint(OpKind::prefetch, 0, 4096);
    EXPECT_TRUE(queue->submit(hint)) << "there is no cache to fill";
}

TEST_P(RdwrIoTest, ManyOperationsAtOnceAllComplete) {
    open(dir_.file("disk", 1 << 20));
    std::vector<std::unique_ptr<TestOp>> ops;
    for (unsigned i = 0; i < 256; ++i)
        ops.push_back(std::make_unique<TestOp>(OpKind::write, i * 4096, 4096, uint8_t(i)));
    for (auto& op : ops) queue_->submit(*op);
    run_until([&] {
        return std::all_of(ops.begin(), ops.end(), [](auto& op) { return op->completed; });
    });
    for (unsigned i = 0; i < 256; ++i) {
        TestOp read(OpKind::read, i * 4096, 4096);
        submit_and_wait(*queue_, read);
        EXPECT_EQ(ops[i]->error, 0);
        EXPECT_TRUE(read.all(uint8_t(i)));
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, RdwrIoTest, testing::Bool(), [](const auto& info) {
    return std::string(info.param ? "uring" : "epoll");
});

}  // namespace
}  // namespace tgt::store::test
