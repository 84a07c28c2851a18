// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/buffer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

namespace tgt::io {
namespace {

constexpr size_t mib = size_t(1) << 20;

std::vector<uint8_t> pattern(size_t bytes) {
    std::vector<uint8_t> data(bytes);
    for (size_t i = 0; i < bytes; ++i) data[i] = uint8_t(i * 31 + i / 251);
    return data;
}

TEST(BufferPool, GivesWhatWasAskedForAligned) {
    BufferPool pool;
    for (size_t bytes : {size_t(1), size_t(512), size_t(4096), size_t(4097), size_t(300000), mib}) {
        Buffer buffer = pool.take(bytes);
        EXPECT_EQ(buffer.size(), bytes);
        EXPECT_TRUE(buffer.contiguous());
        EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 4096, 0u);
    }
    EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(BufferPool, LongBuffersHaveAlignedSegmentsThatAddUp) {
    BufferPool pool;
    Buffer buffer = pool.take(3 * mib + 5000);
    size_t sum = 0;
    for (const iovec& segment : buffer.segments()) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(segment.iov_base) % 4096, 0u);
        sum += segment.iov_len;
    }
    EXPECT_EQ(sum, 3 * mib + 5000);
    EXPECT_EQ(buffer.segments().size(), 4u);
    EXPECT_FALSE(buffer.contiguous());
}

TEST(BufferPool, FreshMemoryIsZero) {
    BufferPool pool;
    Buffer buffer = pool.take(mib);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + mib, [](uint8_t b) { return b == 0; }));
}

TEST(BufferPool, RecyclesWithoutNewArenas) {
    BufferPool pool;
    void* first = pool.take(10000).data();
    size_t reserved = pool.bytes_reserved();
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(pool.take(10000).data(), first);
    EXPECT_EQ(pool.bytes_reserved(), reserved);
}

TEST(BufferPool, BuffersInUseDoNotOverlap) {
    BufferPool pool;
    std::vector<Buffer> buffers;
    for (int i = 0; i < 600; ++i) {
        buffers.push_back(pool.take(4096));
        std::fill_n(buffers.back().data(), 4096, uint8_t(i));
    }
    for (int i = 0; i < 600; ++i) {
        EXPECT_EQ(buffers[size_t(i)].data()[0], uint8_t(i));
        EXPECT_EQ(buffers[size_t(i)].data()[4095], uint8_t(i));
    }
    EXPECT_EQ(pool.bytes_in_use(), 600u * 4096);
}

TEST(BufferPool, EmptyWhenTheLimitIsReachedAndUsableAfterARelease) {
    BufferPool pool(4 * mib);
    Buffer first = pool.take(2 * mib), second = pool.take(2 * mib);
    ASSERT_EQ(second.size(), 2 * mib);
    EXPECT_TRUE(pool.take(1).empty());
    second.release();
    EXPECT_FALSE(pool.take(mib).empty());
    EXPECT_LE(pool.bytes_reserved(), 4 * mib);
}

TEST(BufferPool, RefusedRequestReturnsThePiecesItHadAlready) {
    BufferPool pool(4 * mib);
    Buffer first = pool.take(2 * mib);
    size_t before = pool.bytes_in_use();
    EXPECT_TRUE(pool.take(3 * mib).empty());
    EXPECT_EQ(pool.bytes_in_use(), before);
}

TEST(BufferPool, MoreThanTheLargestBufferIsRefused) {
    BufferPool pool;
    EXPECT_TRUE(pool.take(Buffer::max_bytes + 1).empty());
    EXPECT_EQ(pool.take(Buffer::max_bytes).size(), Buffer::max_bytes);
}

TEST(BufferPool, AtTheLimitFreeSmallPiecesBecomeLargeOnes) {
    BufferPool pool(2 * mib);
    std::vector<Buffer> small;
    for (int i = 0; i < 512; ++i) small.push_back(pool.take(4096));
    EXPECT_TRUE(pool.take(mib).empty());
    small.clear();
    Buffer large = pool.take(2 * mib);
    EXPECT_EQ(large.size(), 2 * mib);
    EXPECT_EQ(pool.bytes_reserved(), 2 * mib);
}

TEST(BufferPool, AtTheLimitSmallRequestsUseLargePieces) {
    BufferPool pool(2 * mib);
    Buffer large = pool.take(mib);
    Buffer small = pool.take(100);
    EXPECT_EQ(small.size(), 100u);
    EXPECT_TRUE(pool.take(100).empty());
    small.release();
    EXPECT_EQ(pool.take(mib).size(), mib);
}

