// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

class NullStoreTest : public QueueTest {
  protected:
    std::unique_ptr<Store> store_ = std::move(*open_store("null", "any text"));
    std::unique_ptr<StoreQueue> queue_ = store_->make_queue(worker_, lane_);
};

TEST_F(NullStoreTest, IsOneTebibyte) {
    EXPECT_EQ(store_->info().size, uint64_t(1) << 40);
    EXPECT_EQ(*store_->current_size(), uint64_t(1) << 40);
    EXPECT_FALSE(store_->info().identity.known);
    EXPECT_FALSE(find_engine("null")->needs_path);
}

TEST_F(NullStoreTest, ReadsZeroesNotWhatTheMemoryHeld) {
    TestOp op(OpKind::read, 4096, 10000, 0xaa);
    op.cut({1, 4095, 5904});
    EXPECT_TRUE(queue_->submit(op));
    EXPECT_EQ(op.error, 0);
    EXPECT_TRUE(op.all(0));
}

TEST_F(NullStoreTest, EveryOperationCompletesAtOnce) {
    for (OpKind kind : {OpKind::write, OpKind::flush, OpKind::discard, OpKind::write_zeroes,
                        OpKind::prefetch, OpKind::forget}) {
        TestOp op(kind, 0, 512);
        op.error = -1;
        EXPECT_TRUE(queue_->submit(op));
        EXPECT_EQ(op.error, 0);
        EXPECT_FALSE(queue_->cancel(op));
        EXPECT_FALSE(op.completed);
    }
}

TEST_F(NullStoreTest, BeyondTheEndIsAnError) {
    TestOp across(OpKind::read, (uint64_t(1) << 40) - 256, 512),
        far(OpKind::write, UINT64_MAX, 512);
    queue_->submit(across);
    queue_->submit(far);
    EXPECT_EQ(across.error, EIO);
    EXPECT_EQ(far.error, EIO);
}

TEST_F(NullStoreTest, IsAllHole) {
    auto extent = store_->extent(1000);
    ASSERT_TRUE(extent);
    EXPECT_FALSE(extent->mapped);
    EXPECT_EQ(extent->length, (uint64_t(1) << 40) - 1000);
    EXPECT_FALSE(store_->extent(uint64_t(1) << 40));
}

}  // namespace
}  // namespace tgt::store::test
