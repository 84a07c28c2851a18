// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/op_batch.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>

#include "store/pooled_queue.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

// Its operations do not wait, but for those at one offset while the gate is closed.
class QuickStore final : public Store {
  public:
    static constexpr uint64_t slow_offset = 4096;
    std::atomic<bool> open{true};
    std::atomic<int> begun{0};
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::vector<uint64_t> order;

    class Queue final : public PooledQueue {
      public:
        using PooledQueue::PooledQueue;

      private:
        bool seldom_waits(const Op&) const override { return true; }
    };
    const Info& info() const override { return info_; }
    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override {
        return std::make_unique<Queue>(*this, worker, lane);
    }
    int perform(Op& op) override {
        ++begun;
        {
            std::lock_guard lock(mutex);
            threads.insert(std::this_thread::get_id());
            order.push_back(op.offset);
        }
        while (op.offset == slow_offset && !open) std::this_thread::yield();
        return op.offset == 512 ? ENOSPC : 0;
    }
    Result<Extent> extent(uint64_t) override { return Extent{}; }
    Result<uint64_t> current_size() override { return 0; }

  private:
    Info info_;
};

class OpBatchTest : public QueueTest {
  protected:
    using Ops = std::vector<std::unique_ptr<TestOp>>;
    Ops writes(std::initializer_list<uint64_t> offsets) {
        Ops ops;
        for (uint64_t offset : offsets)
            ops.push_back(std::make_unique<TestOp>(OpKind::write, offset, 16));
        return ops;
    }
    void submit(const Ops& ops) {
        for (const auto& op : ops) EXPECT_FALSE(queue_->submit(*op));
    }
    void run_until_complete(const Ops& ops) {
        for (const auto& op : ops) run_until([&] { return op->completed; });
    }

    // Time stands still: however slow the machine is, nobody is taken for waiting.
    void run_before_the_first_look(const Ops& ops) {
        const io::TimePoint now = worker_.timers().now();
        for (const auto& op : ops)
            for (; !op->completed; std::this_thread::yield()) worker_.turn_for_test(now);
    }

    QuickStore store_;
    std::unique_ptr<StoreQueue> queue_ = store_.make_queue(worker_, lane_);
};

TEST_F(OpBatchTest, NothingBeginsBeforeTheEndOfTheTurn) {
    const Ops ops = writes({0, 16});
    submit(ops);
    ASSERT_TRUE(pool_.wait_idle(io::Clock::now() + std::chrono::seconds(30)));
    EXPECT_EQ(store_.begun, 0);
    run_until_complete(ops);
}

TEST_F(OpBatchTest, OperationsOfATurnRunInOrderOnOneThread) {
    const Ops ops = writes({0, 16, 32, 48, 64, 80, 96, 112});
    submit(ops);
    run_before_the_first_look(ops);
    EXPECT_EQ(store_.threads.size(), 1u);
    EXPECT_EQ(store_.order, (std::vector<uint64_t>{0, 16, 32, 48, 64, 80, 96, 112}));
    for (const auto& op : ops) EXPECT_EQ(op->completed_on, std::this_thread::get_id());
}

TEST_F(OpBatchTest, HandsOnEachOutcome) {
    const Ops ops = writes({0, 512, 1024});
    submit(ops);
    run_until_complete(ops);
    EXPECT_EQ(ops[0]->error, 0);
    EXPECT_EQ(ops[1]->error, ENOSPC);
    EXPECT_EQ(ops[2]->error, 0);
}

TEST_F(OpBatchTest, OneThatWaitsDoesNotHoldUpTheOthers) {
    store_.open = false;
    const Ops ops = writes({0, QuickStore::slow_offset, 16, 32});
    submit(ops);
    for (size_t i : {0, 2, 3}) run_until([&] { return ops[i]->completed; });
    EXPECT_FALSE(ops[1]->completed);
    const Ops later = writes({48});
    submit(later);
    run_until_complete(later);
    store_.open = true;
    run_until_complete(ops);
}

