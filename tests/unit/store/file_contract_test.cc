// SPDX-License-Identifier: GPL-2.0-or-later
// What store.h promises, of every engine on files and of every way to open one.
#include <barrier>

#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

constexpr uint64_t mib = 1 << 20;

struct Way {
    const char* name;
    const char* engine;
    OpenFlags flags;
    bool ring = false;
};
void PrintTo(const Way& way, std::ostream* out) {
    *out << way.name;
}

class FileContractTest : public QueueTest, public testing::WithParamInterface<Way> {
  protected:
    FileContractTest() : QueueTest(GetParam().ring) {}
    void SetUp() override {
        if (GetParam().ring && !worker_.ring())
            GTEST_SKIP() << "NOT TESTED: io_uring is refused here";
        path_ = dir_.file("disk", 4 * mib);
        auto store = open_store(GetParam().engine, path_, GetParam().flags, 4096);
        if (!store && store.error().code == EINVAL)
            GTEST_SKIP() << "NOT TESTED: " << store.error().text;
        ASSERT_TRUE(store) << store.error().text;
        store_ = std::move(*store);
        queue_ = store_->make_queue(worker_, lane_);
    }
    int run(TestOp& op) {
        submit_and_wait(*queue_, op);
        EXPECT_EQ(op.done, 0u);
        return op.error;
    }
    int run(OpKind kind, uint64_t offset, uint64_t length, bool dsync = false) {
        TestOp op(kind, offset, 0);
        op.length = length;
        op.dsync = dsync;
        return run(op);
    }
    bool reads(uint64_t offset, size_t length, uint8_t value) {
        TestOp read(OpKind::read, offset, length, uint8_t(~value));
        return run(read) == 0 && read.all(value);
    }
    uint64_t size_of_file() const { return std::filesystem::file_size(path_); }

    TempDir dir_;
    std::string path_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<StoreQueue> queue_;
};

TEST_P(FileContractTest, WhatWasWrittenIsRead) {
    TestOp write(OpKind::write, 8192, mib), read(OpKind::read, 8192, mib);
    write.fill_pattern(1);
    write.cut({4096, 65536, mib - 4096 - 65536});
    read.cut({mib / 2, mib / 2});
    EXPECT_EQ(run(write), 0);
    EXPECT_TRUE(write.is_in(path_));
    EXPECT_EQ(run(read), 0);
    EXPECT_EQ(read.memory, write.memory);
}

TEST_P(FileContractTest, PiecesOfAnySizeAndPlaceAreTaken) {
    TestOp write(OpKind::write, 4096, 2 * mib + 8192), read(OpKind::read, 4096, 2 * mib + 8192);
    write.fill_pattern(2);
    write.cut({1, 4095, 5000, 2 * mib - 904});
    read.cut({77, 2 * mib, 8192 - 77});
    EXPECT_EQ(run(write), 0);
    EXPECT_TRUE(write.is_in(path_));
    EXPECT_EQ(run(read), 0);
    EXPECT_EQ(read.memory, write.memory);
}

TEST_P(FileContractTest, MorePiecesThanOneCallTakes) {
    TestOp write(OpKind::write, 0, mib), read(OpKind::read, 0, mib);
    write.fill_pattern(3);
    write.cut(std::vector<size_t>(mib / 4096, 4096));
    read.cut(std::vector<size_t>(mib / 8192, 8192));
    EXPECT_EQ(run(write), 0);
    EXPECT_EQ(run(read), 0);
    EXPECT_EQ(read.memory, write.memory);
}

TEST_P(FileContractTest, WritesOverOldDataAndIntoHolesMix) {
    TestOp old(OpKind::write, 0, 65536, 1), fresh(OpKind::write, 32768, 65536, 2);
    EXPECT_EQ(run(old), 0);
    EXPECT_EQ(run(fresh), 0);
    EXPECT_TRUE(reads(0, 32768, 1));
    EXPECT_TRUE(reads(32768, 65536, 2));
    EXPECT_TRUE(reads(98304, 65536, 0));
}

TEST_P(FileContractTest, ManyAtOnceAllComplete) {
    std::vector<std::unique_ptr<TestOp>> ops;
    for (unsigned i = 0; i < 200; ++i) {
        ops.push_back(std::make_unique<TestOp>(OpKind::write, i * 8192, 8192, uint8_t(i)));
        ops.back()->dsync = i % 64 == 0;
    }
    for (auto& op : ops) op->completed = queue_->submit(*op);
    run_until([&] {
        return std::all_of(ops.begin(), ops.end(), [](auto& op) { return op->completed; });
    });
    for (auto& op : ops) {
        EXPECT_EQ(op->error, 0);
        EXPECT_TRUE(reads(op->offset, 8192, op->memory[0]));
    }
}

