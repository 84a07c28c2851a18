// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/overlay.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::fault {
namespace {

using Kind = Overlay::Kind;
using test::TestOp;

class OverlayTest : public testing::Test {
  protected:
    uint64_t put(uint64_t offset, size_t length, uint8_t value) {
        return overlay_.put(TestOp(OpKind::write, offset, length, value), Kind::data);
    }
    void zero(uint64_t offset, uint64_t length, Kind kind = Kind::zero) {
        Op op;
        op.offset = offset;
        op.length = length;
        overlay_.put(op, kind);
    }
    // What a read finds: '.' is not held, '0' is zero, else the value of the byte.
    std::string seen(uint64_t offset, size_t length) {
        TestOp op(OpKind::read, offset, length, '.');
        auto slices = overlay_.find(offset, length);
        copy_to_memory(slices, op);
        for (uint8_t& byte : op.memory)
            if (byte == 0) byte = '0';
        return std::string(op.memory.begin(), op.memory.end());
    }
    Overlay overlay_;
};

TEST_F(OverlayTest, HoldsWhatWasPut) {
    put(4, 4, 'a');
    EXPECT_EQ(seen(0, 12), "....aaaa....");
    EXPECT_EQ(seen(5, 2), "aa");
    EXPECT_EQ(overlay_.bytes(), 4u);
}

TEST_F(OverlayTest, LaterPiecesCoverEarlierOnes) {
    put(0, 8, 'a');
    put(2, 2, 'b');
    EXPECT_EQ(seen(0, 8), "aabbaaaa");
    put(6, 4, 'c');
    EXPECT_EQ(seen(0, 10), "aabbaacccc");
    put(0, 3, 'd');
    EXPECT_EQ(seen(0, 10), "dddbaacccc");
    put(0, 10, 'e');
    EXPECT_EQ(seen(0, 12), "eeeeeeeeee..");
    EXPECT_EQ(overlay_.pieces(), 1u);
    EXPECT_EQ(overlay_.bytes(), 10u);
}

TEST_F(OverlayTest, ZeroesAndDiscardsReadAsZero) {
    put(0, 8, 'a');
    zero(2, 2);
    zero(5, 10, Kind::discard);
    EXPECT_EQ(seen(0, 16), "aa00a0000000000.");
    EXPECT_EQ(overlay_.find(6, 1).front().kind, Kind::discard);
}

TEST_F(OverlayTest, DropCutsPiecesAtBothEnds) {
    put(0, 10, 'a');
    overlay_.drop(3, 4);
    EXPECT_EQ(seen(0, 10), "aaa....aaa");
    overlay_.drop(0, 1);
    overlay_.drop(9, 100);
    EXPECT_EQ(seen(0, 10), ".aa....aa.");
    EXPECT_EQ(overlay_.bytes(), 4u);
}

TEST_F(OverlayTest, DropSparesWhatWasPutLater) {
    uint64_t old = put(0, 8, 'a');
    put(2, 2, 'b');
    overlay_.drop(0, 8, old);
    EXPECT_EQ(seen(0, 8), "..bb....");
}

TEST_F(OverlayTest, SlicesOutliveThePieces) {
    put(0, 8, 'a');
    auto slices = overlay_.find(2, 4);
    put(0, 8, 'b');
    overlay_.drop(0, 8);
    TestOp op(OpKind::read, 2, 4);
    copy_to_memory(slices, op);
    EXPECT_TRUE(op.all('a'));
    EXPECT_TRUE(covers(slices, op));
}

TEST_F(OverlayTest, GathersAndScattersMemory) {
    TestOp write(OpKind::write, 100, 200000);
    write.fill_pattern(1);
    write.cut({1, 99999, 65536, 34464});
    overlay_.put(write, Kind::data);
    TestOp read(OpKind::read, 100, 200000);
    read.cut({70000, 3, 129997});
    auto slices = overlay_.find(100, 200000);
    EXPECT_TRUE(covers(slices, read));
    copy_to_memory(slices, read);
    EXPECT_EQ(read.memory, write.memory);
}

TEST_F(OverlayTest, CoverageHasNoGaps) {
    put(0, 4, 'a');
    put(5, 4, 'a');
    TestOp op(OpKind::read, 0, 9);
    EXPECT_FALSE(covers(overlay_.find(0, 9), op));
    put(4, 1, 'a');
    EXPECT_TRUE(covers(overlay_.find(0, 9), op));
}

TEST_F(OverlayTest, RestsDoNotKeepTheMemoryOfTheWhole) {
    put(0, 65536, 'a');
    uint64_t before = overlay_.memory();
    overlay_.drop(512, 65536 - 512);
    EXPECT_EQ(before - overlay_.memory(), 65536u - 512);
    zero(0, uint64_t(1) << 40, Kind::discard);
    EXPECT_LT(overlay_.memory(), 4096u) << "without data a piece takes no bytes";
}

TEST_F(OverlayTest, MemoryGrowsByNoMoreThanForetold) {
    uint32_t state = 1;
    auto next = [&](uint32_t bound) {
        return (state = state * 1664525 + 1013904223) / 65537 % bound;
    };
    for (int i = 0; i < 300; ++i) {
        TestOp op(OpKind::write, next(300000), 1 + next(70000));
        Kind kind = Kind(next(3));
        uint64_t limit = overlay_.memory() + Overlay::memory_for(op, kind);
        overlay_.put(op, kind);
        ASSERT_LE(overlay_.memory(), limit);
    }
}

TEST_F(OverlayTest, BytesAreAlignedForDirectIo) {
    put(512, 70000, 'a');
    for (const auto& slice : overlay_.all())
        EXPECT_EQ(reinterpret_cast<uintptr_t>(slice.bytes.get()) % 4096, 0u);
}

}  // namespace
}  // namespace tgt::store::fault
