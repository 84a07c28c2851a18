// SPDX-License-Identifier: GPL-2.0-or-later
// The queue of the aio engine over a kernel that the test plays: what is given to it and when, and
// what becomes of each of its answers.
#include <sys/eventfd.h>

#include <deque>

#include "store/aio/ring.h"
#include "store/aio/store.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

class PlayedKernel : public aio::System {
  public:
    int setup(unsigned depth, io_context_t* context) const override {
        ++setups;
        if (setup_result < 0) return setup_result;
        asked_depth = depth;
        *context = reinterpret_cast<io_context_t>(&context_);
        return 0;
    }
    int destroy(io_context_t) const override {
        EXPECT_TRUE(held.empty()) << "with requests in flight";
        ++destroyed;
        return 0;
    }
    int submit(io_context_t, std::span<iocb*> requests) const override {
        if (!submit_results.empty()) {
            int result = submit_results.front();
            submit_results.pop_front();
            if (result <= 0) return result;
            requests = requests.first(size_t(result));
        }
        batches.push_back(requests.size());
        held.insert(held.end(), requests.begin(), requests.end());
        return int(requests.size());
    }
    int reap(io_context_t, std::span<io_event> events) const override {
        size_t count = std::min(events.size(), ended.size());
        std::copy_n(ended.begin(), count, events.begin());
        ended.erase(ended.begin(), ended.begin() + ptrdiff_t(count));
        return int(count);
    }
    // The oldest request ends.
    void end(long result) {
        iocb* request = held.front();
        held.pop_front();
        io_event event{};
        event.data = request->data;
        event.obj = request;
        event.res = static_cast<unsigned long>(result);
        ended.push_back(event);
        eventfd_write(int(request->u.c.resfd), 1);
    }

    int setup_result = 0;
    mutable std::deque<int> submit_results;  // of the next calls; then everything is taken
    mutable std::deque<iocb*> held;          // in flight
    mutable std::vector<io_event> ended;
    mutable std::vector<size_t> batches;
    mutable unsigned setups = 0, destroyed = 0, asked_depth = 0;

  private:
    mutable char context_ = 0;
};

class AioQueueTest : public QueueTest {
  protected:
    void SetUp() override { open(128); }
    void open(unsigned depth) {
        close();
        path_ = dir_.file("disk", 1 << 20);
        OpenRequest request;
        request.path = path_;
        request.block_size = 4096;
        auto store = aio::open_aio(request, {.system = kernel_, .depth = depth});
        if (!store)
            GTEST_SKIP() << "NOT TESTED: no direct I/O below /var/tmp: " << store.error().text;
        store_ = std::move(*store);
        queue_ = store_->make_queue(worker_, lane_);
    }
    void close() {
        queue_.reset();
        store_.reset();
    }
    void turn() { worker_.turn_for_test(io::Clock::now()); }
    // What the kernel has done when it answers with success.
    void write_to_file(const TestOp& op, size_t bytes) {
        UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
        ASSERT_EQ(pwrite(fd.get(), op.memory.data(), bytes, off_t(op.offset)), ssize_t(bytes));
    }
    // Gives the operation to the kernel, which answers with `result`; returns the outcome.
    int answered(TestOp& op, long result) {
        op.completed = false;
        EXPECT_FALSE(queue_->submit(op));
        turn();
        EXPECT_EQ(kernel_.held.size(), 1u);
        kernel_.end(result);
        run_until([&] { return op.completed; });
        return op.error;
    }
    bool given_to_the_kernel(TestOp& op) {
        op.completed = false;
        EXPECT_FALSE(queue_->submit(op));
        turn();
        bool given = !kernel_.held.empty();
        if (given) kernel_.end(long(op.length));
        run_until([&] { return op.completed; });
        return given;
    }

    PlayedKernel kernel_;
    TempDir dir_;
    std::string path_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<StoreQueue> queue_;
};

// --- giving requests to the kernel -------------------------------------------------------------

TEST_F(AioQueueTest, OperationsOfOneTurnAreOneCall) {
    std::vector<std::unique_ptr<TestOp>> ops;
    for (unsigned i = 0; i < 5; ++i) {
        ops.push_back(std::make_unique<TestOp>(OpKind::read, i * 8192, 4096));
        EXPECT_FALSE(queue_->submit(*ops.back()));
    }
    EXPECT_TRUE(kernel_.batches.empty()) << "not before the end of the turn";
    turn();
    EXPECT_EQ(kernel_.batches, std::vector<size_t>{5});
    for (unsigned i = 0; i < 5; ++i) {
        EXPECT_EQ(kernel_.held[0]->u.c.offset, i * 8192) << "in the order of submission";
        kernel_.end(4096);
    }
    turn();
    for (auto& op : ops) EXPECT_TRUE(op->completed && op->error == 0);
    EXPECT_EQ(ops[0]->completed_on, std::this_thread::get_id());
}

