// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/ring/ring.h"

#include <gtest/gtest.h>

#include "tests/unit/driver/kring/fake_kernel.h"

namespace tgt::ipc {
namespace {

using test::FakeAttachment;
using test::FakeKernel;

Result<std::unique_ptr<CommandRing>> make(FakeKernel& kernel) {
    const RingPlace place{1, 0, 0};
    return CommandRing::make(std::move(*kernel.open(place)), place);
}

TEST(CommandRing, AHeaderThatMakesNoSenseIsRefused) {
    using Change = void (*)(tgt_ring_header&);
    const std::vector<Change> changes = {
        [](tgt_ring_header& h) { h.magic = 0; },
        [](tgt_ring_header& h) { h.version = 2; },
        [](tgt_ring_header& h) { h.caps = 1; },
        [](tgt_ring_header& h) { h.host = 2; },
        [](tgt_ring_header& h) { h.queue = 1; },
        [](tgt_ring_header& h) { h.tags = 0; },
        [](tgt_ring_header& h) { h.tags = ~0u; },
        [](tgt_ring_header& h) { h.ring_entries = 0; },
        [](tgt_ring_header& h) { h.ring_entries = 63; },
        [](tgt_ring_header& h) { h.ring_entries = 16; },
        [](tgt_ring_header& h) { h.ring_entries = 1u << 31; },
        [](tgt_ring_header& h) { h.event_offset = 0; },
        [](tgt_ring_header& h) { h.event_offset = ~7u; },
        [](tgt_ring_header& h) { h.event_offset += 4; },
        [](tgt_ring_header& h) { h.desc_offset += 8; },
        [](tgt_ring_header& h) { h.desc_size = 376; },
        [](tgt_ring_header& h) { h.desc_size = ~7u; },
        [](tgt_ring_header& h) { h.reply_offset = 0; },
        [](tgt_ring_header& h) { h.slot_offset += 8; },
        [](tgt_ring_header& h) { h.slot_size = 568; },
        [](tgt_ring_header& h) { h.data_bytes += 1; },
    };
    for (const Change change : changes) {
        FakeKernel kernel;
        kernel.prepare = [&](FakeAttachment& fake) { change(fake.header()); };
        const auto ring = make(kernel);
        ASSERT_FALSE(ring) << &change - changes.data();
        EXPECT_EQ(ring.error().code, EPROTO);
        EXPECT_TRUE(kernel.last().closed);
    }
    FakeKernel kernel;
    EXPECT_TRUE(make(kernel));
}

TEST(CommandRing, EventsAreSeenByTheKernelAsTakenTogether) {
    FakeKernel kernel;
    auto ring = *make(kernel);
    EXPECT_FALSE(ring->has_events());
    for (uint32_t tag = 0; tag < 3; ++tag) kernel.last().event(tag, TGT_EVENT_NEW);
    EXPECT_TRUE(ring->has_events());
    EXPECT_EQ(kernel.last().seen(), 0u);
    std::vector<tgt_ring_event> events;
    ASSERT_TRUE(ring->take_events(events));
    EXPECT_EQ(events.size(), 3u);
    EXPECT_EQ(events[2].tag, 2u);
    EXPECT_EQ(kernel.last().seen(), 3u);
    EXPECT_FALSE(ring->has_events());
}

TEST(CommandRing, TheKernelWakesOnlyWhoIsAboutToSleep) {
    FakeKernel kernel;
    auto ring = *make(kernel);
    kernel.last().event(0, TGT_EVENT_NEW);
    EXPECT_EQ(kernel.last().wakeups, 0u);
    EXPECT_FALSE(ring->arm()) << "there is an event already";
    std::vector<tgt_ring_event> events;
    ASSERT_TRUE(ring->take_events(events));
    EXPECT_TRUE(ring->arm());
    kernel.last().event(1, TGT_EVENT_NEW);
    EXPECT_EQ(kernel.last().wakeups, 1u);
    ring->disarm();
    kernel.last().event(2, TGT_EVENT_NEW);
    EXPECT_EQ(kernel.last().wakeups, 1u);
}

TEST(CommandRing, AnIndexThatRanAwayIsAnError) {
    FakeKernel kernel;
    auto ring = *make(kernel);
    kernel.last().header().event_head = 65;
    std::vector<tgt_ring_event> events;
    EXPECT_FALSE(ring->take_events(events));
    EXPECT_TRUE(events.empty());
}

TEST(CommandRing, AFailureToOpenNamesTheDevice) {
    DeviceRingOpener opener("/nowhere/tgt");
    const auto end = opener.open({1, 0, 0});
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, ENOENT);
    EXPECT_NE(end.error().text.find("/nowhere/tgt"), std::string::npos);
}

}  // namespace
}  // namespace tgt::ipc
