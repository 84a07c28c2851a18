// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/poller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <array>
#include <functional>
#include <thread>

namespace tgt::io {
namespace {

constexpr TimePoint no_wait = TimePoint::min();

struct Watcher final : FdWatcher {
    std::function<void(uint32_t)> action;
    int calls = 0;
    uint32_t events = 0;
    void on_ready(uint32_t e) override {
        ++calls;
        events = e;
        if (action) action(e);
    }
};

struct Pipe {
    UniqueFd reader, writer;
    Pipe() {
        std::array<int, 2> fds;
        if (pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK) != 0) abort();
        reader.reset(fds[0]);
        writer.reset(fds[1]);
    }
    void fill() { ASSERT_EQ(write(writer.get(), "x", 1), 1); }
};

TEST(Poller, DeliversWhatIsReadyAndOnlyThat) {
    Poller poller;
    Pipe ready, silent;
    Watcher first, second;
    ASSERT_TRUE(poller.add(ready.reader.get(), EPOLLIN, first));
    ASSERT_TRUE(poller.add(silent.reader.get(), EPOLLIN, second));
    ready.fill();
    poller.wait(no_wait);
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(first.events, uint32_t(EPOLLIN));
    EXPECT_EQ(second.calls, 0);
}

TEST(Poller, IsLevelTriggered) {
    Poller poller;
    Pipe pipe;
    Watcher watcher;
    poller.add(pipe.reader.get(), EPOLLIN, watcher);
    pipe.fill();
    poller.wait(no_wait);
    poller.wait(no_wait);
    EXPECT_EQ(watcher.calls, 2);
}

TEST(Poller, ModifyToNothingSilencesButReportsHangUp) {
    Poller poller;
    Pipe pipe;
    Watcher watcher;
    poller.add(pipe.reader.get(), EPOLLIN, watcher);
    poller.modify(pipe.reader.get(), 0, watcher);
    pipe.fill();
    poller.wait(no_wait);
    EXPECT_EQ(watcher.calls, 0);
    pipe.writer.reset();
    poller.wait(no_wait);
    EXPECT_EQ(watcher.events, uint32_t(EPOLLHUP));
}

// Whichever of two ready watchers is called first removes the other, which must then not be called.
TEST(Poller, WatcherRemovedDuringDeliveryIsNotCalled) {
    Poller poller;
    std::array<Pipe, 2> pipes;
    std::array<Watcher, 2> watchers;
    for (size_t i : {0, 1}) {
        poller.add(pipes[i].reader.get(), EPOLLIN, watchers[i]);
        pipes[i].fill();
        watchers[i].action = [&, i](uint32_t) {
            poller.remove(pipes[1 - i].reader.get(), watchers[1 - i]);
        };
    }
    poller.wait(no_wait);
    EXPECT_EQ(watchers[0].calls + watchers[1].calls, 1);
    poller.wait(no_wait);
    EXPECT_EQ(watchers[0].calls + watchers[1].calls, 2) << "the one that stayed is served on";
}

TEST(Poller, WatcherSilencedDuringDeliveryIsNotCalled) {
    Poller poller;
    std::array<Pipe, 2> pipes;
    std::array<Watcher, 2> watchers;
    for (size_t i : {0, 1}) {
        poller.add(pipes[i].reader.get(), EPOLLIN, watchers[i]);
        pipes[i].fill();
        watchers[i].action = [&, i](uint32_t) {
            poller.modify(pipes[1 - i].reader.get(), 0, watchers[1 - i]);
        };
    }
    poller.wait(no_wait);
    EXPECT_EQ(watchers[0].calls + watchers[1].calls, 1);
}

TEST(Poller, WatcherMayRemoveItself) {
    Poller poller;
    Pipe pipe;
    Watcher watcher;
    poller.add(pipe.reader.get(), EPOLLIN, watcher);
    watcher.action = [&](uint32_t) { poller.remove(pipe.reader.get(), watcher); };
    pipe.fill();
    poller.wait(no_wait);
    poller.wait(no_wait);
    EXPECT_EQ(watcher.calls, 1);
}

TEST(Poller, AddReportsRefusal) {
    Poller poller;
    Watcher watcher;
    UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(poller.add(file.get(), EPOLLIN, watcher)) << "regular files cannot be polled";
}

TEST(Poller, WakeBeforeTheWaitIsNotLost) {
    Poller poller;
    poller.wake();
    poller.wait(std::nullopt);  // would hang
    TimePoint soon = Clock::now() + std::chrono::milliseconds(2);
    poller.wait(soon);
    EXPECT_GE(Clock::now(), soon) << "one wake ends one wait";
}

TEST(Poller, WakeFromAnotherThreadEndsEveryWait) {
    constexpr int rounds = 2000;
    Poller poller;
    std::atomic<int> asked{0}, seen{0};
    std::thread waker([&] {
        for (int i = 1; i <= rounds; ++i) {
            asked.store(i, std::memory_order_relaxed);
            poller.wake();
            while (seen.load() < i) std::this_thread::yield();
        }
    });
    while (seen.load() < rounds) {
        poller.wait(std::nullopt);
        seen.store(asked.load(std::memory_order_relaxed));
    }
    waker.join();
    EXPECT_EQ(seen.load(), rounds);
}

TEST(Poller, WaitsUntilTheDeadline) {
    Poller poller;
    TimePoint deadline = Clock::now() + std::chrono::microseconds(1500);
    poller.wait(deadline);
    EXPECT_GE(Clock::now(), deadline);
}

}  // namespace
}  // namespace tgt::io
