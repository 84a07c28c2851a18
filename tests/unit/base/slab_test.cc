// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/slab.h"

#include <gtest/gtest.h>

namespace tgt {
namespace {

struct Slot {
    int value = 7;
    int recycled = 0;
    void recycle() {
        value = 7;
        ++recycled;
    }
};

TEST(Slab, RecyclesWhatWasGivenBack) {
    Slab<Slot> slab;
    Slot* first = slab.take();
    first->value = 1;
    slab.give(first);
    Slot* again = slab.take();
    EXPECT_EQ(again, first);
    EXPECT_EQ(again->value, 7);
    EXPECT_EQ(again->recycled, 1);
}

TEST(Slab, ObjectsInUseAreDistinctAndCounted) {
    Slab<Slot> slab;
    Slot* a = slab.take();
    Slot* b = slab.take();
    EXPECT_NE(a, b);
    EXPECT_EQ(slab.in_use(), 2u);
    slab.give(a);
    EXPECT_EQ(slab.in_use(), 1u);
    slab.give(b);
    EXPECT_EQ(slab.in_use(), 0u);
}

}  // namespace
}  // namespace tgt
