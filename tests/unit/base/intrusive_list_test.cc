// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/intrusive_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace tgt {
namespace {

struct OtherList;
struct Item : ListHook<>, ListHook<OtherList> {
    explicit Item(int v) : value(v) {}
    int value;
};

std::vector<int> values(IntrusiveList<Item>& list) {
    std::vector<int> out;
    list.for_each([&](Item& item) { out.push_back(item.value); });
    return out;
}

TEST(IntrusiveList, KeepsOrderAtBothEnds) {
    Item a(1), b(2), c(3);
    IntrusiveList<Item> list;
    EXPECT_TRUE(list.empty());
    list.push_back(b);
    list.push_back(c);
    list.push_front(a);
    EXPECT_EQ(values(list), (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(list.front().value, 1);
    EXPECT_EQ(list.back().value, 3);
    EXPECT_EQ(list.size(), 3u);
}

TEST(IntrusiveList, PopFrontTakesTheOldestAndThenNothing) {
    Item a(1), b(2);
    IntrusiveList<Item> list;
    list.push_back(a);
    list.push_back(b);
    EXPECT_EQ(list.pop_front(), &a);
    EXPECT_FALSE(a.ListHook<>::linked());
    EXPECT_EQ(list.pop_front(), &b);
    EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(IntrusiveList, ElementLeavesWhenItDies) {
    Item a(1), c(3);
    auto b = std::make_unique<Item>(2);
    IntrusiveList<Item> list;
    list.push_back(a);
    list.push_back(*b);
    list.push_back(c);
    b.reset();
    EXPECT_EQ(values(list), (std::vector<int>{1, 3}));
}

TEST(IntrusiveList, ElementOutlivesTheList) {
    Item a(1);
    {
        IntrusiveList<Item> list;
        list.push_back(a);
    }
    EXPECT_FALSE(a.ListHook<>::linked());
}

TEST(IntrusiveList, VisitedElementMayBeRemoved) {
    Item a(1), b(2), c(3);
    IntrusiveList<Item> list;
    for (Item* item : {&a, &b, &c}) list.push_back(*item);
    int visited = 0;
    list.for_each([&](Item& item) {
        ++visited;
        if (item.value == 2) IntrusiveList<Item>::remove(item);
    });
    EXPECT_EQ(visited, 3);
    EXPECT_EQ(values(list), (std::vector<int>{1, 3}));
}

TEST(IntrusiveList, TagsMakeMembershipsIndependent) {
    Item a(1);
    IntrusiveList<Item> one;
    IntrusiveList<Item, OtherList> other;
    one.push_back(a);
    other.push_back(a);
    one.pop_front();
    EXPECT_TRUE(one.empty());
    EXPECT_EQ(&other.front(), &a);
}

TEST(IntrusiveList, FindIfGivesTheFirstMatchOrNull) {
    Item a(1), b(2), c(2);
    IntrusiveList<Item> list;
    for (Item* item : {&a, &b, &c}) list.push_back(*item);
    EXPECT_EQ(list.find_if([](Item& item) { return item.value == 2; }), &b);
    EXPECT_EQ(list.find_if([](Item& item) { return item.value == 9; }), nullptr);
}

}  // namespace
}  // namespace tgt
