// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/echo/answers.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string_view>

namespace tgt::bench {
namespace {

// A file that holds this text.
struct File {
    explicit File(std::string_view text) : fd(::memfd_create("file", MFD_CLOEXEC)) {
        EXPECT_EQ(::write(fd.get(), text.data(), text.size()), ssize_t(text.size()));
    }
    std::string path() const { return "/proc/self/fd/" + std::to_string(fd.get()); }
    UniqueFd fd;
};

std::string read(const Source& source, uint64_t offset, size_t length) {
    std::vector<uint8_t> bytes(length);
    if (!source.read(offset, bytes)) return "failed";
    return {bytes.begin(), bytes.end()};
}

TEST(AnswerSource, ReadsTheFileAtThePlaceThatIsAskedFor) {
    const File file("abcdefghijkl");
    const auto source = Source::open(file.path());
    ASSERT_TRUE(source);
    EXPECT_TRUE(source->is_file());
    EXPECT_EQ(read(*source, 0, 4), "abcd");
    EXPECT_EQ(read(*source, 8, 4), "ijkl");
}

TEST(AnswerSource, BehindItsEndTheFileBeginsAgain) {
    const File file("abcdefghijkl!");  // 3 pieces of 4, and a rest that is none
    const auto source = Source::open(file.path());
    ASSERT_TRUE(source);
    EXPECT_EQ(read(*source, 12, 4), "abcd");
    EXPECT_EQ(read(*source, 12 * 1000 + 4, 4), "efgh");
}

TEST(AnswerSource, AFileSmallerThanAnAnswerIsRefused) {
    const File file("abc");
    const auto source = Source::open(file.path());
    ASSERT_TRUE(source);
    EXPECT_EQ(read(*source, 0, 4), "failed");
}

TEST(AnswerSource, AFileThatIsNotThereIsAnError) {
    EXPECT_FALSE(Source::open("/nonexistent/file"));
}

TEST(AnswerSource, WithoutAFileThereIsOneBuffer) {
    const auto source = Source::open("");
    ASSERT_TRUE(source);
    EXPECT_FALSE(source->is_file());
    EXPECT_EQ(source->buffer(Source::length_limit).size(), Source::length_limit);
    EXPECT_EQ(source->buffer(512).data(), source->buffer(4096).data());
}

TEST(AnswerMemory, IsOnesOwnUntilAllIsSentAndThenTheLastIsUsedFirst) {
    AnswerMemory memory;
    const uint8_t* first = memory.take(512).data();
    for (int i = 0; i < 1000; ++i) EXPECT_NE(memory.take(512).data(), first);
    const uint8_t* last = memory.take(512).data();
    EXPECT_NE(last, first);
    memory.all_sent();
    EXPECT_EQ(memory.take(512).data(), last);
}

TEST(AnswerMemory, APieceGrowsWithWhatIsAskedFor) {
    AnswerMemory memory;
    memory.take(512);
    memory.all_sent();
    EXPECT_EQ(memory.take(4096).size(), 4096u);
    memory.all_sent();
    EXPECT_EQ(memory.take(100).size(), 100u);
}

}  // namespace
}  // namespace tgt::bench
