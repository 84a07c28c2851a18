// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/pdu_sender.h"

#include <gtest/gtest.h>

#include <string>

#include "driver/iscsi/pdu_receiver.h"

namespace tgt::iscsi {
namespace {

using Bytes = std::vector<uint8_t>;

// Takes at most `limit` bytes off the sender, as a socket would.
Bytes send(PduSender& sender, size_t limit, size_t iovecs = 64) {
    std::vector<iovec> iov(iovecs);
    const size_t count = sender.want(iov);
    Bytes bytes;
    for (size_t i = 0; i < count; ++i) {
        const auto* base = static_cast<const uint8_t*>(iov[i].iov_base);
        EXPECT_NE(iov[i].iov_len, 0u);
        bytes.insert(bytes.end(), base, base + iov[i].iov_len);
    }
    if (bytes.size() > limit) bytes.resize(limit);
    sender.advance(bytes.size());
    return bytes;
}

struct Log {
    std::vector<std::pair<uint64_t, bool>> sent;
    PduSender* again = nullptr;
    SentHook hook(uint64_t number) {
        return {[](void* context, uint64_t argument, bool delivered) {
                    auto* log = static_cast<Log*>(context);
                    log->sent.emplace_back(argument, delivered);
                    if (log->again != nullptr)
                        std::exchange(log->again, nullptr)->queue(wire::NopInPdu{});
                },
                this, number};
    }
};

wire::NopInPdu ping(uint32_t tag) {
    wire::NopInPdu pdu;
    pdu.initiator_task_tag = tag;
    return pdu;
}

TEST(PduSender, ManyPdusLeaveWithOneSend) {
    PduSender sender;
    Log log;
    for (uint32_t i = 0; i < 10; ++i) sender.queue(ping(i), {}, log.hook(i));
    EXPECT_EQ(sender.pdus(), 10u);
    EXPECT_EQ(sender.bytes(), 480u);
    const Bytes bytes = send(sender, 1000);
    EXPECT_EQ(bytes.size(), 480u);
    EXPECT_EQ(bytes[9 * 48 + 19], 9);
    EXPECT_TRUE(sender.empty());
    EXPECT_EQ(sender.bytes(), 0u);
    ASSERT_EQ(log.sent.size(), 10u);
    for (uint64_t i = 0; i < 10; ++i) EXPECT_EQ(log.sent[i], std::make_pair(i, true));
    iovec iov[4];
    EXPECT_EQ(sender.want(iov), 0u);
}

TEST(PduSender, LengthsAndPaddingAreWritten) {
    PduSender sender;
    uint8_t data[5] = {1, 2, 3, 4, 5};
    const iovec segments[] = {{data, 2}, {data + 2, 0}, {data + 2, 3}};
    const uint8_t ahs[8] = {0, 5, 2};
    sender.queue(ping(1), segments, {}, ahs);
    const Bytes bytes = send(sender, 1000);
    ASSERT_EQ(bytes.size(), 48u + 8 + 8);
    EXPECT_EQ(bytes[4], 2);
    EXPECT_EQ(bytes[7], 5);
    EXPECT_EQ(bytes[48 + 2], 2);
    EXPECT_EQ(Bytes(bytes.begin() + 56, bytes.end()), (Bytes{1, 2, 3, 4, 5, 0, 0, 0}));
}

TEST(PduSender, AHookRunsWhenTheLastByteHasLeft) {
    for (size_t step = 1; step < 60; ++step) {
        PduSender sender;
        Log log;
        std::string text = "hello";
        const iovec segment{text.data(), text.size()};
        sender.queue(ping(1), {&segment, 1}, log.hook(1));
        sender.queue(ping(2), {}, log.hook(2));
        size_t total = 0;
        while (!sender.empty()) {
            total += send(sender, step, 2).size();
            EXPECT_EQ(log.sent.size(), total >= 104 ? 2u : total >= 56 ? 1u : 0u);
            EXPECT_EQ(sender.bytes(), 104 - total);
        }
        EXPECT_EQ(total, 104u);
    }
}

TEST(PduSender, AHookMayQueueMore) {
    PduSender sender;
    Log log;
    log.again = &sender;
    sender.queue(ping(1), {}, log.hook(1));
    sender.queue(ping(2), {}, log.hook(2));
    send(sender, 60);  // the first and a part of the second
    EXPECT_EQ(log.sent.size(), 1u);
    EXPECT_EQ(sender.pdus(), 2u);
    EXPECT_EQ(sender.bytes(), 96u - 12);
    EXPECT_EQ(send(sender, 1000).size(), 84u);
    EXPECT_TRUE(sender.empty());
}

TEST(PduSender, ClearTellsEveryHookThatItWasNotDelivered) {
    PduSender sender;
    Log log;
    sender.queue(ping(1), {}, log.hook(1));
    sender.queue(ping(2), {}, log.hook(2));
    send(sender, 50);
    sender.clear();
    EXPECT_EQ(log.sent, (std::vector<std::pair<uint64_t, bool>>{{1, true}, {2, false}}));
    EXPECT_TRUE(sender.empty());
    EXPECT_EQ(sender.bytes(), 0u);
    sender.queue(ping(3));
    EXPECT_EQ(send(sender, 100).size(), 48u);
}

TEST(PduSender, CopiedDataNeedsNoOwner) {
    PduSender sender;
    {
        const Bytes sense = {0, 18, 0x70};
        sender.queue_copy(ping(1), sense);
    }
    const Bytes bytes = send(sender, 100);
    ASSERT_EQ(bytes.size(), 52u);
    EXPECT_EQ(bytes[50], 0x70);
    sender.queue_copy(ping(2), {});
    EXPECT_EQ(send(sender, 100).size(), 48u);
}

TEST(PduSender, Rfc7143_11_2_3_ItsDigestsSatisfyTheReceiver) {
    PduSender sender;
    sender.queue(ping(1));  // before digests: the final Login Response goes out without them
    sender.set_digests(true, true);
    std::string text = "seven b";
    const iovec segments[] = {{text.data(), 3}, {text.data() + 3, 4}};
    const uint8_t ahs[4] = {1, 2, 3, 4};
    sender.queue(ping(2), segments, {}, ahs);
    sender.queue(ping(3));
    const Bytes bytes = send(sender, 1000);
    ASSERT_EQ(bytes.size(), 48u + (48 + 4 + 4 + 8 + 4) + 52);

    PduReceiver receiver;
    iovec iov[2];
    ASSERT_EQ(receiver.want(iov), 1u);
    std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(iov[0].iov_base));
    receiver.advance(bytes.size());
    for (uint32_t tag = 1; tag <= 3; ++tag) {
        ASSERT_EQ(receiver.next(), PduEvent::header) << pdu_error_name(receiver.error());
        ASSERT_EQ(receiver.next(), PduEvent::pdu);
        EXPECT_EQ(receiver.bhs().initiator_task_tag.get(), tag);
        EXPECT_TRUE(receiver.data_digest_ok());
        EXPECT_EQ(receiver.data().size(), tag == 2 ? 7u : 0u);
        receiver.set_digests(true, true);
    }
}

TEST(PduSender, FewIovecsTakeWhatFits) {
    PduSender sender;
    Bytes data(100);
    std::vector<iovec> segments;
    for (size_t i = 0; i < 100; ++i) segments.push_back({&data[i], 1});
    sender.queue(ping(1), segments);
    size_t total = 0;
    while (!sender.empty()) total += send(sender, 1000, 7).size();
    EXPECT_EQ(total, 148u);
}

}  // namespace
}  // namespace tgt::iscsi
