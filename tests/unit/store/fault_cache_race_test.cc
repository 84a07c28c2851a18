// SPDX-License-Identifier: GPL-2.0-or-later
// The volatile cache against a model, and under operations that run at once.
#include "tests/unit/store/fault_fixture.h"

namespace tgt::store::test {
namespace {

// A simple model: what is read, and what is left after a power loss.
class FaultCacheModel : public FaultCacheTest, public testing::WithParamInterface<uint32_t> {
  protected:
    static constexpr size_t span = 16 * 1024;
    uint32_t next(uint32_t bound) {
        return (state_ = state_ * 1664525 + 1013904223) / 65537 % bound;
    }
    void change() {
        TestOp op(OpKind::write, next(span / 256) * 256, 256 + 256 * next(32),
                  uint8_t(1 + next(250)));
        op.length = std::min<uint64_t>(op.length, span - op.offset);
        op.cut({size_t(op.length)});
        op.dsync = next(4) == 0;
        uint8_t value = op.memory[0];
        if (uint32_t kind = next(4); kind < 2) {
            op.kind = kind ? OpKind::discard : OpKind::write_zeroes;
            value = 0;
        }
        ASSERT_EQ(store_->perform(op), 0);
        for (auto* copy : {&seen_, &kept_})
            if (copy == &seen_ || op.dsync)
                std::fill_n(copy->begin() + ptrdiff_t(op.offset), op.length, value);
    }
    void step() {
        switch (next(16)) {
            case 0:
                ASSERT_EQ(flush(), 0);
                kept_ = seen_;
                break;
            case 1:
                set("lose", "all");
                seen_ = kept_;
                break;
            default:
                change();
        }
    }
    std::vector<uint8_t> seen_ = std::vector<uint8_t>(span, 'm');
    std::vector<uint8_t> kept_ = seen_;
    uint32_t state_ = GetParam();
};

TEST_P(FaultCacheModel, ReadsTheLastWriteAndLosesBackToTheLastMark) {
    TestOp read(OpKind::read, 0, span);
    for (int i = 0; i < 400; ++i) {
        step();
        ASSERT_EQ(store_->perform(read), 0);
        ASSERT_EQ(memcmp(read.memory.data(), seen_.data(), span), 0) << "step " << i;
    }
    set("lose", "all");
    auto left = medium_->bytes();
    left.resize(span);
    EXPECT_EQ(left, kept_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultCacheModel, testing::Range(1u, 9u));

// --- what happens at once ----------------------------------------------------------------------

TEST_F(FaultCacheTest, ReadSeesWhatAFlushMovesMeanwhile) {
    write(0, 4096, 'a');
    bool flushed = false;
    medium_->after([&](const Op& op) {
        if (op.kind == OpKind::read && !std::exchange(flushed, true)) flush();
    });
    TestOp read(OpKind::read, 0, 8192);
    ASSERT_EQ(store_->perform(read), 0);
    ASSERT_TRUE(flushed);
    EXPECT_TRUE(std::all_of(read.memory.begin(), read.memory.begin() + 4096,
                            [](uint8_t byte) { return byte == 'a'; }));
}

TEST_F(FaultCacheTest, WriteDuringAFlushStaysUnflushed) {
    write(0, 4096, 'a');
    medium_->after([&](const Op& op) {
        if (op.kind == OpKind::flush) write(1024, 1024, 'b');
    });
    EXPECT_EQ(flush(), 0);
    EXPECT_EQ(reads(1024, 1024), 'b');
    EXPECT_EQ(shown("unflushed"), "1024");
    EXPECT_TRUE(medium_->all(0, 4096, 'a'));
}

TEST_F(FaultCacheTest, WriteDuringADsyncWriteIsTheLaterOne) {
    medium_->before([&](const Op& op) {
        if (op.dsync) write(0, 512, 'b');
    });
    EXPECT_EQ(write(0, 4096, 'd', true), 0);
    EXPECT_EQ(reads(0, 512), 'b');
    EXPECT_EQ(reads(512, 3584), 'd');
    medium_->before({});
    flush();
    EXPECT_TRUE(medium_->all(0, 512, 'b'));
}

TEST_F(FaultCacheTest, FlushUnderWayDoesNotLandOnANewerDsyncWrite) {
    write(0, 4096, 'a');
    std::thread newer;
    std::atomic<bool> ended{false};
    medium_->before([&](const Op& op) {
        if (op.kind != OpKind::write || op.dsync) return;
        newer = std::thread([&] {
            EXPECT_EQ(write(0, 4096, 'd', true), 0);
            ended = true;
        });
        for (int i = 0; i < 1000 && !ended; ++i) std::this_thread::yield();
    });
    EXPECT_EQ(flush(), 0);
    newer.join();
    EXPECT_TRUE(medium_->all(0, 4096, 'd'));
    EXPECT_EQ(reads(0, 4096), 'd');
}

TEST_F(FaultCacheTest, WriteWhileItIsTurnedOffReachesTheMedium) {
    write(0, 4096, 'a');
    std::thread other;
    medium_->before([&](const Op& op) {
        if (op.kind == OpKind::flush)
            other = std::thread([&] { EXPECT_EQ(write(2048, 4096, 'b'), 0); });
    });
    set("cache", "off");
    other.join();
    EXPECT_TRUE(medium_->all(0, 2048, 'a'));
    EXPECT_TRUE(medium_->all(2048, 4096, 'b'));
}

// Readers, writers and flushes side by side: a block never reads as something older than what its
// only writer has seen complete.
TEST_F(FaultCacheTest, ReadsNeverGoBackDuringFlushes) {
    constexpr unsigned rounds = 250;
    std::atomic<bool> stop{false};
    set("cache_limit", "64k");
    std::thread flusher([&] {
        while (!stop) {
            flush();
            std::this_thread::yield();
        }
    });
    auto writer = [&](uint64_t offset) {
        for (unsigned i = 0; i < rounds; ++i) {
            ASSERT_EQ(write(offset, 8192, uint8_t(i), i % 8 == 0), 0);
            ASSERT_EQ(reads(offset, 8192), char(i));
        }
    };
    std::thread other([&] { writer(0); });
    writer(16384);
    other.join();
    stop = true;
    flusher.join();
}

}  // namespace
}  // namespace tgt::store::test
