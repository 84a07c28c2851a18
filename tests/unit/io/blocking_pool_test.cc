// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/blocking_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tgt::io {
namespace {

struct Job : Task {
    std::function<void()> body;
    explicit Job(std::function<void()> b) : body(std::move(b)) {
        run = [](Task& task) { static_cast<Job&>(task).body(); };
    }
};

TimePoint far() {
    return Clock::now() + std::chrono::seconds(30);
}

// Tasks wait at the gate until the test opens it.
class Gate {
  public:
    void open() {
        std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++arrived_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    void await_arrivals(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return arrived_ >= count; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int arrived_ = 0;
};

TEST(BlockingPool, RunsEveryTaskElsewhere) {
    BlockingPool pool;
    std::atomic<int> ran{0}, here{0};
    auto self = std::this_thread::get_id();
    std::vector<std::unique_ptr<Job>> jobs;
    for (int i = 0; i < 100; ++i)
        jobs.push_back(std::make_unique<Job>([&] {
            ++ran;
            if (std::this_thread::get_id() == self) ++here;
        }));
    for (auto& job : jobs) pool.submit(*job);
    ASSERT_TRUE(pool.wait_idle(far()));
    EXPECT_EQ(ran, 100);
    EXPECT_EQ(here, 0);
}

TEST(BlockingPool, OneStuckTaskDoesNotHoldUpAnother) {
    BlockingPool pool;
    Gate gate;
    std::atomic<bool> ran{false};
    Job stuck([&] { gate.pass(); }), other([&] { ran = true; });
    pool.submit(stuck);
    gate.await_arrivals(1);
    pool.submit(other);
    while (!ran) std::this_thread::yield();
    gate.open();
    EXPECT_TRUE(pool.wait_idle(far()));
}

TEST(BlockingPool, WaitIdleTellsWhenATaskIsStuck) {
    BlockingPool pool;
    Gate gate;
    Job stuck([&] { gate.pass(); });
    pool.submit(stuck);
    EXPECT_FALSE(pool.wait_idle(Clock::now() + std::chrono::milliseconds(1)));
    gate.open();
    EXPECT_TRUE(pool.wait_idle(far()));
}

TEST(BlockingPool, DestructionLeavesAStuckThreadBehind) {
    Gate gate;
    std::atomic<bool> finished{false};
    Job stuck([&] {
        gate.pass();
        finished = true;
    });
    {
        BlockingPool pool;
        pool.submit(stuck);
        gate.await_arrivals(1);
    }
    EXPECT_FALSE(finished);
    gate.open();
    while (!finished) std::this_thread::yield();
}

TEST(BlockingPool, ThreadsAreNamedAndTakeNoSignals) {
    BlockingPool pool;
    char name[16] = "";
    sigset_t mask;
    Job job([&] {
        pthread_getname_np(pthread_self(), name, sizeof(name));
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    });
    pool.submit(job);
    ASSERT_TRUE(pool.wait_idle(far()));
    EXPECT_STREQ(name, "tgt-pool");
    EXPECT_TRUE(sigismember(&mask, SIGTERM));
    EXPECT_TRUE(sigismember(&mask, SIGCHLD));
    EXPECT_FALSE(sigismember(&mask, SIGSEGV));
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_FALSE(sigismember(&mask, SIGTERM)) << "the starting thread's mask is restored";
}

TEST(PoolLane, NeverRunsMoreThanItsCap) {
    BlockingPool pool;
    PoolLane lane(pool, 3);
    std::atomic<int> now{0}, most{0}, ran{0};
    std::vector<std::unique_ptr<Job>> jobs;
    for (int i = 0; i < 200; ++i)
        jobs.push_back(std::make_unique<Job>([&] {
            int running = ++now;
            for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
            }
            std::this_thread::yield();
            --now;
            ++ran;
        }));
    for (auto& job : jobs) lane.submit(*job);
    ASSERT_TRUE(pool.wait_idle(far()));
    EXPECT_EQ(ran, 200);
    EXPECT_LE(most, 3);
    EXPECT_EQ(lane.running(), 0u);
}

TEST(PoolLane, ReachesItsCap) {
    BlockingPool pool;
    PoolLane lane(pool, 3);
    Gate gate;
    std::vector<std::unique_ptr<Job>> jobs;
    for (int i = 0; i < 5; ++i) jobs.push_back(std::make_unique<Job>([&] { gate.pass(); }));
    for (auto& job : jobs) lane.submit(*job);
    gate.await_arrivals(3);
    EXPECT_EQ(lane.running(), 3u);
    EXPECT_EQ(lane.queued(), 2u);
    gate.open();
    EXPECT_TRUE(pool.wait_idle(far()));
}

TEST(PoolLane, OfOneKeepsTheOrderOfSubmission) {
    BlockingPool pool;
    PoolLane lane(pool, 1);
    std::vector<int> order;
    std::vector<std::unique_ptr<Job>> jobs;
    for (int i = 0; i < 100; ++i)
        jobs.push_back(std::make_unique<Job>([&order, i] { order.push_back(i); }));
    for (auto& job : jobs) lane.submit(*job);
    ASSERT_TRUE(pool.wait_idle(far()));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[size_t(i)], i);
}

TEST(PoolLane, StuckLaneDoesNotHoldUpAnother) {
    BlockingPool pool;
    PoolLane stuck_lane(pool, 2), other(pool, 1);
    Gate gate;
    std::atomic<bool> ran{false};
    Job a([&] { gate.pass(); }), b([&] { gate.pass(); }), c([&] { gate.pass(); }),
        quick([&] { ran = true; });
    for (Job* job : {&a, &b, &c}) stuck_lane.submit(*job);
    other.submit(quick);
    while (!ran) std::this_thread::yield();
    gate.open();
    EXPECT_TRUE(pool.wait_idle(far()));
}

TEST(PoolLane, TakesBackOnlyWhatHasNotBegun) {
    BlockingPool pool;
    PoolLane lane(pool, 1);
    Gate gate;
    bool ran = false;
    Job first([&] { gate.pass(); }), second([&] { ran = true; }), stranger([] {});
    lane.submit(first);
    gate.await_arrivals(1);
    lane.submit(second);
    EXPECT_TRUE(lane.take_back(second));
    EXPECT_FALSE(lane.take_back(second));
    EXPECT_FALSE(lane.take_back(first));
    EXPECT_FALSE(lane.take_back(stranger));
    gate.open();
    ASSERT_TRUE(pool.wait_idle(far()));
    EXPECT_FALSE(ran);
}

TEST(PoolLane, ATurnIsTheCallersWhenNothingRunsOrWaits) {
    BlockingPool pool;
    PoolLane lane(pool, 1);
    std::atomic<bool> ran = false;
    Job behind([&] { ran = true; });
    {
        const PoolLane::Turn turn(lane);
        ASSERT_TRUE(turn);
        EXPECT_EQ(lane.running(), 1u);
        EXPECT_FALSE(PoolLane::Turn(lane));
        lane.submit(behind);
        EXPECT_EQ(lane.queued(), 1u);
        ASSERT_TRUE(pool.wait_idle(far()));
        EXPECT_FALSE(ran);
    }
    while (!ran) std::this_thread::yield();
    ASSERT_TRUE(pool.wait_idle(far()));
    EXPECT_EQ(lane.running(), 0u);
    EXPECT_TRUE(PoolLane::Turn(lane));
}

TEST(PoolLane, ATurnIsNobodysWhileATaskRuns) {
    BlockingPool pool;
    PoolLane lane(pool, 2);
    Gate gate;
    Job job([&] { gate.pass(); });
    lane.submit(job);
    gate.await_arrivals(1);
    EXPECT_FALSE(PoolLane::Turn(lane));
    gate.open();
    ASSERT_TRUE(pool.wait_idle(far()));
    EXPECT_TRUE(PoolLane::Turn(lane));
}

// The task's last act may be to tell somebody who then destroys the lane, while the thread is still
// on its way out of it.
TEST(PoolLane, MayBeDestroyedAsSoonAsItsTasksHaveRun) {
    BlockingPool pool;
    for (int i = 0; i < 300; ++i) {
        auto lane = std::make_unique<PoolLane>(pool, 2);
        std::atomic<int> ran{0};
        Job a([&] { ++ran; }), b([&] { ++ran; });
        lane->submit(a);
        lane->submit(b);
        while (ran < 2) std::this_thread::yield();
        lane.reset();
    }
    EXPECT_TRUE(pool.wait_idle(far()));
}

}  // namespace
}  // namespace tgt::io
