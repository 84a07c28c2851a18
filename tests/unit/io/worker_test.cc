// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/worker.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "io/cpus.h"

namespace tgt::io {
namespace {

using std::chrono::milliseconds;

struct Job : Task {
    std::function<void()> body;
    explicit Job(std::function<void()> b) : body(std::move(b)) {
        run = [](Task& task) { static_cast<Job&>(task).body(); };
    }
};

constexpr TimePoint at(int ms) {
    return TimePoint{} + milliseconds(ms);
}

TEST(Worker, RunsPostedTasksOnItsThreadInOrder) {
    Worker worker({.name = "t"});
    worker.start();
    std::vector<int> order;
    std::promise<bool> done;
    for (int i = 0; i < 100; ++i) worker.post([&order, i] { order.push_back(i); });
    worker.post([&] { done.set_value(worker.here()); });
    EXPECT_TRUE(done.get_future().get());
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[size_t(i)], i);
    EXPECT_FALSE(worker.here());
}

TEST(Worker, KeepsTheOrderOfSeveralPostingThreads) {
    constexpr int producers = 4, each = 2000;
    Worker worker({.name = "t"});
    worker.start();
    std::array<int, producers> next{};
    std::atomic<int> wrong{0}, left{producers * each};
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            for (int i = 0; i < each; ++i)
                worker.post([&, p, i] {
                    if (next[size_t(p)]++ != i) ++wrong;
                    --left;
                });
        });
    for (auto& thread : threads) thread.join();
    while (left > 0) std::this_thread::yield();
    EXPECT_EQ(wrong, 0);
}

TEST(Worker, StopRunsWhatWasPostedBefore) {
    std::atomic<int> ran{0};
    Worker worker({.name = "t"});
    worker.start();
    for (int i = 0; i < 50; ++i) worker.post([&] { ++ran; });
    worker.stop();
    worker.join();
    EXPECT_EQ(ran, 50);
    EXPECT_TRUE(worker.here()) << "what is left belongs to the thread that joined";
}

TEST(Worker, FunctionsThatNeverRanAreFreed) {
    auto witness = std::make_shared<int>(0);
    {
        Worker worker({.name = "t"});
        worker.post([witness] { ++*witness; });
    }
    EXPECT_EQ(*witness, 0);
    EXPECT_EQ(witness.use_count(), 1);
}

TEST(Worker, PostIsNeverRunInsideTheCall) {
    Worker worker({.name = "t"});
    bool ran = false;
    Job inner([&] { ran = true; });
    bool ran_inside = true;
    worker.post([&] {
        worker.post(inner);
        ran_inside = ran;
    });
    worker.turn_for_test(at(1));
    EXPECT_FALSE(ran_inside);
    worker.turn_for_test(at(2));
    EXPECT_TRUE(ran);
}

TEST(Worker, TaskMayPostItselfAgain) {
    Worker worker({.name = "t"});
    int ran = 0;
    Job again([&] {
        if (++ran < 3) worker.post(again);
    });
    worker.post(again);
    for (int turn = 0; turn < 5; ++turn) worker.turn_for_test(at(turn));
    EXPECT_EQ(ran, 3);
}

// Descriptors, mailbox, timers, end of the turn: in this order within one turn.
TEST(Worker, TurnHasAFixedOrder) {
    Worker worker({.name = "t"});
    std::vector<std::string> order;
    struct Watcher final : FdWatcher {
        std::vector<std::string>& order;
        explicit Watcher(std::vector<std::string>& o) : order(o) {}
        void on_ready(uint32_t) override { order.push_back("descriptor"); }
    } watcher(order);
    UniqueFd event(eventfd(1, EFD_CLOEXEC));
    worker.poller().add(event.get(), EPOLLIN, watcher);
    Job end([&] { order.push_back("end"); });
    worker.at_turn_end(end);
    Timer timer([&] { order.push_back("timer"); });
    worker.timers().arm(timer, at(5));
    worker.post([&] { order.push_back("mailbox"); });
    worker.turn_for_test(at(5));
    EXPECT_EQ(order, (std::vector<std::string>{"descriptor", "mailbox", "timer", "end"}));
}

TEST(Worker, TaskGivenAtTheEndOfTheTurnRunsInTheSameTurn) {
    Worker worker({.name = "t"});
    std::vector<int> order;
    Job second([&] { order.push_back(2); });
    Job first([&] {
        order.push_back(1);
        worker.at_turn_end(second);
    });
    Job third([&] { order.push_back(3); });
    worker.at_turn_end(first);
    worker.at_turn_end(third);
    worker.turn_for_test(at(1));
    EXPECT_EQ(order, (std::vector<int>{1, 3, 2}));
    worker.turn_for_test(at(2));
    EXPECT_EQ(order.size(), 3u) << "once only";
    worker.at_turn_end(first);
    worker.turn_for_test(at(3));
    EXPECT_EQ(order, (std::vector<int>{1, 3, 2, 1, 2})) << "and may be given again";
}

TEST(Worker, MailboxSeesTheTimeOfItsTurn) {
    Worker worker({.name = "t"});
    worker.turn_for_test(at(10));
    TimePoint seen;
    worker.post([&] { seen = worker.timers().now(); });
    worker.turn_for_test(at(5000));
    EXPECT_EQ(seen, at(5000));
}

TEST(Worker, RunningLoopFiresTimers) {
    Worker worker({.name = "t"});
    std::promise<void> fired;
    Timer timer([&] { fired.set_value(); });
    worker.start();
    worker.post([&] { worker.timers().arm_in(timer, milliseconds(1)); });
    fired.get_future().get();
    worker.stop();
    worker.join();
}