TEST_F(OpBatchTest, CancelTakesBackWhatHasNotBegun) {
    store_.open = false;
    const Ops ops = writes({QuickStore::slow_offset, 16, 32, 48});
    const io::TimePoint now = io::Clock::now();
    submit(ops);
    worker_.turn_for_test(now);
    while (store_.begun == 0) std::this_thread::yield();
    EXPECT_FALSE(queue_->cancel(*ops[0])) << "it has begun";
    EXPECT_TRUE(queue_->cancel(*ops[2])) << "from the middle";
    EXPECT_TRUE(queue_->cancel(*ops[3])) << "the last";
    const Ops later = writes({64});
    submit(later);
    store_.open = true;
    run_until_complete(later);
    run_until([&] { return ops[0]->completed && ops[1]->completed; });
    EXPECT_EQ(store_.order, (std::vector<uint64_t>{QuickStore::slow_offset, 16, 64}));
}

TEST_F(OpBatchTest, CancelBeforeTheEndOfTheTurnLeavesNothingToDo) {
    const Ops ops = writes({0});
    submit(ops);
    EXPECT_TRUE(queue_->cancel(*ops[0]));
    worker_.turn_for_test(io::Clock::now());
    ASSERT_TRUE(pool_.wait_idle(io::Clock::now() + std::chrono::seconds(30)));
    EXPECT_EQ(store_.begun, 0);
}

TEST_F(OpBatchTest, QueueMayGoInTheTurnInWhichEverythingWasTakenBack) {
    const Ops ops = writes({0, 16});
    submit(ops);
    for (const auto& op : ops) EXPECT_TRUE(queue_->cancel(*op));
    queue_.reset();
    worker_.turn_for_test(io::Clock::now());
    EXPECT_EQ(store_.begun, 0);
}

TEST_F(OpBatchTest, WorkerGathersForAWhileAfterManyWereInFlight) {
    const auto begin_one_at = [&](io::TimePoint now) {
        worker_.turn_for_test(now);
        Ops ops = writes({0});
        submit(ops);
        return ops;
    };
    io::TimePoint now = io::Clock::now();
    store_.open = false;
    const Ops stuck = writes({QuickStore::slow_offset});
    submit(stuck);
    std::vector<Ops> others;
    for (int i = 0; i < 14; ++i) others.push_back(begin_one_at(now));
    EXPECT_FALSE(worker_.gathers()) << "15 in flight";
    others.push_back(begin_one_at(now));
    EXPECT_TRUE(worker_.gathers()) << "16 in flight";
    store_.open = true;
    run_until_complete(stuck);
    for (const Ops& ops : others) run_until_complete(ops);

    others.push_back(begin_one_at(now + std::chrono::milliseconds(19)));
    EXPECT_TRUE(worker_.gathers());
    others.push_back(begin_one_at(now + std::chrono::milliseconds(21)));
    EXPECT_FALSE(worker_.gathers());
    for (const Ops& ops : others) run_until_complete(ops);
}

// A worker that sleeps is woken at the end of the batch, not for each operation; and the queue may
// be destroyed as soon as its last operation is complete.
TEST_F(OpBatchTest, SleepingWorkersGetEverythingBack) {
    constexpr int rounds = 200, each = 20;
    struct Round {
        std::unique_ptr<StoreQueue> queue;
        Ops ops;
        std::atomic<int>* left;
    };
    struct CountedOp : TestOp {
        std::shared_ptr<Round> round;
        explicit CountedOp(uint64_t at) : TestOp(OpKind::write, at, 16) {
            complete = [](Op& op) {
                auto round = std::exchange(static_cast<CountedOp&>(op).round, nullptr);
                --*round->left;  // the last one destroys the queue
            };
        }
    };
    io::Worker worker{{.name = "sleeper"}};
    worker.start();
    for (int i = 0; i < rounds; ++i) {
        std::atomic<int> left{each};
        worker.post([&] {
            auto round = std::make_shared<Round>();
            round->queue = store_.make_queue(worker, lane_);
            round->left = &left;
            for (int k = 0; k < each; ++k) {
                auto op = std::make_unique<CountedOp>(uint64_t(k) * 16);
                op->round = round;
                round->ops.push_back(std::move(op));
            }
            for (const auto& op : round->ops) round->queue->submit(*op);
        });
        while (left > 0) std::this_thread::yield();
    }
    worker.stop();
    worker.join();
    EXPECT_EQ(store_.begun, rounds * each);
}

}  // namespace
}  // namespace tgt::store::test
