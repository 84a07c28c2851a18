// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/bench/stream.h"

namespace tgt::bench {
namespace {

class OutputTest : public testing::Test {
  protected:
    void SetUp() override {
        int fds[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        near.reset(fds[0]);
        far.reset(fds[1]);
        const int small = 4096;
        setsockopt(near.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    // Receives what is there.
    void drain() {
        uint8_t bytes[1000];
        for (ssize_t got; (got = ::recv(far.get(), bytes, sizeof bytes, 0)) > 0;)
            received.insert(received.end(), bytes, bytes + got);
    }
    void queue(uint8_t number, std::vector<uint8_t>& body) {
        const std::vector<uint8_t> header(48, number);
        output.add_copy(header);
        output.add_reference(body);
        expected.insert(expected.end(), header.begin(), header.end());
        expected.insert(expected.end(), body.begin(), body.end());
    }

    UniqueFd near, far;
    Output output;
    std::vector<uint8_t> expected, received;
};

TEST_F(OutputTest, NothingIsLostWhenTheSocketIsFull) {
    std::vector<uint8_t> body(700, 0xaa);
    for (int i = 0; i < 20000; ++i) {  // never empty, so what was sent has to be forgotten
        queue(static_cast<uint8_t>(i), body);
        ASSERT_TRUE(output.flush(near.get()));
        if (i % 16 == 0) drain();
    }
    while (!output.empty()) {
        drain();
        ASSERT_TRUE(output.flush(near.get()));
    }
    drain();
    EXPECT_TRUE(received == expected);
}

TEST_F(OutputTest, APeerThatIsGoneIsAnError) {
    far.reset();
    output.add_copy(std::vector<uint8_t>(48));
    EXPECT_FALSE(output.flush(near.get()));
}

}  // namespace
}  // namespace tgt::bench
