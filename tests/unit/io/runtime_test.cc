// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/runtime.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>

namespace tgt::io {
namespace {

TEST(Runtime, OnEveryWorkerRunsOnEachAndThenOnTheControlThread) {
    Runtime runtime({.workers = 3});
    runtime.start();
    std::array<std::atomic<int>, 3> visits{};
    std::atomic<int> elsewhere{0};
    std::promise<std::pair<int, bool>> done;
    runtime.on_every_worker(
        [&](Worker& worker) {
            ++visits[worker.index()];
            if (!worker.here()) ++elsewhere;
        },
        [&] {
            done.set_value({visits[0] + visits[1] + visits[2], runtime.control().here()});
        });
    auto [total, on_control] = done.get_future().get();
    EXPECT_EQ(total, 3);
    EXPECT_TRUE(on_control);
    EXPECT_EQ(elsewhere, 0);
    for (auto& count : visits) EXPECT_EQ(count, 1);
}

TEST(Runtime, HasAtLeastOneWorkerAndAControlThreadApart) {
    Runtime runtime({.workers = 0});
    EXPECT_EQ(runtime.worker_count(), 1u);
    EXPECT_EQ(runtime.worker(0).index(), 0u);
    EXPECT_NE(&runtime.control(), &runtime.worker(0));
}

TEST(Runtime, WorkersShareTheMemoryLimit) {
    Runtime runtime({.workers = 2, .memory_limit = size_t(8) << 20});
    Buffer four = runtime.worker(0).buffers().take(size_t(4) << 20);
    EXPECT_FALSE(four.empty());
    EXPECT_TRUE(runtime.worker(0).buffers().take(1).empty());
    EXPECT_FALSE(runtime.worker(1).buffers().take(1).empty());
}

TEST(Runtime, StopRunsWhatWorkersPostToTheControlThread) {
    Runtime runtime({.workers = 2});
    std::atomic<int> reported{0};
    runtime.start();
    for (unsigned i : {0u, 1u})
        runtime.worker(i).post([&] { runtime.control().post([&] { ++reported; }); });
    runtime.stop();
    EXPECT_EQ(reported, 2);
}

TEST(Runtime, DestructionWaitsForPoolTasksThatReportToAWorker) {
    struct Reporter : Task {
        Worker* worker = nullptr;
        std::atomic<bool>* go = nullptr;
    } task;
    std::atomic<bool> go{false};
    std::thread releaser;
    {
        Runtime runtime({.workers = 1});
        runtime.start();
        task.worker = &runtime.worker(0);
        task.go = &go;
        task.run = [](Task& self) {
            auto& reporter = static_cast<Reporter&>(self);
            while (!*reporter.go) std::this_thread::yield();
            reporter.worker->post([] {});
        };
        runtime.pool().submit(task);
        runtime.stop();
        releaser = std::thread([&] { go = true; });
    }
    EXPECT_TRUE(go);
    releaser.join();
}

TEST(Runtime, UsableCpusIsAtLeastOne) {
    EXPECT_GE(usable_cpus(), 1u);
}

}  // namespace
}  // namespace tgt::io