TEST_P(FileContractTest, OperationMayBeSubmittedAgainFromItsCompletion) {
    struct Chain : TestOp {
        StoreQueue* queue;
        int left = 300;
        explicit Chain(StoreQueue& q, uint64_t at) : TestOp(OpKind::write, at, 4096), queue(&q) {
            complete = [](Op& op) {
                auto& self = static_cast<Chain&>(op);
                self.completed = --self.left == 0 || self.error;
                if (!self.completed) self.queue->submit(self);
            };
        }
    } first(*queue_, 0), second(*queue_, mib);
    queue_->submit(first);
    queue_->submit(second);
    run_until([&] { return first.completed && second.completed; });
    EXPECT_EQ(first.error, 0);
    EXPECT_EQ(second.error, 0);
}

TEST_P(FileContractTest, CompletionMayDestroyTheQueue) {
    struct Last : TestOp {
        std::unique_ptr<StoreQueue>* queue;
        explicit Last(std::unique_ptr<StoreQueue>& q, OpKind k) : TestOp(k, 0, 4096), queue(&q) {
            complete = [](Op& op) {
                auto& self = static_cast<Last&>(op);
                self.completed = true;
                self.queue->reset();
            };
        }
    };
    for (OpKind kind : {OpKind::write, OpKind::read, OpKind::flush}) {
        queue_ = store_->make_queue(worker_, lane_);
        Last op(queue_, kind);
        if (queue_->submit(op)) continue;
        run_until([&] { return op.completed; });
        EXPECT_EQ(op.error, 0);
        EXPECT_EQ(queue_, nullptr);
    }
}

TEST_P(FileContractTest, DurableWritesAndFlushesSucceed) {
    TestOp write(OpKind::write, 0, 65536), flush(OpKind::flush, 0, 0);
    write.fill_pattern(4);
    write.dsync = true;
    EXPECT_EQ(run(write), 0);
    EXPECT_TRUE(write.is_in(path_));
    flush.length = 4 * mib;
    EXPECT_EQ(run(flush), 0);
}

