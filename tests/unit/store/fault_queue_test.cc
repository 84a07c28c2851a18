// SPDX-License-Identifier: GPL-2.0-or-later
// Faults as a queue of the store meets them.
#include "tests/unit/store/fault_fixture.h"

namespace tgt::store::test {
namespace {

using std::chrono::milliseconds;

class FaultQueueTest : public FaultTest {
  protected:
    // Ops that are submitted, in order, and have not completed.
    void submit_all(std::vector<std::unique_ptr<TestOp>>& ops) {
        for (auto& op : ops) EXPECT_FALSE(queue_->submit(*op));
    }
    static std::vector<std::unique_ptr<TestOp>> writes(size_t count) {
        std::vector<std::unique_ptr<TestOp>> ops;
        for (size_t i = 0; i < count; ++i)
            ops.push_back(
                std::make_unique<TestOp>(OpKind::write, i * 4096, 4096, uint8_t('a' + i)));
        return ops;
    }
    std::vector<uint64_t> written() {
        std::vector<uint64_t> offsets;
        for (const auto& record : medium_->log_of(OpKind::write)) offsets.push_back(record.offset);
        return offsets;
    }
};

TEST_F(FaultQueueTest, WithoutRulesTheInnerQueueCompletesAtOnce) {
    TestOp op(OpKind::read, 0, 4096);
    EXPECT_TRUE(queue_->submit(op));
    EXPECT_EQ(op.error, 0);
}

TEST_F(FaultQueueTest, ErrorFailsWithoutTouchingTheMedium) {
    set("fault", "error,op=write,errno=ENODEV");
    EXPECT_EQ(submit(TestOp(OpKind::write, 0, 4096, 'a')), ENODEV);
    EXPECT_TRUE(medium_->log().empty());
    EXPECT_EQ(submit(TestOp(OpKind::read, 0, 4096)), 0);
}

TEST_F(FaultQueueTest, EveryKindOfOperationCanFail) {
    set("fault", "error");
    for (OpKind kind :
         {OpKind::read, OpKind::write, OpKind::flush, OpKind::discard, OpKind::write_zeroes})
        EXPECT_EQ(submit(TestOp(kind, 0, 4096)), EIO);
    for (OpKind hint : {OpKind::prefetch, OpKind::forget})
        EXPECT_EQ(submit(TestOp(hint, 0, 4096)), 0);
}

TEST_F(FaultQueueTest, RuleIsUsedUp) {
    set("fault", "error,op=read,count=2");
    EXPECT_EQ(submit(TestOp(OpKind::read, 0, 4096)), EIO);
    EXPECT_EQ(submit(TestOp(OpKind::read, 0, 4096)), EIO);
    EXPECT_EQ(submit(TestOp(OpKind::read, 0, 4096)), 0);
    EXPECT_EQ(shown("hits"), "2");
}

TEST_F(FaultQueueTest, ShortWriteWritesItsBeginningAndFails) {
    set("fault", "short,bytes=1k");
    TestOp op(OpKind::write, 4096, 4096, 'a');
    op.cut({512, 3584});
    EXPECT_EQ(submit(op), ENOSPC);
    EXPECT_TRUE(medium_->all(4096, 1024, 'a'));
    EXPECT_TRUE(medium_->all(5120, 3072, 0));
    EXPECT_EQ(op.length, 4096u) << "the operation is the caller's";
    EXPECT_EQ(op.iov[1].iov_len, 3584u);
}

TEST_F(FaultQueueTest, ShortReadReadsItsBeginningAndFails) {
    medium_->fill('m');
    set("fault", "short,op=read");
    TestOp op(OpKind::read, 0, 4096, 'r');
    EXPECT_EQ(submit(op), EIO);
    EXPECT_EQ(op.memory[2047], 'm');
    EXPECT_EQ(op.memory[2048], 'r');
}

TEST_F(FaultQueueTest, ShortTransferKeepsTheAlignmentOfDirectIo) {
    medium_->change_info().required_alignment = 512;
    set("fault", "short,bytes=700");
    EXPECT_EQ(submit(TestOp(OpKind::write, 0, 4096, 'a')), ENOSPC);
    EXPECT_EQ(medium_->log().front().length, 512u);
    set("fault", "short,bytes=100");
    EXPECT_EQ(submit(TestOp(OpKind::write, 0, 4096, 'a')), ENOSPC);
    EXPECT_EQ(medium_->log().size(), 1u) << "nothing is left to be moved";
}

TEST_F(FaultQueueTest, ShortTransferTellsTheMediumsOwnError) {
    medium_->fail(OpKind::write, EROFS);
    set("fault", "short,op=write");
    EXPECT_EQ(submit(TestOp(OpKind::write, 0, 4096)), EROFS);
}

TEST_F(FaultQueueTest, DelayWaitsOnTheWorkersClock) {
    set("fault", "delay,ms=50");
    TestOp op(OpKind::write, 0, 4096, 'a');
    EXPECT_FALSE(queue_->submit(op));
    turn(milliseconds(49));
    EXPECT_FALSE(op.completed);
    EXPECT_TRUE(medium_->log().empty()) << "it has not begun";
    turn(milliseconds(1));
    EXPECT_TRUE(op.completed);
    EXPECT_EQ(op.error, 0);
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
}

TEST_F(FaultQueueTest, DelayGoesBeforeAnotherFault) {
    set("fault", "delay,ms=50;error,errno=ENOSPC");
    TestOp op(OpKind::write, 0, 4096);
    EXPECT_FALSE(queue_->submit(op));
    turn(milliseconds(50));
    EXPECT_TRUE(op.completed);
    EXPECT_EQ(op.error, ENOSPC);
    set("fault", "delay,ms=50;hang");
    EXPECT_FALSE(queue_->submit(op));
    EXPECT_EQ(shown("hung"), "0");
    turn(milliseconds(50));
    EXPECT_EQ(shown("hung"), "1");
    set("release", "all");
    turn();
}

TEST_F(FaultQueueTest, DelayIsCancelledOnlyWhenTheRuleSaysSo) {
    set("fault", "delay,ms=50,op=read;delay,ms=50,op=write,cancellable=1");
    TestOp read(OpKind::read, 0, 4096), write(OpKind::write, 0, 4096);
    queue_->submit(read);
    queue_->submit(write);
    EXPECT_FALSE(queue_->cancel(read));
    EXPECT_TRUE(queue_->cancel(write));
    turn(milliseconds(100));
    EXPECT_TRUE(read.completed);
    EXPECT_FALSE(write.completed);
    EXPECT_TRUE(medium_->log_of(OpKind::write).empty());
}

TEST_F(FaultQueueTest, HangWaitsForReleaseAndRunsLate) {
    set("fault", "hang,op=write,count=1");
    TestOp op(OpKind::write, 0, 4096, 'a');
    EXPECT_FALSE(queue_->submit(op));
    turn(std::chrono::hours(1));
    EXPECT_FALSE(op.completed);
    EXPECT_EQ(shown("hung"), "1");
    EXPECT_EQ(submit(TestOp(OpKind::write, 0, 4096, 'b')), 0);
    set("release", "all");
    EXPECT_FALSE(op.completed) << "on its worker only";
    turn();
    EXPECT_TRUE(op.completed);
    EXPECT_EQ(op.error, 0);
    EXPECT_TRUE(medium_->all(0, 4096, 'a')) << "it landed late";
    EXPECT_EQ(shown("hung"), "0");
}

TEST_F(FaultQueueTest, ReleaseLetsTheOldestGo) {
    set("fault", "hang");
    auto ops = writes(4);
    submit_all(ops);
    set("release", "2");
    turn();
    EXPECT_EQ(written(), (std::vector<uint64_t>{0, 4096}));
    EXPECT_FALSE(ops[2]->completed);
    EXPECT_EQ(shown("hung"), "2");
    set("release", "all");
    turn();
    EXPECT_EQ(written(), (std::vector<uint64_t>{0, 4096, 8192, 12288}));
}

TEST_F(FaultQueueTest, ReleasedOperationsDoNotHangAgain) {
    set("fault", "hang");
    auto ops = writes(1);
    submit_all(ops);
    set("release", "all");
    turn();
    EXPECT_TRUE(ops[0]->completed);
    EXPECT_EQ(shown("hits"), "1");
}

TEST_F(FaultQueueTest, NewRulesDoNotReleaseWhatHangs) {
    set("fault", "hang");
    auto ops = writes(1);
    submit_all(ops);
    set("fault", "none");
    turn();
    EXPECT_FALSE(ops[0]->completed);
    set("release", "all");
    turn();
    EXPECT_TRUE(ops[0]->completed);
}

TEST_F(FaultQueueTest, HangCannotBeCancelled) {
    set("fault", "hang");
    auto ops = writes(1);
    submit_all(ops);
    EXPECT_FALSE(queue_->cancel(*ops[0]));
    set("release", "all");
    turn();
    EXPECT_TRUE(ops[0]->completed);
}

TEST_F(FaultQueueTest, CancellableHangIsTakenBackAsIfItWereQueued) {
    set("fault", "hang,cancellable=1");
    auto ops = writes(2);
    submit_all(ops);
    EXPECT_TRUE(queue_->cancel(*ops[0]));
    EXPECT_EQ(shown("hung"), "1");
    set("release", "all");
    EXPECT_FALSE(queue_->cancel(*ops[1])) << "it is on its way";
    turn();
    EXPECT_FALSE(ops[0]->completed);
    EXPECT_TRUE(ops[1]->completed);
    EXPECT_EQ(written(), (std::vector<uint64_t>{4096}));
}

TEST_F(FaultQueueTest, HangMayEndByItself) {
    set("fault", "hang,ms=1000");
    auto ops = writes(2);
    submit_all(ops);
    set("release", "1");
    turn(milliseconds(999));
    EXPECT_TRUE(ops[0]->completed);
    EXPECT_FALSE(ops[1]->completed);
    turn(milliseconds(1));
    EXPECT_TRUE(ops[1]->completed);
    EXPECT_EQ(shown("hung"), "0");
}

TEST_F(FaultQueueTest, ReorderRunsAFullWindowBackwards) {
    set("fault", "reorder,window=4");
    auto ops = writes(4);
    submit_all(ops);
    turn_until([&] { return ops[0]->completed; });
    EXPECT_EQ(written(), (std::vector<uint64_t>{12288, 8192, 4096, 0}));
    for (auto& op : ops) EXPECT_TRUE(op->completed && op->error == 0);
}

TEST_F(FaultQueueTest, ReorderWithASeedShufflesRepeatably) {
    auto order = [&](const char* rule) {
        set("fault", rule);
        auto ops = writes(16);
        submit_all(ops);
        turn_until([&] {
            return std::all_of(ops.begin(), ops.end(), [](auto& op) { return op->completed; });
        });
        auto all = written();
        return std::vector<uint64_t>(all.end() - 16, all.end());
    };
    auto first = order("reorder,window=16,seed=1"), other = order("reorder,window=16,seed=2");
    EXPECT_EQ(order("reorder,window=16,seed=1"), first);
    EXPECT_NE(other, first);
    auto sorted = first;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_NE(sorted, first);
    for (size_t i = 0; i < 16; ++i) EXPECT_EQ(sorted[i], i * 4096) << "each once";
}

TEST_F(FaultQueueTest, ReorderDoesNotWaitForEverForAFullWindow) {
    set("fault", "reorder,window=8,ms=30");
    auto ops = writes(2);
    submit_all(ops);
    turn(milliseconds(29));
    EXPECT_TRUE(medium_->log().empty());
    turn(milliseconds(1));
    turn_until([&] { return ops[0]->completed && ops[1]->completed; });
    EXPECT_EQ(written(), (std::vector<uint64_t>{4096, 0}));
}

TEST_F(FaultQueueTest, ReorderIsCancelledOnlyWhenTheRuleSaysSo) {
    set("fault", "reorder,window=3,op=write,cancellable=1;reorder,window=3,op=read");
    auto ops = writes(3);
    TestOp read(OpKind::read, 0, 4096);
    queue_->submit(read);
    queue_->submit(*ops[0]);
    EXPECT_FALSE(queue_->cancel(read));
    EXPECT_TRUE(queue_->cancel(*ops[0]));
    queue_->submit(*ops[1]);
    queue_->submit(*ops[2]);
    turn(std::chrono::seconds(1));
    turn_until([&] { return ops[1]->completed && ops[2]->completed && read.completed; });
    EXPECT_FALSE(ops[0]->completed);
    EXPECT_EQ(written(), (std::vector<uint64_t>{8192, 4096}));
}

TEST_F(FaultQueueTest, CancelReachesTheInnerQueue) {
    medium_->complete_on_pool();
    queue_ = store_->make_queue(worker_, lane_);
    struct Blocker : Task {
        std::atomic<bool> running{false}, go{false};
    };
    std::array<Blocker, 2> blockers;
    for (Blocker& blocker : blockers) {
        blocker.run = [](Task& task) {
            auto& self = static_cast<Blocker&>(task);
            self.running = true;
            while (!self.go) std::this_thread::yield();
        };
        lane_.submit(blocker);
    }
    wait_until([&] { return blockers[0].running && blockers[1].running; });
    auto ops = writes(2);
    submit_all(ops);
    EXPECT_TRUE(queue_->cancel(*ops[0]));
    for (Blocker& blocker : blockers) blocker.go = true;
    turn_until([&] { return ops[1]->completed; });
    EXPECT_FALSE(ops[0]->completed);
    ASSERT_TRUE(pool_.wait_idle(io::Clock::now() + std::chrono::seconds(30)));
}

TEST_F(FaultQueueTest, OperationMayBeSubmittedAgainFromItsCompletion) {
    struct Chain : TestOp {
        StoreQueue* queue;
        int left = 3;
        explicit Chain(StoreQueue& q) : TestOp(OpKind::write, 0, 4096), queue(&q) {
            complete = [](Op& op) {
                auto& self = static_cast<Chain&>(op);
                if (--self.left > 0) self.queue->submit(self);
            };
        }
    } chain(*queue_);
    set("fault", "delay,ms=1");
    queue_->submit(chain);
    for (int i = 0; i < 4; ++i) turn(milliseconds(2));
    EXPECT_EQ(chain.left, 0);
}

// Several workers, released from another thread: every operation completes once, on its worker.
TEST_F(FaultQueueTest, EveryWorkerGetsItsOwnOperationsBack) {
    constexpr int each = 300;
    struct Side {
        io::Worker worker{{.name = "side"}};
        std::unique_ptr<StoreQueue> queue;
        std::vector<std::unique_ptr<TestOp>> ops;
        std::atomic<int> completed{0};
    };
    struct CountedOp : TestOp {
        Side* side;
        explicit CountedOp(Side& s) : TestOp(OpKind::write, 0, 512), side(&s) {
            complete = [](Op& op) {
                auto& self = static_cast<CountedOp&>(op);
                if (self.side->worker.here()) ++self.side->completed;
            };
        }
    };
    set("fault",
        "hang,probability=0.4,seed=1;reorder,probability=0.3,window=5,ms=2,seed=1;"
        "delay,ms=1,probability=0.5,seed=3;short,probability=0.2,seed=4");
    std::array<Side, 2> sides;
    std::atomic<int> at_once{0};
    for (Side& side : sides) {
        side.queue = store_->make_queue(side.worker, lane_);
        for (int i = 0; i < each; ++i) side.ops.push_back(std::make_unique<CountedOp>(side));
        side.worker.start();
        side.worker.post([&] {
            for (auto& op : side.ops)
                if (side.queue->submit(*op)) ++at_once;
        });
    }
    wait_until([&] {
        EXPECT_TRUE(store_->update("release", "3"));
        (void)store_->parameters();
        return sides[0].completed + sides[1].completed + at_once == 2 * each;
    });
    for (Side& side : sides) side.worker.stop();
    for (Side& side : sides) side.worker.join();
    EXPECT_EQ(shown("hung"), "0");
}

}  // namespace
}  // namespace tgt::store::test