// The state of a thread as the kernel tells it: R, S (asleep)...
char state_of_thread(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string text;
    std::getline(file, text);
    return text[text.rfind(')') + 2];
}

struct ThreadUse {
    pid_t thread;
    long sleeps;  // voluntary context switches
};
ThreadUse use_of(Worker& worker) {
    std::promise<ThreadUse> use;
    worker.post([&] {
        rusage usage{};
        getrusage(RUSAGE_THREAD, &usage);
        use.set_value({gettid(), usage.ru_nvcsw});
    });
    return use.get_future().get();
}

TEST(Worker, BusyPollingStaysAwakeBetweenTasks) {
    Worker worker({.name = "t", .busy_poll = std::chrono::seconds(60)});
    worker.start();
    const long before = use_of(worker).sleeps;
    for (int i = 0; i < 100; ++i) use_of(worker);
    EXPECT_EQ(use_of(worker).sleeps, before);
}

TEST(Worker, BusyPollingFiresTimersInTime) {
    Worker worker({.name = "t", .busy_poll = std::chrono::seconds(60)});
    std::promise<void> fired;
    Timer timer([&] { fired.set_value(); });
    worker.start();
    worker.post([&] { worker.timers().arm_in(timer, milliseconds(1)); });
    EXPECT_EQ(fired.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
    worker.stop();
    worker.join();  // before the timer dies, which is the worker's
}

TEST(Worker, BusyPollingEndsInSleep) {
    Worker worker({.name = "t", .busy_poll = milliseconds(1)});
    worker.start();
    const pid_t thread = use_of(worker).thread;
    while (state_of_thread(thread) != 'S') std::this_thread::yield();
    EXPECT_GT(use_of(worker).sleeps, 0);
}

void expect_more_in_a_turn(Worker& worker, int times) {
    for (int i = 0; i < times; ++i) worker.post([&] { worker.expect_more(); });
    worker.turn_for_test(Clock::now());
}

TEST(Worker, GathersAfterATurnThatBeginsAFewOfMany) {
    Worker worker({.name = "t"});
    EXPECT_FALSE(worker.gathers());
    expect_more_in_a_turn(worker, 1);
    EXPECT_TRUE(worker.gathers());
    expect_more_in_a_turn(worker, 8);
    EXPECT_TRUE(worker.gathers());
    expect_more_in_a_turn(worker, 9);
    EXPECT_FALSE(worker.gathers()) << "it has enough at once";
    expect_more_in_a_turn(worker, 0);
    EXPECT_FALSE(worker.gathers());
}

TEST(Worker, DoesNotGatherWhilePolling) {
    Worker worker({.name = "t", .busy_poll = milliseconds(1)});
    expect_more_in_a_turn(worker, 1);
    EXPECT_FALSE(worker.gathers());
}

TEST(Worker, ThreadHasItsNameAndTakesNoSignals) {
    Worker worker({.index = 3, .name = "a-rather-long-thread-name"});
    worker.start();
    EXPECT_EQ(worker.index(), 3u);
    std::promise<std::pair<std::string, bool>> result;
    worker.post([&] {
        char name[16];
        sigset_t mask;
        pthread_getname_np(pthread_self(), name, sizeof(name));
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        result.set_value(
            {name, sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1});
    });
    auto [name, blocked] = result.get_future().get();
    EXPECT_EQ(name, "a-rather-long-t");
    EXPECT_TRUE(blocked);
}

TEST(Worker, IsPinnedToItsCpu) {
    int cpu = affinity_cpus().back();
    Worker worker({.name = "t", .cpu = cpu});
    worker.start();
    std::promise<std::vector<int>> mask;
    worker.post([&] { mask.set_value(affinity_cpus()); });
    EXPECT_EQ(mask.get_future().get(), std::vector<int>{cpu});
}

// What comes through memory, without a descriptor.
struct MemorySource final : EventSource {
    void take_events() override {
        taken = put.load();
        if (leave) leave->remove(*this);
    }
    bool has_events() const override { return put != taken; }
    bool may_sleep() override {
        ++asked;
        return !has_events();
    }
    std::atomic<int> put{0}, taken{0}, asked{0};
    Worker* leave = nullptr;
};

TEST(Worker, LooksAtSourcesOnceMoreBeforeItSleeps) {
    MemorySource source;
    Worker worker({.name = "t"});
    worker.add(source);
    source.put = 1;
    worker.start();
    while (source.taken != 1) std::this_thread::yield();
    EXPECT_GE(source.asked, 1);
    worker.stop();
    worker.join();
}

TEST(Worker, ThatPollsSeesSourcesWithoutBeingWoken) {
    MemorySource source;
    Worker worker({.name = "t", .busy_poll = std::chrono::hours(1)});
    worker.add(source);
    worker.start();
    worker.post([] {});
    for (int i = 1; i < 100; ++i) {
        source.put = i;
        while (source.taken != i) std::this_thread::yield();
    }
    worker.stop();
    worker.join();
}

TEST(Worker, ASourceMayLeaveWhileItTakesItsEvents) {
    MemorySource first, second;
    Worker worker({.name = "t"});
    worker.add(first);
    worker.add(second);
    first.leave = &worker;
    first.put = second.put = 1;
    worker.turn_for_test(at(1));
    first.put = second.put = 2;
    worker.turn_for_test(at(2));
    EXPECT_EQ(first.taken, 1);
    EXPECT_EQ(second.taken, 2);
}

}  // namespace
}  // namespace tgt::io