TEST_P(FileContractTest, DurableWritesOfManyThreadsSucceed) {
    constexpr size_t count = 4;
    std::barrier start(count);
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (size_t t = 0; t < count; ++t)
        threads.emplace_back([&, t] {
            start.arrive_and_wait();
            for (unsigned i = 0; i < 20; ++i) {
                TestOp write(OpKind::write, (t * 20 + i) * 4096, 4096, uint8_t(t)),
                    flush(OpKind::flush, 0, 0);
                write.dsync = i % 2;
                failed += store_->perform(write) != 0;
                failed += store_->perform(flush) != 0;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failed, 0);
    for (size_t t = 0; t < count; ++t) EXPECT_TRUE(reads(t * 20 * 4096, 20 * 4096, uint8_t(t)));
}

TEST_P(FileContractTest, DiscardAndZeroesDoTheirRange) {
    TestOp fill(OpKind::write, 0, 4 * mib, 0xcc);
    ASSERT_EQ(run(fill), 0);
    for (bool dsync : {false, true}) {
        uint64_t at = dsync ? 2 * mib : 0;
        EXPECT_EQ(run(OpKind::write_zeroes, at + 4096, 8192, dsync), 0);
        EXPECT_TRUE(reads(at, 4096, 0xcc));
        EXPECT_TRUE(reads(at + 4096, 8192, 0));
        EXPECT_TRUE(reads(at + 12288, 4096, 0xcc));
        if (!store_->info().features.discard) continue;
        EXPECT_EQ(run(OpKind::discard, at + mib, mib, dsync), 0);
        EXPECT_TRUE(reads(at + mib, mib, 0));
    }
    EXPECT_EQ(size_of_file(), 4 * mib);
}

TEST_P(FileContractTest, HintsNeverFail) {
    for (OpKind kind : {OpKind::prefetch, OpKind::forget}) {
        EXPECT_EQ(run(kind, 0, 4 * mib), 0);
        EXPECT_EQ(run(kind, 8 * mib, 4096), 0);
    }
}

// --- the end -----------------------------------------------------------------------------------

TEST_P(FileContractTest, NothingReachesPastTheEnd) {
    for (OpKind kind : {OpKind::read, OpKind::write, OpKind::discard, OpKind::write_zeroes}) {
        TestOp across(kind, 4 * mib - 4096, 8192), behind(kind, 4 * mib, 4096),
            far(kind, UINT64_MAX - 4095, 4096);
        EXPECT_EQ(run(across), EIO);
        EXPECT_EQ(run(behind), EIO);
        EXPECT_EQ(run(far), EIO);
        EXPECT_EQ(store_->perform(across), EIO);
    }
    EXPECT_EQ(size_of_file(), 4 * mib);
}

TEST_P(FileContractTest, FileThatWasCutShortIsNeverGrownAgain) {
    ASSERT_EQ(truncate(path_.c_str(), mib), 0);
    EXPECT_EQ(*store_->current_size(), mib);
    for (OpKind kind : {OpKind::read, OpKind::write, OpKind::discard, OpKind::write_zeroes}) {
        TestOp across(kind, mib - 4096, 8192), behind(kind, 2 * mib, 4096), in(kind, 0, 4096);
        EXPECT_EQ(run(across), EIO);
        EXPECT_EQ(run(behind), EIO);
        bool works = kind != OpKind::discard || store_->info().features.discard;
        EXPECT_EQ(run(in), works ? 0 : EOPNOTSUPP);
    }
    EXPECT_EQ(size_of_file(), mib);
    EXPECT_EQ(store_->info().size, 4 * mib) << "constant after open";
}

TEST_P(FileContractTest, ReadOfWhatWasCutOffIsAnErrorBeforeItIsNoticed) {
    ASSERT_EQ(truncate(path_.c_str(), 6000), 0);
    TestOp across(OpKind::read, 4096, 4096), behind(OpKind::read, 65536, 4096);
    EXPECT_EQ(run(across), EIO);
    EXPECT_EQ(run(behind), EIO);
}

TEST_P(FileContractTest, GrowthIsUsableOnceItWasSeen) {
    ASSERT_EQ(truncate(path_.c_str(), 8 * mib), 0);
    TestOp write(OpKind::write, 6 * mib, 65536, 5);
    EXPECT_EQ(run(write), EIO);
    EXPECT_EQ(*store_->current_size(), 8 * mib);
    EXPECT_EQ(run(write), 0);
    EXPECT_TRUE(reads(6 * mib, 65536, 5));
}

TEST_P(FileContractTest, ReadOnlyStoreChangesNothing) {
    queue_.reset();
    store_.reset();
    OpenFlags flags = GetParam().flags;
    flags.read_only = true;
    auto store = open_store(GetParam().engine, path_, flags, 4096);
    ASSERT_TRUE(store) << store.error().text;
    EXPECT_TRUE((*store)->info().read_only);
    auto queue = (*store)->make_queue(worker_, lane_);
    for (OpKind kind : {OpKind::write, OpKind::discard, OpKind::write_zeroes}) {
        TestOp op(kind, 0, 4096, 1);
        submit_and_wait(*queue, op);
        EXPECT_EQ(op.error, EROFS);
    }
    for (OpKind kind : {OpKind::read, OpKind::flush}) {
        TestOp op(kind, 0, 4096, 1);
        submit_and_wait(*queue, op);
        EXPECT_EQ(op.error, 0);
    }
}

TEST_P(FileContractTest, FullFileSystemIsEnospc) {
    Tmpfs small("size=256k");
    if (!small.mounted())
        GTEST_SKIP() << "NOT TESTED: mount(2) is refused here: " << strerror(errno);
    auto store =
        open_store(GetParam().engine, small.dir().file("disk", mib), GetParam().flags, 4096);
    if (!store) GTEST_SKIP() << "NOT TESTED: " << store.error().text;
    auto queue = (*store)->make_queue(worker_, lane_);
    TestOp write(OpKind::write, 0, mib, 1), read(OpKind::read, 0, 4096);
    submit_and_wait(*queue, write);
    EXPECT_EQ(write.error, ENOSPC);
    submit_and_wait(*queue, read);
    EXPECT_EQ(read.error, 0) << "and the store goes on";
    queue.reset();
    store->reset();
}

constexpr Way ways[] = {
    {"rdwr", "rdwr", {}},
    {"rdwr_sync", "rdwr", {.sync = true}},
    {"rdwr_direct", "rdwr", {.direct = true}},
    {"rdwr_sync_direct", "rdwr", {.sync = true, .direct = true}},
    {"aio", "aio", {}},
    {"rdwr_ring", "rdwr", {}, true},
    {"rdwr_sync_ring", "rdwr", {.sync = true}, true},
    {"rdwr_direct_ring", "rdwr", {.direct = true}, true},
    {"aio_ring", "aio", {}, true},
};
INSTANTIATE_TEST_SUITE_P(Engines, FileContractTest, testing::ValuesIn(ways),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tgt::store::test
