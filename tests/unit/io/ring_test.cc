// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "io/worker.h"

namespace tgt::io {
namespace {

class RingTest : public testing::Test {
  protected:
    // A transfer over its own memory.
    struct Transfer : Task {
        Ring* ring;
        Ring::Request request;
        std::vector<char> memory;
        std::function<void()> then;
        bool ended = false;
        int result = 0;

        Transfer(Ring* in, int fd, Ring::Request::Kind kind, size_t bytes, char fill = 0)
            : ring(in), memory(bytes, fill) {
            run = [](Task& task) {
                auto& self = static_cast<Transfer&>(task);
                self.ended = true;
                self.result = self.ring->result();
                if (self.then) self.then();
            };
            request.task = this;
            request.kind = kind;
            request.fd = fd;
            request.piece = {memory.data(), bytes};
        }
    };
    using Kind = Ring::Request::Kind;

    void SetUp() override {
        if (!ring_) GTEST_SKIP() << "NOT TESTED: io_uring is refused here";
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        from_.reset(ends[0]);
        to_.reset(ends[1]);
    }
    // What reads from the pipe sees its end when nobody has the writing end open any more.
    bool closed_within(int milliseconds) {
        pollfd one{from_.get(), POLLIN, 0};
        return poll(&one, 1, milliseconds) == 1 && (one.revents & POLLHUP) != 0;
    }
    void turn() { worker_.turn_for_test(Clock::now()); }
    void finish(const Transfer& transfer) {
        while (!transfer.ended) {
            turn();
            std::this_thread::yield();
        }
    }

