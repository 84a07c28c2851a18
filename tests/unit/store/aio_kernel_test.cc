// SPDX-License-Identifier: GPL-2.0-or-later
// The aio engine with the kernel below it, and what it refuses to open.
#include <sys/mount.h>

#include "store/aio/ring.h"
#include "store/aio/store.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

// Passes everything on, and remembers the answers.
class WatchedKernel : public aio::System {
  public:
    int submit(io_context_t context, std::span<iocb*> requests) const override {
        calls += requests.empty() ? 0 : 1;
        return aio::System::submit(context, requests);
    }
    int reap(io_context_t context, std::span<io_event> events) const override {
        int count = aio::System::reap(context, events);
        for (int i = 0; i < count; ++i) results.push_back(long(events[size_t(i)].res));
        return count;
    }
    bool saw(long result) const {
        return std::find(results.begin(), results.end(), result) != results.end();
    }
    mutable unsigned calls = 0;
    mutable std::vector<long> results;
};

class AioKernelTest : public QueueTest {
  protected:
    void SetUp() override {
        path_ = dir_.file("disk", 1 << 20);
        auto store = open(path_);
        if (!store)
            GTEST_SKIP() << "NOT TESTED: no direct I/O below /var/tmp: " << store.error().text;
        store_ = std::move(*store);
        queue_ = store_->make_queue(worker_, lane_);
        TestOp probe(OpKind::read, 0, 4096);
        submit_and_wait(*queue_, probe);
        if (kernel_.results.empty())
            GTEST_SKIP() << "NOT TESTED: no asynchronous I/O without waiting below /var/tmp";
    }
    Result<std::unique_ptr<Store>> open(const std::string& path) {
        OpenRequest request;
        request.path = path;
        request.block_size = 4096;
        return aio::open_aio(request, {.system = kernel_});
    }
    void expect_refused(const std::string& path, uint32_t block_size,
                        const std::vector<std::string>& words) {
        auto store = open_store("aio", path, {}, block_size);
        ASSERT_FALSE(store) << path;
        EXPECT_EQ(store.error().code, EINVAL);
        for (const std::string& word : words)
            EXPECT_NE(store.error().text.find(word), std::string::npos) << store.error().text;
    }
    WatchedKernel kernel_;
    TempDir dir_;
    std::string path_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<StoreQueue> queue_;
};

TEST_F(AioKernelTest, AllocatedDataIsReadByTheKernelItself) {
    TestOp write(OpKind::write, 0, 65536), read(OpKind::read, 0, 65536);
    write.fill_pattern(1);
    ASSERT_EQ(store_->perform(write), 0);
    TestOp flush(OpKind::flush, 0, 0);
    ASSERT_EQ(store_->perform(flush), 0);
    EXPECT_FALSE(submit_and_wait(*queue_, read));
    EXPECT_EQ(read.error, 0);
    EXPECT_EQ(read.memory, write.memory);
    EXPECT_TRUE(kernel_.saw(65536));
}

TEST_F(AioKernelTest, WriteThatNeedsSpaceIsDoneByThePool) {
    TestOp write(OpKind::write, 65536, 65536, 2);
    submit_and_wait(*queue_, write);
    EXPECT_EQ(write.error, 0);
    EXPECT_TRUE(write.is_in(path_));
    if (!kernel_.saw(-EAGAIN))
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp allocates without waiting";
}

TEST_F(AioKernelTest, ManyOfOneTurnAreOneCall) {
    unsigned before = kernel_.calls;
    std::vector<std::unique_ptr<TestOp>> ops;
    for (unsigned i = 0; i < 64; ++i) {
        ops.push_back(std::make_unique<TestOp>(OpKind::read, i * 4096, 4096, 0xff));
        queue_->submit(*ops.back());
    }
    run_until([&] {
        return std::all_of(ops.begin(), ops.end(), [](auto& op) { return op->completed; });
    });
    EXPECT_EQ(kernel_.calls, before + 1);
    for (auto& op : ops) EXPECT_TRUE(op->error == 0 && op->all(0));
}

TEST_F(AioKernelTest, SeveralWorkersShareAStore) {
    constexpr unsigned each = 300;
    struct Side {
        io::Worker worker{{.name = "side"}};
        std::unique_ptr<StoreQueue> queue;
        std::vector<std::unique_ptr<TestOp>> ops;
        std::atomic<unsigned> completed{0}, failed{0};
    };
    struct CountedOp : TestOp {
        Side* side;
        CountedOp(Side& s, OpKind k, uint64_t at, uint8_t fill)
            : TestOp(k, at, 4096, fill), side(&s) {
            complete = [](Op& op) {
                auto& self = static_cast<CountedOp&>(op);
                self.side->failed += self.error != 0 || !self.side->worker.here();
                ++self.side->completed;
            };
        }
    };
    auto store = open_store("aio", dir_.file("shared", 4 << 20), {}, 4096);
    ASSERT_TRUE(store) << store.error().text;
    std::array<Side, 2> sides;
    for (unsigned s = 0; s < 2; ++s) {
        Side& side = sides[s];
        side.queue = (*store)->make_queue(side.worker, lane_);
        for (unsigned i = 0; i < each; ++i) {
            side.ops.push_back(std::make_unique<CountedOp>(
                side, i % 3 ? OpKind::write : OpKind::read, (s * each + i) * 4096, uint8_t(i)));
            side.ops.back()->dsync = i % 50 == 1;
        }
        side.worker.start();
        side.worker.post([&side] {
            for (auto& op : side.ops) side.queue->submit(*op);
        });
    }
    for (Side& side : sides)
        while (side.completed < each) std::this_thread::yield();
    for (Side& side : sides) side.worker.stop();
    for (Side& side : sides) side.worker.join();
    for (Side& side : sides) {
        EXPECT_EQ(side.failed, 0u);
        for (auto& op : side.ops) {
            EXPECT_TRUE(op->is_in(dir_ / "shared"));
        }
        side.queue.reset();
    }
}

TEST_F(AioKernelTest, BlocksBelowTheAlignmentAreRefused) {
    uint32_t alignment = store_->info().required_alignment;
    ASSERT_GT(alignment, 1u);
    expect_refused(dir_.file("other", 1 << 20), alignment / 2,
                   {"block size of " + std::to_string(alignment), "aio", "rdwr"});
}

// ramfs has no direct I/O.
TEST_F(AioKernelTest, FileSystemWithoutDirectIoIsRefusedWithTheWayOut) {
    TempDir where;
    if (mount("tgt-test", where.path().c_str(), "ramfs", 0, "") != 0)
        GTEST_SKIP() << "NOT TESTED: mount(2) is refused here: " << strerror(errno);
    std::string path = where.file("disk", 1 << 20);
    expect_refused(path, 4096, {path, "aio", "no direct I/O", "use the type rdwr"});
    umount2(where.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace tgt::store::test
