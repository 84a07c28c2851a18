// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "fake_netlink.h"
#include "ipc/netlink/client.h"

using namespace tgt;
using namespace tgt::ipc;

namespace {

NetlinkRecord everything() {
    NetlinkRecord out(TGT_NL_HOST_GET);
    uint64_t number = 3;
    for (const NetlinkAttribute& row : netlink_attributes()) {
        using Kind = NetlinkAttribute::Kind;
        if (row.kind == Kind::text)
            out.set(row.number, std::string_view(row.name));
        else if (row.kind == Kind::bytes)
            out.set(row.number, std::span<const uint8_t>(Bytes(row.length, uint8_t(number++))));
        else
            out.set(row.number, row.kind == Kind::flag ? 1 : number++);
    }
    return out.set(TGT_NL_A_IN_BYTES, UINT64_MAX);
}

NetlinkIncoming only(const std::vector<NetlinkIncoming>& all) {
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? NetlinkIncoming() : all.front();
}

}  // namespace

TEST(NetlinkRecord, EveryAttributeComesBackAsItWas) {
    const auto back = only(decode_netlink(FakeKernel::message(7, 0, everything()), 0x21));
    EXPECT_EQ(back.kind, NetlinkIncoming::Kind::record);
    EXPECT_EQ(back.sequence, 7U);
    EXPECT_EQ(back.record, everything());
}

TEST(NetlinkRecord, AnotherFamilysMessageIsNotTaken) {
    const auto message = FakeKernel::message(7, 0, everything());
    EXPECT_EQ(only(decode_netlink(message, 0x22)).kind, NetlinkIncoming::Kind::other);
    EXPECT_EQ(only(decode_netlink(message, 0)).kind, NetlinkIncoming::Kind::other);
}

TEST(NetlinkRecord, WhatHasAnotherLengthIsNotThere) {
    Bytes message = FakeKernel::message(7, 0, NetlinkRecord().set(TGT_NL_A_HOST, 5));
    const uint16_t shorter = NLA_HDRLEN + 2;
    std::memcpy(message.data() + NLMSG_HDRLEN + GENL_HDRLEN, &shorter, sizeof(shorter));
    EXPECT_FALSE(only(decode_netlink(message, 0x21)).record.has(TGT_NL_A_HOST));
}

TEST(NetlinkRecord, NothingBehindTheEndIsRead) {
    const Bytes message = FakeKernel::message(7, 0, everything());
    for (size_t length = 0; length < message.size(); ++length)
        EXPECT_TRUE(decode_netlink(std::span(message).first(length), 0x21).empty()) << length;
}

TEST(NetlinkRecord, ATextEndsAtItsZeroAndHasABound) {
    const std::string longest(TGT_NL_MAX_NAME + 40, 'a');
    auto record = NetlinkRecord().set(TGT_NL_A_INITIATOR, std::string_view(longest));
    record.set(TGT_NL_A_LLD, std::string_view("lo\0op", 5));
    const auto back = only(decode_netlink(FakeKernel::message(7, 0, record), 0x21)).record;
    EXPECT_EQ(back.text(TGT_NL_A_INITIATOR).size(), size_t(TGT_NL_MAX_NAME));
    EXPECT_EQ(back.text(TGT_NL_A_LLD), "lo");
}

TEST(NetlinkClient, FindsTheFamilyAndAsks) {
    FakeKernel kernel;
    kernel.hosts = {FakeKernel::host(1), FakeKernel::host(4)};
    NetlinkClient client(std::make_unique<FakeLink>(kernel));
    ASSERT_TRUE(client.connect());
    const auto all = client.call(NetlinkRecord(TGT_NL_HOST_GET), true);
    ASSERT_TRUE(all);
    EXPECT_EQ(*all, kernel.hosts);
    const auto made = client.call(NetlinkRecord(TGT_NL_HOST_NEW).set(TGT_NL_A_HOST, 3), false);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->at(0).number(TGT_NL_A_HOST), 3U);
}

TEST(NetlinkClient, WithoutTheModuleThereIsNoFamily) {
    FakeKernel kernel;
    kernel.loaded = false;
    NetlinkClient client(std::make_unique<FakeLink>(kernel));
    const auto connected = client.connect();
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().code, ENOENT);
}

TEST(NetlinkClient, ARefusalHasTheKernelsWords) {
    FakeKernel kernel;
    NetlinkClient client(std::make_unique<FakeLink>(kernel));
    ASSERT_TRUE(client.connect());
    kernel.refuse = EBUSY;
    auto answer = client.call(NetlinkRecord(TGT_NL_HOST_DEL).set(TGT_NL_A_HOST, 3), false);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, EBUSY);
    EXPECT_EQ(answer.error().text, std::strerror(EBUSY));
    kernel.refuse_text = "host 3 has disks that are in use";
    answer = client.call(NetlinkRecord(TGT_NL_HOST_DEL).set(TGT_NL_A_HOST, 3), false);
    EXPECT_EQ(answer.error().text, kernel.refuse_text);
}

TEST(NetlinkClient, FollowsEventsUntilTheFamilyGoes) {
    FakeKernel kernel;
    NetlinkClient client(std::make_unique<FakeLink>(kernel));
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.listen());
    kernel.add_host(2);
    kernel.remove_host(2);
    kernel.unload();
    std::vector<int> seen;
    const auto end = client.follow([&](const NetlinkRecord& record) {
        seen.push_back(record.command());
        return true;
    });
    EXPECT_EQ(seen, (std::vector<int>{TGT_NL_HOST_ADDED, TGT_NL_HOST_REMOVED}));
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, ENOENT);
}
