// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace tgt {
namespace {

bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

int some_fd() {
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST(UniqueFd, ClosesWhenItDies) {
    int raw = some_fd();
    {
        UniqueFd fd(raw);
        EXPECT_TRUE(fd);
        EXPECT_TRUE(is_open(raw));
    }
    EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, MovePassesOwnership) {
    int raw = some_fd();
    UniqueFd to;
    {
        UniqueFd from(raw);
        to = std::move(from);
    }
    EXPECT_TRUE(is_open(raw));
    EXPECT_EQ(to.get(), raw);
}

TEST(UniqueFd, MoveAssignmentClosesTheOldOne) {
    int old_raw = some_fd();
    UniqueFd to(old_raw);
    to = UniqueFd(some_fd());
    EXPECT_NE(to.get(), old_raw);
    EXPECT_FALSE(is_open(old_raw));
}

TEST(UniqueFd, ReleaseKeepsItOpen) {
    int raw = 0;
    {
        UniqueFd fd(some_fd());
        raw = fd.release();
        EXPECT_FALSE(fd);
    }
    EXPECT_TRUE(is_open(raw));
    close(raw);
}

}  // namespace
}  // namespace tgt