TEST_F(AioQueueTest, RequestSaysWhatTheOperationSays) {
    TestOp read(OpKind::read, 4096, 8192), write(OpKind::write, 8192, 4096),
        durable(OpKind::write, 16384, 4096);
    read.cut({4096, 4096});
    durable.dsync = true;
    for (TestOp* op : {&read, &write, &durable}) EXPECT_FALSE(queue_->submit(*op));
    turn();
    ASSERT_EQ(kernel_.held.size(), 3u);
    const iocb& first = *kernel_.held[0];
    EXPECT_EQ(first.aio_lio_opcode, IO_CMD_PREADV);
    EXPECT_EQ(first.u.c.offset, 4096);
    EXPECT_EQ(first.u.c.buf, read.iov);
    EXPECT_EQ(first.u.c.nbytes, 2u) << "pieces";
    EXPECT_EQ(first.aio_rw_flags, RWF_NOWAIT);
    EXPECT_EQ(kernel_.held[1]->aio_lio_opcode, IO_CMD_PWRITEV);
    EXPECT_EQ(kernel_.held[1]->aio_rw_flags, RWF_NOWAIT);
    EXPECT_EQ(kernel_.held[1]->aio_fildes, first.aio_fildes);
    EXPECT_EQ(kernel_.held[2]->aio_rw_flags, RWF_NOWAIT | RWF_DSYNC);
    EXPECT_NE(kernel_.held[2]->aio_fildes, first.aio_fildes)
        << "errors of write-back stay untold on the main description";
    for (long length : {8192, 4096, 4096}) kernel_.end(length);
    turn();
    EXPECT_TRUE(read.completed && write.completed && durable.completed);
}

TEST_F(AioQueueTest, WhatExceedsTheDepthWaitsItsTurn) {
    open(4);
    std::vector<std::unique_ptr<TestOp>> ops;
    for (unsigned i = 0; i < 10; ++i) {
        ops.push_back(std::make_unique<TestOp>(OpKind::read, i * 4096, 4096));
        queue_->submit(*ops.back());
    }
    turn();
    EXPECT_EQ(kernel_.asked_depth, 4u);
    EXPECT_EQ(kernel_.held.size(), 4u);
    kernel_.end(4096);
    kernel_.end(4096);
    turn();
    EXPECT_EQ(kernel_.held.size(), 4u);
    EXPECT_EQ(kernel_.batches, (std::vector<size_t>{4, 2}));
    while (!kernel_.held.empty()) {
        kernel_.end(4096);
        turn();
        EXPECT_LE(kernel_.held.size(), 4u);
    }
    for (auto& op : ops) EXPECT_TRUE(op->completed && op->error == 0);
}

TEST_F(AioQueueTest, CompletionMaySubmitAgain) {
    struct Chain : TestOp {
        StoreQueue* queue;
        int left = 3;
        explicit Chain(StoreQueue& q) : TestOp(OpKind::read, 0, 4096), queue(&q) {
            complete = [](Op& op) {
                auto& self = static_cast<Chain&>(op);
                self.completed = --self.left == 0;
                if (!self.completed) self.queue->submit(self);
            };
        }
    } chain(*queue_);
    queue_->submit(chain);
    for (int i = 0; i < 3; ++i) {
        turn();
        ASSERT_EQ(kernel_.held.size(), 1u);
        kernel_.end(4096);
        turn();
    }
    EXPECT_TRUE(chain.completed);
}

TEST_F(AioQueueTest, UnsuitableOperationsNeverReachTheKernel) {
    TestOp flush(OpKind::flush, 0, 0), zero(OpKind::write_zeroes, 0, 4096),
        nothing(OpKind::read, 0, 0), crooked(OpKind::write, 0, 8192, 7);
    crooked.cut({100, 8092});
    for (TestOp* op : {&flush, &zero, &nothing, &crooked}) {
        EXPECT_FALSE(given_to_the_kernel(*op));
        EXPECT_EQ(op->error, 0);
    }
    EXPECT_TRUE(crooked.is_in(path_));
    TestOp hint(OpKind::prefetch, 0, 4096), behind(OpKind::read, 1 << 20, 4096);
    EXPECT_TRUE(queue_->submit(hint));
    EXPECT_EQ(hint.error, 0);
    EXPECT_TRUE(queue_->submit(behind));
    EXPECT_EQ(behind.error, EIO);
    EXPECT_EQ(kernel_.setups, 0u) << "a ring is made for what needs it";
}

