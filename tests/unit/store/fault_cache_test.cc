// SPDX-License-Identifier: GPL-2.0-or-later
// The volatile cache of a fault store: what it holds, flushes and loses.
#include "tests/unit/store/fault_fixture.h"

namespace tgt::store::test {
namespace {

TEST_F(FaultCacheTest, WritesStayInMemoryAndAreRead) {
    EXPECT_EQ(write(4096, 4096, 'a'), 0);
    EXPECT_TRUE(medium_->log().empty());
    EXPECT_EQ(reads(4096, 4096), 'a');
    EXPECT_EQ(reads(0, 4096), 'm');
    EXPECT_EQ(shown("unflushed"), "4096");
}

TEST_F(FaultCacheTest, ReadsMixMemoryAndMedium) {
    write(512, 512, 'a');
    TestOp op(OpKind::read, 0, 2048);
    op.cut({700, 1348});
    ASSERT_EQ(store_->perform(op), 0);
    EXPECT_EQ(op.memory[511], 'm');
    EXPECT_EQ(op.memory[512], 'a');
    EXPECT_EQ(op.memory[1023], 'a');
    EXPECT_EQ(op.memory[1024], 'm');
}

TEST_F(FaultCacheTest, ReadOfMemoryAloneDoesNotAskTheMedium) {
    write(0, 4096, 'a');
    medium_->fail(OpKind::read, EIO);
    EXPECT_EQ(reads(512, 1024), 'a');
    EXPECT_EQ(perform(TestOp(OpKind::read, 0, 8192)), EIO);
}

TEST_F(FaultCacheTest, TheQueueGoesTheSameWay) {
    EXPECT_EQ(submit(TestOp(OpKind::write, 0, 4096, 'a')), 0);
    EXPECT_TRUE(medium_->all(0, 4096, 'm'));
    TestOp read(OpKind::read, 0, 4096);
    EXPECT_EQ(submit(read), 0);
    EXPECT_TRUE(read.all('a'));
    EXPECT_EQ(submit(TestOp(OpKind::flush, 0, 0)), 0);
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
}

TEST_F(FaultCacheTest, FlushBringsEverythingToTheMediumThenFlushesIt) {
    write(8192, 512, 'b');
    write(0, 512, 'a');
    EXPECT_EQ(flush(), 0);
    EXPECT_TRUE(medium_->all(0, 512, 'a'));
    EXPECT_TRUE(medium_->all(8192, 512, 'b'));
    auto log = medium_->log();
    ASSERT_EQ(log.size(), 3u);
    EXPECT_EQ(log.back().kind, OpKind::flush);
    EXPECT_EQ(shown("unflushed"), "0");
    set("lose", "all");
    EXPECT_EQ(reads(0, 512), 'a');
}

TEST_F(FaultCacheTest, LoseAllTakesWhatWasNotFlushed) {
    write(0, 4096, 'a');
    flush();
    write(2048, 4096, 'b');
    EXPECT_EQ(reads(2048, 4096), 'b');
    set("lose", "all");
    EXPECT_EQ(reads(0, 4096), 'a');
    EXPECT_EQ(reads(4096, 2048), 'm');
    EXPECT_EQ(shown("unflushed"), "0");
}

TEST_F(FaultCacheTest, DsyncWriteFlushesItsOwnRangeAlone) {
    write(0, 4096, 'a');
    EXPECT_EQ(write(1024, 1024, 'd', true), 0);
    EXPECT_EQ(reads(0, 1024), 'a');
    EXPECT_EQ(reads(1024, 1024), 'd');
    EXPECT_EQ(medium_->log_of(OpKind::write),
              (std::vector<MemoryStore::Record>{{OpKind::write, 1024, 1024, true}}));
    EXPECT_EQ(shown("unflushed"), "3072");
    set("lose", "all");
    EXPECT_EQ(reads(0, 1024), 'm');
    EXPECT_EQ(reads(1024, 1024), 'd');
    EXPECT_EQ(reads(2048, 2048), 'm');
}

TEST_F(FaultCacheTest, FlushAfterDsyncDoesNotBringBackOlderData) {
    write(0, 4096, 'a');
    write(1024, 1024, 'd', true);
    flush();
    EXPECT_TRUE(medium_->all(0, 1024, 'a'));
    EXPECT_TRUE(medium_->all(1024, 1024, 'd'));
    EXPECT_TRUE(medium_->all(2048, 2048, 'a'));
}

TEST_F(FaultCacheTest, WriteOverAFlushedRangeIsLostAlone) {
    write(0, 4096, 'a');
    flush();
    write(1024, 2048, 'b');
    set("lose", "all");
    EXPECT_EQ(reads(0, 4096), 'a') << "as it was when last flushed";
}

TEST_F(FaultCacheTest, FailedDsyncWriteChangesNothingInMemory) {
    write(0, 4096, 'a');
    medium_->fail(OpKind::write, ENOSPC);
    EXPECT_EQ(write(0, 4096, 'd', true), ENOSPC);
    EXPECT_EQ(reads(0, 4096), 'a');
}

TEST_F(FaultCacheTest, ZeroesAndDiscardsAreHeldToo) {
    EXPECT_EQ(perform(TestOp(OpKind::write_zeroes, 0, 4096)), 0);
    EXPECT_EQ(perform(TestOp(OpKind::discard, 8192, 4096)), 0);
    EXPECT_EQ(reads(0, 4096), 0);
    EXPECT_EQ(reads(8192, 4096), 0);
    EXPECT_TRUE(medium_->all(0, MemoryStore::medium_bytes, 'm'));
    flush();
    EXPECT_TRUE(medium_->all(0, 4096, 0));
    EXPECT_EQ(medium_->log_of(OpKind::discard).size(), 1u);
    EXPECT_EQ(medium_->log_of(OpKind::write_zeroes).size(), 1u);
}

TEST_F(FaultCacheTest, LostDiscardLeavesTheDataThere) {
    perform(TestOp(OpKind::discard, 0, 4096));
    set("lose", "all");
    EXPECT_EQ(reads(0, 4096), 'm');
}

TEST_F(FaultCacheTest, WhatTheMediumRefusesIsNotHeld) {
    medium_->change_info().features.discard = false;
    medium_->fail(OpKind::discard, EOPNOTSUPP);
    EXPECT_EQ(perform(TestOp(OpKind::discard, 0, 4096)), EOPNOTSUPP);
    medium_->change_info().read_only = true;
    medium_->fail(OpKind::write, EROFS);
    EXPECT_EQ(write(0, 4096, 'a'), EROFS);
    EXPECT_EQ(shown("unflushed"), "0");
}

TEST_F(FaultCacheTest, FailedFlushLosesNothingAndTheNextOneTriesAgain) {
    write(0, 4096, 'a');
    medium_->fail(OpKind::flush, EIO);
    EXPECT_EQ(flush(), EIO);
    EXPECT_EQ(shown("unflushed"), "4096");
    medium_->fail(OpKind::write, ENOSPC);
    EXPECT_EQ(flush(), ENOSPC);
    EXPECT_EQ(reads(0, 4096), 'a');
    medium_->fail(OpKind::write, 0);
    EXPECT_EQ(flush(), 0);
    EXPECT_EQ(shown("unflushed"), "0");
}

TEST_F(FaultCacheTest, LoseRandomKeepsWholeBlocksAndIsRepeatable) {
    constexpr size_t blocks = 256;
    auto survivors = [&](std::string_view how) {
        medium_->fill('m');
        write(0, blocks * 512, 'a');
        set("lose", how);
        std::string kept;
        for (size_t i = 0; i < blocks; ++i) kept += reads(i * 512, 512);
        return kept;
    };
    std::string first = survivors("random,seed=5");
    EXPECT_EQ(first.find_first_not_of("am"), std::string::npos) << "no torn block";
    auto kept = std::count(first.begin(), first.end(), 'a');
    EXPECT_GT(kept, 64);
    EXPECT_LT(kept, 192);
    EXPECT_EQ(survivors("random:seed=5"), first);
    EXPECT_NE(survivors("random,seed=6"), first);
    EXPECT_NE(survivors("random"), survivors("random")) << "without a seed nobody can foretell it";
    EXPECT_EQ(shown("unflushed"), "0");
}

TEST_F(FaultCacheTest, LoseRandomDoesNotTouchWhatWasFlushed) {
    write(0, 64 * 512, 'a');
    flush();
    write(64 * 512, 64 * 512, 'b');
    set("lose", "random,seed=1");
    EXPECT_EQ(reads(0, 64 * 512), 'a');
}

TEST_F(FaultCacheTest, LoseRandomThatCannotKeepLosesNothing) {
    write(0, 64 * 512, 'a');
    medium_->fail(OpKind::write, EIO);
    auto lost = store_->update("lose", "random,seed=1");
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, EIO);
    EXPECT_NE(lost.error().text.find("nothing is lost"), std::string::npos);
    EXPECT_EQ(reads(0, 64 * 512), 'a');
}

TEST_F(FaultCacheTest, OffFlushesAndThenEverythingGoesToTheMedium) {
    write(0, 4096, 'a');
    set("cache", "off");
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
    EXPECT_EQ(medium_->log_of(OpKind::flush).size(), 1u);
    EXPECT_EQ(shown("cache"), "off");
    write(4096, 4096, 'b');
    EXPECT_TRUE(medium_->all(4096, 4096, 'b'));
}

TEST_F(FaultCacheTest, OffThatFailsStaysOnAndTellsWhatToDo) {
    write(0, 4096, 'a');
    medium_->fail(OpKind::write, ENOSPC);
    auto off = store_->update("cache", "off");
    ASSERT_FALSE(off);
    EXPECT_EQ(off.error().code, ENOSPC);
    EXPECT_NE(off.error().text.find("ENOSPC"), std::string::npos);
    EXPECT_NE(off.error().text.find("lose=all"), std::string::npos);
    EXPECT_EQ(shown("cache"), "on");
    EXPECT_EQ(reads(0, 4096), 'a');
    set("lose", "all");
    set("cache", "off");
}

TEST_F(FaultCacheTest, LimitWritesBackWithoutAFlush) {
    set("cache_limit", "64k");
    for (uint64_t i = 0; i < 32; ++i) EXPECT_EQ(write(i * 4096, 4096, 'a'), 0);
    EXPECT_LE(std::stoull(shown("cache_memory")), 65536u);
    EXPECT_FALSE(medium_->log_of(OpKind::write).empty());
    EXPECT_TRUE(medium_->log_of(OpKind::flush).empty());
    EXPECT_EQ(reads(0, 32 * 4096), 'a');
}

TEST_F(FaultCacheTest, WriteLongerThanTheLimitGoesThrough) {
    set("cache_limit", "64k");
    write(0, 4096, 'a');
    EXPECT_EQ(write(0, 131072, 'b'), 0);
    EXPECT_TRUE(medium_->all(0, 131072, 'b'));
    EXPECT_EQ(reads(0, 131072), 'b');
}

TEST_F(FaultCacheTest, ExtentsShowWhatIsHeld) {
    write(4096, 4096, 'a');
    perform(TestOp(OpKind::discard, 8192, 4096));
    EXPECT_EQ(store_->extent(0)->length, 4096u);
    EXPECT_FALSE(store_->extent(0)->mapped);
    EXPECT_EQ(store_->extent(4096)->length, 4096u);
    EXPECT_TRUE(store_->extent(4096)->mapped);
    EXPECT_EQ(store_->extent(6144)->length, 2048u);
    EXPECT_FALSE(store_->extent(8192)->mapped);
    EXPECT_EQ(store_->extent(12288)->length, MemoryStore::medium_bytes - 12288);
}

TEST_F(FaultCacheTest, RulesComeFirst) {
    write(0, 4096, 'a');
    set("fault", "error,op=flush,count=1;short,op=write,bytes=512");
    EXPECT_EQ(flush(), EIO);
    EXPECT_EQ(shown("unflushed"), "4096");
    EXPECT_EQ(write(8192, 4096, 'b'), ENOSPC);
    EXPECT_EQ(reads(8192, 512), 'b');
    EXPECT_EQ(reads(8704, 3584), 'm');
}

}  // namespace
}  // namespace tgt::store::test
