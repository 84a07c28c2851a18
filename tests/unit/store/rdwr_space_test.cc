// SPDX-License-Identifier: GPL-2.0-or-later
// Holes: discarding gives space back, zeroing does what it says, extents tell the truth.
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

constexpr uint64_t mib = 1 << 20;

class RdwrSpaceTest : public testing::Test {
  protected:
    void open_on(const TempDir& dir, OpenFlags flags = {}) {
        path_ = dir.file("disk", 4 * mib);
        auto store = open_store("rdwr", path_, flags, 4096);
        ASSERT_TRUE(store) << store.error().text;
        store_ = std::move(*store);
        TestOp fill(OpKind::write, 0, 4 * mib, 0xcc);
        ASSERT_EQ(store_->perform(fill), 0);
    }
    int perform(OpKind kind, uint64_t offset, uint64_t length) {
        Op op;
        op.kind = kind;
        op.offset = offset;
        op.length = length;
        return store_->perform(op);
    }
    bool reads(uint64_t offset, size_t length, uint8_t value) {
        TestOp read(OpKind::read, offset, length, uint8_t(~value));
        return store_->perform(read) == 0 && read.all(value);
    }
    off_t seek(off_t offset, int whence) {
        UniqueFd fd(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
        return lseek(fd.get(), offset, whence);
    }
    TempDir dir_;
    std::string path_;
    std::unique_ptr<Store> store_;
};

TEST_F(RdwrSpaceTest, DiscardPunchesAHole) {
    open_on(dir_);
    if (!store_->info().features.discard)
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp cannot punch holes";
    ASSERT_EQ(seek(0, SEEK_HOLE), off_t(4 * mib)) << "no hole to begin with";
    EXPECT_EQ(perform(OpKind::discard, mib, mib), 0);
    EXPECT_EQ(seek(0, SEEK_HOLE), off_t(mib));
    EXPECT_EQ(seek(mib, SEEK_DATA), off_t(2 * mib));
    EXPECT_TRUE(store_->info().features.discard_zeroes);
    EXPECT_TRUE(reads(mib, mib, 0));
    EXPECT_TRUE(reads(0, mib, 0xcc));
    EXPECT_TRUE(reads(2 * mib, mib, 0xcc));
    EXPECT_EQ(*store_->current_size(), 4 * mib);
}

TEST_F(RdwrSpaceTest, DiscardOfNothingSucceeds) {
    open_on(dir_);
    EXPECT_EQ(perform(OpKind::discard, mib, 0), 0);
    EXPECT_EQ(perform(OpKind::write_zeroes, mib, 0), 0);
    EXPECT_TRUE(reads(0, 4 * mib, 0xcc));
}

TEST_F(RdwrSpaceTest, WriteZeroesZeroesExactlyItsRange) {
    open_on(dir_);
    EXPECT_EQ(perform(OpKind::write_zeroes, mib + 512, mib), 0);
    EXPECT_TRUE(reads(0, mib + 512, 0xcc));
    EXPECT_TRUE(reads(mib + 512, mib, 0));
    EXPECT_TRUE(reads(2 * mib + 512, mib, 0xcc));
    EXPECT_EQ(*store_->current_size(), 4 * mib);
}

// A tmpfs has no FALLOC_FL_ZERO_RANGE.
TEST_F(RdwrSpaceTest, WriteZeroesWorksWithoutZeroRange) {
    Tmpfs small("size=8m");
    if (!small.mounted())
        GTEST_SKIP() << "NOT TESTED: mount(2) is refused here: " << strerror(errno);
    open_on(small.dir());
    EXPECT_EQ(perform(OpKind::write_zeroes, 4096 + 512, mib), 0);
    EXPECT_TRUE(reads(0, 4096 + 512, 0xcc));
    EXPECT_TRUE(reads(4096 + 512, mib, 0));
    EXPECT_TRUE(reads(4096 + 512 + mib, mib, 0xcc));
    store_.reset();
}

TEST_F(RdwrSpaceTest, SyncStoreDiscardsAndZeroes) {
    open_on(dir_, {.sync = true});
    EXPECT_EQ(perform(OpKind::discard, 0, mib), 0);
    EXPECT_EQ(perform(OpKind::write_zeroes, mib, mib), 0);
    EXPECT_TRUE(reads(0, 2 * mib, 0));
}

TEST_F(RdwrSpaceTest, ExtentsFollowTheHoles) {
    open_on(dir_);
    if (!store_->info().features.extents || !store_->info().features.discard)
        GTEST_SKIP() << "NOT TESTED: the file system below /var/tmp does not know holes";
    ASSERT_EQ(perform(OpKind::discard, mib, mib), 0);
    ASSERT_EQ(perform(OpKind::discard, 3 * mib, mib), 0);
    struct Run {
        uint64_t at, length;
        bool mapped;
    };
    for (const Run& run :
         {Run{0, mib, true}, Run{mib, mib, false}, Run{mib + 4096, mib - 4096, false},
          Run{2 * mib, mib, true}, Run{3 * mib, mib, false}}) {
        auto extent = store_->extent(run.at);
        ASSERT_TRUE(extent);
        EXPECT_EQ(extent->length, run.length) << run.at;
        EXPECT_EQ(extent->mapped, run.mapped) << run.at;
    }
}

TEST_F(RdwrSpaceTest, ExtentBehindTheEndIsRefused) {
    open_on(dir_);
    auto extent = store_->extent(4 * mib);
    ASSERT_FALSE(extent);
    EXPECT_NE(extent.error().text.find(path_), std::string::npos);
}

}  // namespace
}  // namespace tgt::store::test
