// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

namespace tgt {
namespace {

struct Numbered : Task {
    int producer = 0;
    int number = 0;
};

TEST(Mailbox, TakesOldestFirst) {
    Mailbox box;
    std::array<Numbered, 3> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks[size_t(i)].number = i;
        box.push(tasks[size_t(i)]);
    }
    int expected = 0;
    for (Task* task = box.take_all(); task; task = task->next)
        EXPECT_EQ(static_cast<Numbered*>(task)->number, expected++);
    EXPECT_EQ(expected, 3);
    EXPECT_TRUE(box.empty());
    EXPECT_EQ(box.take_all(), nullptr);
}

TEST(Mailbox, KeepsTheOrderOfEachOfSeveralProducers) {
    constexpr int producers = 4, each = 5000;
    Mailbox box;
    std::vector<std::unique_ptr<Numbered[]>> tasks;
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p) tasks.push_back(std::make_unique<Numbered[]>(each));
    for (int p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                tasks[size_t(p)][size_t(i)].producer = p;
                tasks[size_t(p)][size_t(i)].number = i;
                box.push(tasks[size_t(p)][size_t(i)]);
            }
        });
    std::array<int, producers> next{};
    for (int received = 0; received < producers * each;) {
        for (Task* task = box.take_all(); task; task = task->next, ++received) {
            auto* item = static_cast<Numbered*>(task);
            ASSERT_EQ(item->number, next[size_t(item->producer)]++);
        }
        std::this_thread::yield();
    }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(box.empty());
}

}  // namespace
}  // namespace tgt
