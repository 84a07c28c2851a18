// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/pooled_queue.h"

#include <atomic>
#include <memory>

#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

// A store whose operations wait until they are let go.
class GatedStore final : public Store {
  public:
    std::atomic<bool> open{true};
    std::atomic<int> begun{0};
    std::atomic<int> outcome{0};

    const Info& info() const override { return info_; }
    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override {
        return std::make_unique<PooledQueue>(*this, worker, lane);
    }
    int perform(Op&) override {
        ++begun;
        while (!open) std::this_thread::yield();
        return outcome;
    }
    Result<Extent> extent(uint64_t) override { return Extent{}; }
    Result<uint64_t> current_size() override { return 0; }

  private:
    Info info_;
};

class PooledQueueTest : public QueueTest {
  protected:
    GatedStore store_;
    std::unique_ptr<StoreQueue> queue_ = store_.make_queue(worker_, lane_);
};

TEST_F(PooledQueueTest, CompletesLaterOnTheWorker) {
    TestOp op(OpKind::write, 0, 16);
    EXPECT_FALSE(queue_->submit(op));
    ASSERT_TRUE(pool_.wait_idle(io::Clock::now() + std::chrono::seconds(30)));
    EXPECT_FALSE(op.completed) << "not before the worker's turn";
    worker_.turn_for_test(io::Clock::now());
    EXPECT_TRUE(op.completed);
    EXPECT_EQ(op.completed_on, std::this_thread::get_id());
}

TEST_F(PooledQueueTest, HandsOnTheOutcome) {
    TestOp op(OpKind::write, 0, 16);
    store_.outcome = ENOSPC;
    submit_and_wait(*queue_, op);
    EXPECT_EQ(op.error, ENOSPC);
    store_.outcome = 0;
    submit_and_wait(*queue_, op);
    EXPECT_EQ(op.error, 0);
}

TEST_F(PooledQueueTest, CancelTakesBackWhatHasNotBegun) {
    store_.open = false;
    std::vector<std::unique_ptr<TestOp>> ops;
    for (int i = 0; i < 3; ++i) ops.push_back(std::make_unique<TestOp>(OpKind::write, 0, 16));
    for (auto& op : ops) queue_->submit(*op);
    run_until([&] { return store_.begun == 2; });
    EXPECT_TRUE(queue_->cancel(*ops[2]));
    EXPECT_FALSE(queue_->cancel(*ops[0])) << "it has begun";
    store_.open = true;
    run_until([&] { return ops[0]->completed && ops[1]->completed; });
    EXPECT_FALSE(ops[2]->completed);
    EXPECT_EQ(store_.begun, 2);
}

TEST_F(PooledQueueTest, OperationMayBeSubmittedAgainFromItsCompletion) {
    struct Chain : TestOp {
        StoreQueue* queue;
        int left = 3;
        explicit Chain(StoreQueue& q) : TestOp(OpKind::write, 0, 16), queue(&q) {
            complete = [](Op& op) {
                auto& self = static_cast<Chain&>(op);
                if (--self.left > 0) self.queue->submit(self);
            };
        }
    } chain(*queue_);
    queue_->submit(chain);
    run_until([&] { return chain.left == 0; });
    EXPECT_EQ(store_.begun, 3);
}

TEST_F(PooledQueueTest, SeveralWorkersShareAStore) {
    constexpr int each = 500;
    struct Side {
        io::Worker worker{{.name = "side"}};
        std::unique_ptr<StoreQueue> queue;
        std::vector<std::unique_ptr<TestOp>> ops;
        std::atomic<int> completed{0};
    };
    struct CountedOp : TestOp {
        Side* side;
        explicit CountedOp(Side& s) : TestOp(OpKind::write, 0, 16), side(&s) {
            complete = [](Op& op) {
                auto& self = static_cast<CountedOp&>(op);
                if (self.side->worker.here()) ++self.side->completed;
            };
        }
    };
    std::array<Side, 2> sides;
    for (Side& side : sides) {
        side.queue = store_.make_queue(side.worker, lane_);
        for (int i = 0; i < each; ++i) side.ops.push_back(std::make_unique<CountedOp>(side));
        side.worker.start();
        side.worker.post([&side] {
            for (auto& op : side.ops) side.queue->submit(*op);
        });
    }
    for (Side& side : sides)
        while (side.completed < each) std::this_thread::yield();
    for (Side& side : sides) side.worker.stop();
    for (Side& side : sides) side.worker.join();
    EXPECT_EQ(store_.begun, 2 * each);
}

}  // namespace
}  // namespace tgt::store::test