    Worker worker_{{.name = "test", .ring = true}};
    Ring* ring_ = worker_.ring();
    UniqueFd file_{open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    UniqueFd from_, to_;  // a pipe
};

TEST_F(RingTest, AHeldFileStaysOpenUntilItIsLetGo) {
    constexpr int long_enough = 60000;  // the kernel takes its time
    const auto ticket = ring_->hold(to_.get());
    ASSERT_TRUE(ticket);
    to_.reset();
    EXPECT_FALSE(closed_within(0));
    ring_->let_go(*ticket);
    EXPECT_TRUE(closed_within(long_enough));
}

TEST_F(RingTest, HoldsAsManyFilesAsItHasPlacesFor) {
    std::vector<unsigned> tickets;
    while (const auto ticket = ring_->hold(to_.get())) tickets.push_back(*ticket);
    EXPECT_GE(tickets.size(), 64u);
    ring_->let_go(tickets[7]);
    EXPECT_EQ(ring_->hold(to_.get()), tickets[7]);
}

TEST_F(RingTest, WhatWasWrittenIsRead) {
    Transfer write(ring_, file_.get(), Kind::write, 8192, 'w');
    Transfer read(ring_, file_.get(), Kind::read, 8192);
    const std::array<iovec, 2> pieces{{{read.memory.data(), 100}, {&read.memory[100], 8092}}};
    read.request.pieces = pieces.data();
    read.request.count = 2;
    for (Transfer* one : {&write, &read}) {
        one->request.offset = 4096;
        ring_->add(one->request);
        finish(*one);
        EXPECT_EQ(one->result, 8192);
    }
    EXPECT_EQ(read.memory, write.memory);
    EXPECT_EQ(lseek(file_.get(), 0, SEEK_END), 4096 + 8192);
    EXPECT_EQ(ring_->in_flight(), 0u);
}

TEST_F(RingTest, ErrorsAreResults) {
    Transfer closed(ring_, -1, Kind::read, 512), one_way(ring_, from_.get(), Kind::write, 512);
    for (Transfer* one : {&closed, &one_way}) {
        ring_->add(one->request);
        finish(*one);
        EXPECT_EQ(one->result, -EBADF);
    }
}

TEST_F(RingTest, NothingRunsBeforeTheEndOfTheTurn) {
    ASSERT_EQ(write(to_.get(), "abc", 3), 3);
    Transfer read(ring_, from_.get(), Kind::read, 3);
    ring_->add(read.request);
    EXPECT_EQ(ring_->in_flight(), 0u);
    EXPECT_FALSE(read.ended);
    finish(read);
    EXPECT_EQ(read.result, 3);
}

TEST_F(RingTest, WhatTheKernelHasNotSeenIsTakenBack) {
    Transfer back(ring_, from_.get(), Kind::read, 3), stays(ring_, from_.get(), Kind::read, 3);
    ring_->add(back.request);
    ring_->add(stays.request);
    EXPECT_TRUE(ring_->take_back(back));
    EXPECT_FALSE(ring_->take_back(back));
    turn();
    EXPECT_EQ(ring_->in_flight(), 1u);
    EXPECT_FALSE(ring_->take_back(stays)) << "the kernel has it";
    ASSERT_EQ(write(to_.get(), "abc", 3), 3);
    finish(stays);
    EXPECT_EQ(stays.result, 3);
    EXPECT_FALSE(back.ended);
    EXPECT_FALSE(ring_->take_back(stays)) << "it has ended";
}

TEST_F(RingTest, MoreThanTheRingHoldsAllEnd) {
    std::vector<std::unique_ptr<Transfer>> all;
    for (int i = 0; i < 3000; ++i) {
        all.push_back(std::make_unique<Transfer>(ring_, from_.get(), Kind::read, 1));
        ring_->add(all.back()->request);
    }
    turn();
    EXPECT_EQ(ring_->in_flight(), all.size());
    const std::vector<char> bytes(all.size(), 'x');
    ASSERT_EQ(write(to_.get(), bytes.data(), bytes.size()), ssize_t(bytes.size()));
    for (auto& one : all) {
        finish(*one);
        EXPECT_EQ(one->result, 1);
    }
    EXPECT_EQ(ring_->in_flight(), 0u);
}

TEST_F(RingTest, EndedTaskMayAddAgainAndGo) {
    int left = 500;
    auto first = std::make_unique<Transfer>(ring_, file_.get(), Kind::write, 512, 'a');
    first->then = [&] {
        if (--left > 0) return ring_->add(first->request);
        first.reset();
    };
    ring_->add(first->request);
    while (first) turn();
    EXPECT_EQ(left, 0);
}

// Its end has to wake a thread that sleeps in the poller.
TEST_F(RingTest, SleepingWorkerIsWoken) {
    Worker worker({.name = "sleeper", .ring = true});
    worker.start();
    for (int i = 0; i < 200; ++i) {
        std::promise<int> done;
        std::unique_ptr<Transfer> read;
        worker.post([&] {
            read = std::make_unique<Transfer>(worker.ring(), from_.get(), Kind::read, 1);
            read->then = [&] { done.set_value(read->result); };
            worker.ring()->add(read->request);
        });
        if (i % 2) std::this_thread::yield();
        ASSERT_EQ(write(to_.get(), "x", 1), 1);
        EXPECT_EQ(done.get_future().get(), 1);
    }
    worker.stop();
    worker.join();
}

TEST_F(RingTest, WorkerMayEndBeforeWhatIsInFlight) {
    auto worker = std::make_unique<Worker>(Worker::Options{.name = "t", .ring = true});
    Transfer read(worker->ring(), from_.get(), Kind::read, 1);
    worker->ring()->add(read.request);
    worker->turn_for_test(Clock::now());
    EXPECT_EQ(worker->ring()->in_flight(), 1u);
    worker.reset();
    EXPECT_FALSE(read.ended);
}

TEST(RingRefused, NobodyAskedForOne) {
    Worker worker({.name = "t"});
    EXPECT_EQ(worker.ring(), nullptr);
    EXPECT_FALSE(worker.wants_ring());
}

// As containers do it.
void forbid_io_uring(unsigned error) {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{program.size(), program.data()};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) abort();
}

// The filter holds for the thread that sets it, and ends with it.
TEST(RingRefused, ReasonIsNamedAndTheWorkerGoesOnWithout) {
    struct Case {
        int error;
        const char* words;
    };
    for (const auto& [error, words] : {Case{EPERM, "seccomp"}, Case{ENOSYS, "kernel has none"}}) {
        std::thread([error = error, words = words] {
            forbid_io_uring(unsigned(error));
            const auto probed = Ring::probe();
            ASSERT_FALSE(probed);
            EXPECT_EQ(probed.error().code, error);
            EXPECT_NE(probed.error().text.find(words), std::string::npos) << probed.error().text;
            Worker worker({.name = "t", .ring = true});
            EXPECT_EQ(worker.ring(), nullptr);
            bool ran = false;
            worker.post([&] { ran = true; });
            worker.turn_for_test(Clock::now());
            EXPECT_TRUE(ran);
        }).join();
    }
}

}  // namespace
}  // namespace tgt::io