// --- cancelling --------------------------------------------------------------------------------

TEST_F(AioQueueTest, CancelTakesBackWhatTheKernelDoesNotHave) {
    open(1);
    TestOp first(OpKind::write, 0, 4096), overflow(OpKind::write, 4096, 4096),
        collected(OpKind::write, 8192, 4096);
    queue_->submit(first);
    queue_->submit(overflow);
    turn();
    queue_->submit(collected);
    EXPECT_FALSE(queue_->cancel(first)) << "in flight";
    EXPECT_TRUE(queue_->cancel(overflow));
    EXPECT_TRUE(queue_->cancel(collected));
    kernel_.end(4096);
    turn();
    turn();
    EXPECT_TRUE(first.completed);
    EXPECT_FALSE(overflow.completed || collected.completed);
    EXPECT_EQ(kernel_.batches, std::vector<size_t>{1});
    EXPECT_FALSE(queue_->cancel(first)) << "it is complete";
}

TEST_F(AioQueueTest, CancelTakesBackWhatWaitsForAThread) {
    io::PoolLane narrow(pool_, 1);
    auto queue = store_->make_queue(worker_, narrow);
    std::atomic<bool> open{false};
    struct Gate : Task {
        std::atomic<bool>* open;
    } gate;
    gate.open = &open;
    gate.run = [](Task& task) {
        while (!*static_cast<Gate&>(task).open) std::this_thread::yield();
    };
    narrow.submit(gate);
    TestOp untouched(OpKind::write, 0, 8192, 1), begun(OpKind::write, 8192, 8192, 2);
    queue->submit(untouched);
    queue->submit(begun);
    turn();
    kernel_.end(-EAGAIN);
    write_to_file(begun, 4096);
    kernel_.end(4096);
    turn();
    EXPECT_TRUE(queue->cancel(untouched));
    EXPECT_FALSE(queue->cancel(begun)) << "half of it is written";
    open = true;
    run_until([&] { return begun.completed; });
    EXPECT_TRUE(begun.is_in(path_));
    EXPECT_FALSE(untouched.completed);
    EXPECT_FALSE(untouched.is_in(path_));
    ASSERT_TRUE(pool_.wait_idle(io::Clock::now() + std::chrono::seconds(30)));
}

TEST_F(AioQueueTest, QueueMayDieBeforeTheTurnEnds) {
    TestOp op(OpKind::read, 0, 4096);
    queue_->submit(op);
    EXPECT_TRUE(queue_->cancel(op));
    queue_.reset();
    turn();
    EXPECT_TRUE(kernel_.batches.empty());
}

TEST_F(AioQueueTest, ContextIsDestroyedWithTheStoreNotOnTheWorker) {
    TestOp op(OpKind::read, 0, 4096);
    EXPECT_EQ(answered(op, 4096), 0);
    queue_.reset();
    EXPECT_EQ(kernel_.destroyed, 0u);
    store_.reset();
    EXPECT_EQ(kernel_.destroyed, 1u);
}

// --- answers of the kernel ---------------------------------------------------------------------

TEST_F(AioQueueTest, WouldWaitGoesToThePool) {
    TestOp write(OpKind::write, 0, 8192, 3), read(OpKind::read, 0, 8192);
    EXPECT_EQ(answered(write, -EAGAIN), 0);
    EXPECT_TRUE(write.is_in(path_));
    EXPECT_EQ(answered(read, -EAGAIN), 0);
    EXPECT_EQ(read.memory, write.memory);
    EXPECT_TRUE(given_to_the_kernel(read)) << "the next one is tried again";
}

TEST_F(AioQueueTest, RefusalAtSubmissionGoesToThePoolAndOthersGoOn) {
    TestOp first(OpKind::write, 0, 4096, 1), refused(OpKind::write, 4096, 4096, 2),
        last(OpKind::write, 8192, 4096, 3);
    kernel_.submit_results = {1, -EAGAIN};
    for (TestOp* op : {&first, &refused, &last}) queue_->submit(*op);
    turn();
    EXPECT_EQ(kernel_.batches, (std::vector<size_t>{1, 1}));
    run_until([&] { return refused.completed; });
    EXPECT_TRUE(refused.is_in(path_));
    EXPECT_FALSE(first.completed || last.completed);
    kernel_.end(4096);
    kernel_.end(4096);
    turn();
    EXPECT_TRUE(first.completed && last.completed);
}

