// SPDX-License-Identifier: GPL-2.0-or-later
// Faults as blocking calls of the store meet them.
#include "tests/unit/store/fault_fixture.h"

namespace tgt::store::test {
namespace {

// A thread in perform().
struct Call {
    TestOp op;
    std::atomic<bool> ended{false};
    std::thread thread;

    Call(Store& store, TestOp&& with) : op(std::move(with)) {
        op.cut({op.memory.size()});
        thread = std::thread([&] {
            op.error = store.perform(op);
            ended = true;
        });
    }
    ~Call() { thread.join(); }
    int outcome() {
        while (!ended) std::this_thread::yield();
        return op.error;
    }
};

class FaultPerformTest : public FaultTest {
  protected:
    void wait_for_hung(const char* count) {
        wait_until([&] { return shown("hung") == count; });
    }
    std::vector<uint64_t> written() {
        std::vector<uint64_t> offsets;
        for (const auto& record : medium_->log_of(OpKind::write)) offsets.push_back(record.offset);
        return offsets;
    }
};

TEST_F(FaultPerformTest, ErrorFailsWithoutTouchingTheMedium) {
    set("fault", "error,errno=ENOSPC,op=write+discard+write_zeroes,count=3");
    for (OpKind kind : {OpKind::write, OpKind::discard, OpKind::write_zeroes})
        EXPECT_EQ(perform(TestOp(kind, 0, 4096)), ENOSPC);
    EXPECT_TRUE(medium_->log().empty());
    EXPECT_EQ(perform(TestOp(OpKind::write, 0, 4096)), 0) << "the rule is used up";
}

TEST_F(FaultPerformTest, OutcomeIsInTheOperationToo) {
    set("fault", "error,op=read");
    TestOp read(OpKind::read, 0, 4096), write(OpKind::write, 0, 4096);
    write.error = -1;
    store_->perform(read);
    store_->perform(write);
    EXPECT_EQ(read.error, EIO);
    EXPECT_EQ(write.error, 0);
}

TEST_F(FaultPerformTest, HintsPass) {
    set("fault", "error");
    EXPECT_EQ(perform(TestOp(OpKind::prefetch, 0, 4096)), 0);
    EXPECT_EQ(medium_->log().front().kind, OpKind::prefetch);
}

TEST_F(FaultPerformTest, ShortWriteWritesItsBeginningAndFails) {
    set("fault", "short,bytes=512,errno=EIO");
    EXPECT_EQ(perform(TestOp(OpKind::write, 0, 4096, 'a')), EIO);
    EXPECT_TRUE(medium_->all(0, 512, 'a'));
    EXPECT_TRUE(medium_->all(512, 3584, 0));
    EXPECT_EQ(perform(TestOp(OpKind::write, 0, 512, 'b')), 0) << "nothing of it would be missing";
}

TEST_F(FaultPerformTest, DelayLastsAtLeastItsTime) {
    set("fault", "delay,ms=3");
    auto before = io::Clock::now();
    EXPECT_EQ(perform(TestOp(OpKind::write, 0, 4096, 'a')), 0);
    EXPECT_GE(io::Clock::now() - before, std::chrono::milliseconds(3));
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
}

TEST_F(FaultPerformTest, HangWaitsForReleaseAndRunsLate) {
    set("fault", "hang,count=1");
    Call call(*store_, TestOp(OpKind::write, 0, 4096, 'a'));
    wait_for_hung("1");
    EXPECT_FALSE(call.ended);
    EXPECT_EQ(perform(TestOp(OpKind::write, 0, 4096, 'b')), 0);
    set("release", "all");
    EXPECT_EQ(call.outcome(), 0);
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
    EXPECT_EQ(shown("hung"), "0");
}

TEST_F(FaultPerformTest, HangMayEndByItself) {
    set("fault", "hang,ms=1");
    EXPECT_EQ(perform(TestOp(OpKind::write, 0, 4096, 'a')), 0);
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
    EXPECT_EQ(shown("hung"), "0");
}

TEST_F(FaultPerformTest, ReleaseGoesByAgeOverBothWays) {
    set("fault", "hang");
    Call first(*store_, TestOp(OpKind::write, 0, 4096));
    wait_for_hung("1");
    TestOp second(OpKind::write, 4096, 4096);
    EXPECT_FALSE(queue_->submit(second));
    Call third(*store_, TestOp(OpKind::write, 8192, 4096));
    wait_for_hung("3");
    set("release", "1");
    first.outcome();
    turn();
    EXPECT_FALSE(second.completed);
    set("release", "1");
    turn();
    EXPECT_TRUE(second.completed);
    EXPECT_FALSE(third.ended);
    set("release", "1");
    third.outcome();
    EXPECT_EQ(written(), (std::vector<uint64_t>{0, 4096, 8192}));
}

TEST_F(FaultPerformTest, ReorderTakesBothWaysTogether) {
    set("fault", "reorder,window=3,ms=3600000");
    TestOp first(OpKind::write, 0, 4096), third(OpKind::write, 8192, 4096);
    EXPECT_FALSE(queue_->submit(first));
    Call second(*store_, TestOp(OpKind::write, 4096, 4096));
    wait_until([&] { return shown("hits") == "2"; });
    // It has been judged; now it also has to be in the window.
    wait_until([&] { return shown("held") == "2"; });
    EXPECT_FALSE(queue_->submit(third));
    turn_until([&] { return first.completed && third.completed; });
    EXPECT_EQ(second.outcome(), 0);
    EXPECT_EQ(written(), (std::vector<uint64_t>{8192, 4096, 0}));
}

TEST_F(FaultPerformTest, ReorderRunsInTheThreadThatFillsTheWindow) {
    set("fault", "reorder,window=2,ms=3600000");
    Call first(*store_, TestOp(OpKind::write, 0, 4096, 'a'));
    wait_until([&] { return shown("held") == "1"; });
    EXPECT_EQ(perform(TestOp(OpKind::write, 4096, 4096, 'b')), 0);
    EXPECT_EQ(first.outcome(), 0);
    EXPECT_EQ(written(), (std::vector<uint64_t>{4096, 0}));
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
    EXPECT_TRUE(medium_->all(4096, 4096, 'b'));
}

TEST_F(FaultPerformTest, ReorderDoesNotWaitForEverForAFullWindow) {
    set("fault", "reorder,window=100,ms=1");
    medium_->fail(OpKind::write, ENOSPC);
    EXPECT_EQ(perform(TestOp(OpKind::write, 0, 4096)), ENOSPC) << "the medium's own outcome";
    EXPECT_EQ(shown("held"), "0");
}

}  // namespace
}  // namespace tgt::store::test
