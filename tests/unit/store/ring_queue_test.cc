// SPDX-License-Identifier: GPL-2.0-or-later
// RingQueue over a pipe: a read of it hangs until the test writes.
#include "store/posix/ring_queue.h"

#include "io/ring.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

class PipeStore final : public posix::FileStore {
  public:
    explicit PipeStore(int fd) : FileStore(opened(fd), some_size(), OpenRequest()) {}
    std::unique_ptr<StoreQueue> make_queue(io::Worker&, io::PoolLane&) override { return nullptr; }

  private:
    static posix::Opened opened(int fd) {
        posix::Opened opened;
        opened.fd.reset(fd);
        return opened;
    }
    static Info some_size() {
        Info info;
        info.size = 1 << 20;
        return info;
    }
};

class PipeQueue final : public posix::RingQueue {
  public:
    PipeQueue(PipeStore& store, io::Worker& worker, io::PoolLane& lane)
        : RingQueue(store, worker, std::make_unique<PooledQueue>(store, worker, lane)),
          store_(store) {}
    bool submit(Op& op) override {
        op.done = 0;
        return !start(op, store_.fd(), flags);
    }
    bool go_on(Op& op, uint64_t done) {
        op.done = done;
        return start(op, store_.fd(), 0);
    }
    using RingQueue::stalled;
    int flags = 0;
    std::vector<int> refusals;

  private:
    void refused(Op&, int error) override { refusals.push_back(error); }
    PipeStore& store_;
};

class RingQueueTest : public QueueTest {
  protected:
    RingQueueTest() : QueueTest(true) {}
    void SetUp() override {
        if (!worker_.ring()) GTEST_SKIP() << "NOT TESTED: io_uring is refused here";
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        to_.reset(ends[1]);
        store_ = std::make_unique<PipeStore>(ends[0]);
        queue_ = std::make_unique<PipeQueue>(*store_, worker_, lane_);
    }
    void turn(int ms) { worker_.turn_for_test(io::TimePoint{} + std::chrono::milliseconds(ms)); }
    void give(const std::string& bytes) {
        ASSERT_EQ(write(to_.get(), bytes.data(), bytes.size()), ssize_t(bytes.size()));
    }
    void finish(const TestOp& op) {
        run_until([&] { return op.completed; });
        EXPECT_EQ(op.done, 0u);
    }

    UniqueFd to_;
    std::unique_ptr<PipeStore> store_;
    std::unique_ptr<PipeQueue> queue_;
};

TEST_F(RingQueueTest, WaitsWithoutAThread) {
    TestOp op(OpKind::read, 0, 3);
    EXPECT_FALSE(queue_->submit(op));
    turn(1);
    EXPECT_EQ(worker_.ring()->in_flight(), 1u);
    EXPECT_EQ(lane_.running() + lane_.queued(), 0u);
    give("abc");
    finish(op);
    EXPECT_EQ(op.error, 0);
    EXPECT_EQ(op.memory[2], 'c');
    EXPECT_EQ(op.completed_on, std::this_thread::get_id());
}

TEST_F(RingQueueTest, CancelTakesBackWhatTheKernelDoesNotHave) {
    TestOp begun(OpKind::read, 0, 3), collected(OpKind::read, 0, 3);
    queue_->submit(begun);
    turn(1);
    queue_->submit(collected);
    EXPECT_FALSE(queue_->cancel(begun));
    EXPECT_TRUE(queue_->cancel(collected));
    give("abc");
    finish(begun);
    EXPECT_FALSE(collected.completed);
    EXPECT_FALSE(queue_->cancel(begun)) << "it is complete";
}

TEST_F(RingQueueTest, StallsWhenNothingEndsForAWhile) {
    TestOp first(OpKind::read, 0, 1), second(OpKind::read, 0, 1);
    turn(1000);
    EXPECT_FALSE(queue_->stalled()) << "nothing is in flight";
    queue_->submit(first);
    queue_->submit(second);
    turn(1200);
    EXPECT_FALSE(queue_->stalled());
    turn(1300);
    EXPECT_TRUE(queue_->stalled());
    give("a");
    while (!first.completed && !second.completed) turn(1301);
    EXPECT_FALSE(queue_->stalled()) << "one has ended";
    turn(1552);
    EXPECT_TRUE(queue_->stalled());
    give("b");
    while (!first.completed || !second.completed) turn(1553);
    EXPECT_FALSE(queue_->stalled());
}

// A pipe has no offsets: the pool says so.
TEST_F(RingQueueTest, ShortReadGoesOnInThePool) {
    TestOp op(OpKind::read, 0, 8);
    queue_->submit(op);
    give("abc");
    finish(op);
    EXPECT_EQ(op.error, ESPIPE);
    EXPECT_EQ(op.memory[2], 'c');
}

TEST_F(RingQueueTest, EndOfTheFileIsAnError) {
    TestOp op(OpKind::read, 0, 8);
    queue_->submit(op);
    to_.reset();
    finish(op);
    EXPECT_EQ(op.error, EIO);
}

TEST_F(RingQueueTest, RefusalIsToldAndThePoolDoesIt) {
    queue_->flags = 1 << 30;  // no kernel knows it
    TestOp op(OpKind::read, 0, 8);
    queue_->submit(op);
    finish(op);
    EXPECT_EQ(queue_->refusals, std::vector<int>{EOPNOTSUPP});
    EXPECT_EQ(op.error, ESPIPE);
}

TEST_F(RingQueueTest, ErrorsAreHandedOn) {
    TestOp op(OpKind::write, 0, 8);
    queue_->submit(op);
    finish(op);
    EXPECT_EQ(op.error, EBADF) << "this end is for reading";
}

TEST_F(RingQueueTest, PiecesAreFilledInOrder) {
    TestOp op(OpKind::read, 0, 6);
    op.cut({1, 2, 3});
    queue_->submit(op);
    give("abcdef");
    finish(op);
    EXPECT_EQ(std::string(op.memory.begin(), op.memory.end()), "abcdef");
}

TEST_F(RingQueueTest, GoesOnInTheLastPieceOnly) {
    TestOp op(OpKind::read, 0, 6);
    op.cut({3, 3});
    EXPECT_FALSE(queue_->go_on(op, 2)) << "more than one piece, not from their beginning";
    ASSERT_TRUE(queue_->go_on(op, 4));
    give("ef");
    finish(op);
    EXPECT_EQ(op.error, 0);
    EXPECT_EQ(op.memory[3], 0);
    EXPECT_EQ(op.memory[4], 'e');
    EXPECT_EQ(op.memory[5], 'f');
}

TEST_F(RingQueueTest, WithoutARingNothingIsStarted) {
    io::Worker plain({.name = "plain"});
    PipeQueue queue(*store_, plain, lane_);
    TestOp op(OpKind::read, 0, 1);
    EXPECT_TRUE(queue.submit(op));
}

}  // namespace
}  // namespace tgt::store::test