TEST_F(AioQueueTest, WithoutNowaitEverythingGoesToThePool) {
    for (bool at_submission : {true, false}) {
        open(128);
        TestOp write(OpKind::write, 0, 4096, 4), next(OpKind::write, 4096, 4096, 5);
        if (at_submission) {
            kernel_.submit_results = {-EOPNOTSUPP};
            EXPECT_FALSE(given_to_the_kernel(write));
        } else {
            answered(write, -EOPNOTSUPP);
        }
        EXPECT_EQ(write.error, 0);
        EXPECT_TRUE(write.is_in(path_));
        EXPECT_FALSE(given_to_the_kernel(next));
        EXPECT_TRUE(next.is_in(path_));
    }
}

TEST_F(AioQueueTest, WithoutDsyncOnlyDurableWritesGoToThePool) {
    TestOp durable(OpKind::write, 0, 4096, 6), next(OpKind::write, 4096, 4096, 7),
        plain(OpKind::write, 8192, 4096, 8);
    durable.dsync = next.dsync = true;
    EXPECT_EQ(answered(durable, -EOPNOTSUPP), 0);
    EXPECT_TRUE(durable.is_in(path_));
    EXPECT_FALSE(given_to_the_kernel(next));
    EXPECT_TRUE(next.is_in(path_));
    EXPECT_TRUE(given_to_the_kernel(plain));
}

TEST_F(AioQueueTest, ShortTransferGoesOnWhereItStopped) {
    TestOp write(OpKind::write, 4096, 16384), read(OpKind::read, 4096, 16384, 0xee);
    write.fill_pattern(9);
    write.cut({4096, 8192, 4096});
    write_to_file(write, 8192);
    EXPECT_EQ(answered(write, 8192), 0);
    EXPECT_TRUE(write.is_in(path_));
    EXPECT_EQ(answered(read, 12288), 0);
    EXPECT_TRUE(std::all_of(read.memory.begin(), read.memory.begin() + 12288, [](uint8_t byte) {
        return byte == 0xee;
    })) << "what the kernel has done is not done again";
    EXPECT_TRUE(
        std::equal(read.memory.begin() + 12288, read.memory.end(), write.memory.begin() + 12288));
    EXPECT_EQ(read.done, 0u);
}

TEST_F(AioQueueTest, EndOfTheFileIsAnError) {
    for (OpKind kind : {OpKind::read, OpKind::write})
        for (long result : {0L, 100L}) {
            TestOp op(kind, 0, 8192);
            EXPECT_EQ(answered(op, result), EIO);
        }
}

TEST_F(AioQueueTest, ErrorsAreHandedOn) {
    for (int error : {EIO, ENOSPC, ENODATA}) {
        TestOp op(OpKind::write, 0, 4096);
        EXPECT_EQ(answered(op, -error), error);
    }
    TestOp quota(OpKind::write, 0, 4096);
    EXPECT_EQ(answered(quota, -EDQUOT), ENOSPC);
}

TEST_F(AioQueueTest, WithoutAContextThePoolDoesTheWork) {
    kernel_.setup_result = -EAGAIN;
    open(128);
    TestOp write(OpKind::write, 0, 4096, 10), read(OpKind::read, 0, 4096);
    EXPECT_FALSE(given_to_the_kernel(write));
    EXPECT_TRUE(write.is_in(path_));
    EXPECT_FALSE(given_to_the_kernel(read));
    EXPECT_EQ(read.memory, write.memory);
    EXPECT_EQ(kernel_.setups, 1u) << "asked once";
}

TEST_F(AioQueueTest, LimitOfContextsIsNamedWithItsRemedy) {
    kernel_.setup_result = -EAGAIN;
    auto ring = aio::Ring::open(kernel_, 128);
    ASSERT_FALSE(ring);
    EXPECT_EQ(ring.error().code, EAGAIN);
    EXPECT_NE(ring.error().text.find("raise fs.aio-max-nr"), std::string::npos)
        << ring.error().text;
    kernel_.setup_result = -ENOSYS;
    EXPECT_EQ(aio::Ring::open(kernel_, 128).error().code, ENOSYS);
}

}  // namespace
}  // namespace tgt::store::test
