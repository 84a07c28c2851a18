// SPDX-License-Identifier: GPL-2.0-or-later
// The room that a tape image has of its file system, beyond what is written.
#include <fcntl.h>
#include <sys/stat.h>

#include <optional>

#include "base/unique_fd.h"
#include "store/ssc/file.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

constexpr uint64_t mib = uint64_t(1) << 20;

struct TapeRoomAhead : ::testing::Test {
    TempDir dir;
    UniqueFd fd{::open((dir / "tape").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    std::optional<ssc::DescriptorFile> file{fd.get()};
    std::vector<uint8_t> data = std::vector<uint8_t>(mib, 0x5a);

    void write(uint64_t from, uint64_t to) {
        for (uint64_t at = from; at < to; at += mib) ASSERT_EQ(file->write_bytes(at, data), 0);
    }
    struct stat status() const {
        struct stat st {};
        EXPECT_EQ(fsync(fd.get()), 0);  // so that blocks are counted when they are taken
        EXPECT_EQ(fstat(fd.get(), &st), 0);
        return st;
    }
    uint64_t taken() const { return uint64_t(status().st_blocks) * 512; }
    uint64_t size() const { return uint64_t(status().st_size); }
    bool can_reserve() const {
        return fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, mib) == 0 && taken() >= mib;
    }
};

TEST_F(TapeRoomAhead, AStreamHasItAndTheSizeDoesNotTell) {
    if (!can_reserve()) GTEST_SKIP() << "the file system reserves no room";
    write(0, 4 * mib);
    EXPECT_EQ(size(), 4 * mib);
    EXPECT_GE(taken(), 8 * mib);
}

TEST_F(TapeRoomAhead, GoesBackWhenTheImageIsClosed) {
    write(0, 4 * mib);
    file.reset();
    EXPECT_EQ(size(), 4 * mib);
    EXPECT_LT(taken(), 5 * mib);
}

TEST_F(TapeRoomAhead, GoesBackWhenTheImageIsCut) {
    write(0, 4 * mib);
    ASSERT_EQ(file->cut(2 * mib), 0);
    EXPECT_EQ(size(), 2 * mib);
    EXPECT_LT(taken(), 3 * mib);
    write(2 * mib, 6 * mib);
    file.reset();
    EXPECT_LT(taken(), 7 * mib);
}

TEST_F(TapeRoomAhead, IsNotAskedForByAFewSmallBlocks) {
    data.resize(4096);
    for (uint64_t at = 0; at < 128 * 1024; at += 4096) ASSERT_EQ(file->write_bytes(at, data), 0);
    EXPECT_LT(taken(), mib);
}

TEST_F(TapeRoomAhead, IsNotAskedForByWritesHereAndThere) {
    data.resize(512 * 1024);
    for (uint64_t i = 0; i < 8; ++i) ASSERT_EQ(file->write_bytes((7 - i) * mib, data), 0);
    EXPECT_LT(taken(), 5 * mib);
}

TEST_F(TapeRoomAhead, LeavesWhatWasWrittenAsItWas) {
    write(0, 40 * mib);
    std::fill(data.begin(), data.end(), 0);
    for (uint64_t at = 0; at < 40 * mib; at += mib) {
        uint64_t got = 0;
        ASSERT_EQ(file->read_bytes(at, data, got), 0);
        ASSERT_EQ(got, mib);
        ASSERT_EQ(data, std::vector<uint8_t>(mib, 0x5a)) << at;
    }
}

}  // namespace
}  // namespace tgt::store::test