TEST(Buffer, MovePassesOwnership) {
    BufferPool pool;
    Buffer from = pool.take(5000);
    void* bytes = from.data();
    Buffer to = std::move(from);
    EXPECT_TRUE(from.empty());
    EXPECT_EQ(to.data(), bytes);
    to = pool.take(100);
    EXPECT_EQ(pool.bytes_in_use(), 4096u) << "assignment released the old pieces";
    to.release();
    EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(Buffer, SliceCoversExactlyTheRange) {
    BufferPool pool;
    Buffer buffer = pool.take(3 * mib);
    auto segments = buffer.segments();
    std::array<iovec, Buffer::max_segments> out;
    ASSERT_EQ(buffer.slice(mib - 10, mib + 20, out.data()), 3u);
    EXPECT_EQ(out[0].iov_base, static_cast<uint8_t*>(segments[0].iov_base) + mib - 10);
    EXPECT_EQ(out[0].iov_len, 10u);
    EXPECT_EQ(out[1].iov_base, segments[1].iov_base);
    EXPECT_EQ(out[1].iov_len, mib);
    EXPECT_EQ(out[2].iov_base, segments[2].iov_base);
    EXPECT_EQ(out[2].iov_len, 10u);
    EXPECT_EQ(buffer.slice(mib, mib, out.data()), 1u) << "a border belongs to one side";
    EXPECT_EQ(buffer.slice(3 * mib, 0, out.data()), 0u);
}

TEST(Buffer, CopiesAcrossSegments) {
    BufferPool pool;
    Buffer buffer = pool.take(2 * mib + 100);
    auto data = pattern(mib + 50);
    EXPECT_EQ(buffer.copy_in(mib - 25, data), data.size());
    std::vector<uint8_t> back(data.size());
    EXPECT_EQ(buffer.copy_out(mib - 25, back), back.size());
    EXPECT_EQ(back, data);
}

TEST(Buffer, CopiesAreClampedToTheSize) {
    BufferPool pool;
    Buffer buffer = pool.take(100);
    auto data = pattern(200);
    EXPECT_EQ(buffer.copy_in(60, data), 40u);
    EXPECT_EQ(buffer.copy_in(100, data), 0u);
    EXPECT_EQ(buffer.copy_in(SIZE_MAX, data), 0u);
    std::vector<uint8_t> out(200, 0xee);
    EXPECT_EQ(buffer.copy_out(60, out), 40u);
    EXPECT_EQ(out[39], data[39]);
    EXPECT_EQ(out[40], 0xee);
}

TEST(Buffer, FillZeroTouchesOnlyItsRange) {
    BufferPool pool;
    Buffer buffer = pool.take(mib + 100);
    std::vector<uint8_t> ones(mib + 100, 0xff), out(mib + 100);
    buffer.copy_in(0, ones);
    buffer.fill_zero(mib - 5, 10);
    buffer.copy_out(0, out);
    std::fill_n(ones.begin() + ptrdiff_t(mib) - 5, 10, uint8_t(0));
    EXPECT_EQ(out, ones);
    buffer.fill_zero(mib + 50, SIZE_MAX);
    buffer.copy_out(0, out);
    EXPECT_EQ(out[mib + 49], 0xff);
    EXPECT_EQ(out[mib + 50], 0);
    EXPECT_EQ(out[mib + 99], 0);
}

TEST(Buffer, ShrinkKeepsTheBeginningAndGivesTheRestBack) {
    BufferPool pool;
    Buffer buffer = pool.take(3 * mib);
    const size_t before = pool.bytes_in_use();
    auto data = pattern(3 * mib);
    buffer.copy_in(0, data);
    buffer.shrink(4 * mib);
    EXPECT_EQ(buffer.size(), 3 * mib);
    buffer.shrink(mib + 7);
    EXPECT_EQ(buffer.size(), mib + 7);
    EXPECT_LT(pool.bytes_in_use(), before);
    std::vector<uint8_t> out(mib + 7);
    EXPECT_EQ(buffer.copy_out(0, out), mib + 7);
    EXPECT_TRUE(std::equal(out.begin(), out.end(), data.begin()));
    buffer.shrink(0);
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(pool.bytes_in_use(), 0u);
}

class AreaPool : public ::testing::Test {
  protected:
    static constexpr size_t bytes = 4 * mib;
    AreaPool() : area_(static_cast<uint8_t*>(aligned_alloc(4096, bytes)), &free) {}
    std::span<uint8_t> area() const { return {area_.get(), bytes}; }
    size_t offset(const Buffer& buffer) const { return size_t(buffer.data() - area_.get()); }

  private:
    std::unique_ptr<uint8_t, void (*)(void*)> area_;
};

TEST_F(AreaPool, PiecesLieInTheAreaAtMultiplesOfAPage) {
    BufferPool pool(area());
    EXPECT_EQ(pool.limit(), bytes);
    std::vector<Buffer> held;
    for (size_t size : {size_t(1), size_t(4097), size_t(16000), size_t(4096)})
        held.push_back(pool.take(size));
    for (const Buffer& buffer : held) {
        ASSERT_FALSE(buffer.empty());
        EXPECT_EQ(offset(buffer) % 4096, 0u);
        EXPECT_LE(offset(buffer) + buffer.size(), bytes);
    }
}

TEST_F(AreaPool, GivesAllOfTheAreaAndNoMore) {
    BufferPool pool(area());
    std::vector<Buffer> held;
    for (int i = 0; i < 4; ++i) held.push_back(pool.take(mib));
    for (const Buffer& buffer : held) EXPECT_EQ(buffer.size(), mib);
    EXPECT_TRUE(pool.take(1).empty());
    held.clear();
    EXPECT_EQ(pool.take(4 * mib).size(), 4 * mib);
}

TEST_F(AreaPool, CutsALargePieceBeforeASmallCommandGetsAWholeOne) {
    BufferPool pool(area());
    pool.take(4 * mib);  // it is all large pieces now
    std::vector<Buffer> held;
    for (int i = 0; i < 512; ++i) held.push_back(pool.take(4096));
    for (const Buffer& buffer : held) EXPECT_EQ(buffer.size(), 4096u);
    EXPECT_EQ(pool.take(2 * mib).size(), 2 * mib) << "the other half is as it was";
    held.clear();
    EXPECT_EQ(pool.take(4 * mib).size(), 4 * mib) << "and so is what was cut, when it is free";
}

TEST_F(AreaPool, WhatIsLeftBelowTwoMebibytesIsNotUsed) {
    BufferPool pool(area().first(3 * mib));
    EXPECT_EQ(pool.limit(), 2 * mib);
    EXPECT_TRUE(pool.take(3 * mib).empty());
    EXPECT_EQ(pool.take(2 * mib).size(), 2 * mib);
}

}  // namespace
}  // namespace tgt::io
