// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/pdu_receiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"

namespace tgt::iscsi {
namespace {

using Bytes = std::vector<uint8_t>;

void append_digest(Bytes& bytes, uint32_t crc) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(crc >> (8 * i)));
}

struct PduSpec {
    wire::Opcode opcode = wire::Opcode::nop_out;
    uint32_t tag = 1;
    size_t data = 0;
    size_t ahs = 0;
    bool final = true;
    bool header_digest = false;
    bool data_digest = false;
    uint8_t seed = 0;
};

Bytes payload(const PduSpec& spec) {
    Bytes data(spec.data);
    for (size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<uint8_t>(spec.seed + i * 7 + i / 256);
    return data;
}

Bytes make(const PduSpec& spec) {
    wire::Bhs bhs;
    bhs.opcode_byte = static_cast<uint8_t>(spec.opcode);
    bhs.flags = spec.final ? 0x80 : 0;
    bhs.total_ahs_length = static_cast<uint8_t>(spec.ahs / 4);
    bhs.data_segment_length = static_cast<uint32_t>(spec.data);
    bhs.initiator_task_tag = spec.tag;
    const auto header = wire::bytes_of(bhs);
    Bytes bytes(header.begin(), header.end());
    for (size_t i = 0; i < spec.ahs; ++i) bytes.push_back(static_cast<uint8_t>(0xa0 + i));
    if (spec.header_digest) append_digest(bytes, crc32c(bytes.data(), bytes.size()));
    if (spec.data == 0) return bytes;
    Bytes data = payload(spec);
    data.resize(data.size() + wire::padding(spec.data));
    const uint32_t crc = crc32c(data.data(), data.size());
    bytes.insert(bytes.end(), data.begin(), data.end());
    if (spec.data_digest) append_digest(bytes, crc);
    return bytes;
}

// Feeds a stream in pieces of `piece` bytes, as a socket would; keeps what came out.
struct Stream {
    enum class Mode { keep, target, discard };

    PduReceiver receiver{4096};
    Bytes stream;
    size_t sent = 0;
    size_t piece = 1 << 20;
    size_t iovecs = 8;
    Mode mode = Mode::keep;
    size_t segment = 1000;  // target memory is cut into segments of this size

    struct Seen {
        uint32_t tag;
        Bytes ahs;
        Bytes data;
        bool digest_ok;
    };
    std::vector<Seen> seen;
    Bytes memory;
    std::vector<iovec> segments;
    bool error = false;

    void add(const Bytes& bytes) { stream.insert(stream.end(), bytes.begin(), bytes.end()); }
    void place() {
        if (mode == Mode::discard) receiver.discard_data();
        if (mode != Mode::target) return;
        memory.assign(receiver.data_length(), 0);
        segments.clear();
        for (size_t at = 0; at < memory.size(); at += segment)
            segments.push_back({memory.data() + at, std::min(segment, memory.size() - at)});
        receiver.set_data_target(segments);
    }
    void drain() {
        for (;;) {
            switch (receiver.next()) {
                case PduEvent::none:
                    return;
                case PduEvent::error:
                    error = true;
                    return;
                case PduEvent::header:
                    place();
                    break;
                case PduEvent::pdu: {
                    Bytes data = memory;
                    if (mode == Mode::keep)
                        data.assign(receiver.data().begin(), receiver.data().end());
                    if (mode == Mode::discard) data.clear();
                    seen.push_back({receiver.bhs().initiator_task_tag,
                                    Bytes(receiver.ahs().begin(), receiver.ahs().end()), data,
                                    receiver.data_digest_ok()});
                    break;
                }
            }
        }
    }
    // One receive; returns the bytes that went in.
    size_t receive() {
        std::vector<iovec> iov(iovecs);
        const size_t count = receiver.want(iov);
        EXPECT_NE(count, 0u);
        size_t left = std::min(piece, stream.size() - sent);
        size_t got = 0;
        for (size_t i = 0; i < count && left != 0; ++i) {
            const size_t part = std::min(left, iov[i].iov_len);
            std::memcpy(iov[i].iov_base, stream.data() + sent, part);
            sent += part;
            got += part;
            left -= part;
        }
        receiver.advance(got);
        drain();
        return got;
    }
    void run() {
        while (!error && sent < stream.size() && receive() != 0) {
        }
    }
};

TEST(PduReceiver, ManyHeadersComeOutOfOneReceive) {
    Stream stream;
    for (uint32_t tag = 0; tag < 60; ++tag)
        stream.add(make({.opcode = wire::Opcode::scsi_command, .tag = tag}));
    EXPECT_EQ(stream.receive(), 60u * 48);
    ASSERT_EQ(stream.seen.size(), 60u);
    EXPECT_EQ(stream.seen[59].tag, 59u);
    EXPECT_EQ(stream.receiver.buffered(), 0u);
}

TEST(PduReceiver, EveryCuttingOfTheStreamGivesTheSamePdus) {
    for (const auto mode : {Stream::Mode::keep, Stream::Mode::target, Stream::Mode::discard}) {
        for (const bool digests : {false, true}) {
            for (const size_t piece : {1u, 2u, 3u, 7u, 47u, 48u, 49u, 52u, 100u, 1021u, 5000u}) {
                for (const size_t iovecs : {2u, 3u, 16u}) {
                    Stream stream;
                    stream.mode = mode;
                    stream.piece = piece;
                    stream.iovecs = iovecs;
                    stream.segment = 333;
                    stream.receiver.set_digests(digests, digests);
                    std::vector<PduSpec> specs;
                    for (size_t data : {0u, 1u, 2u, 3u, 4u, 512u, 2047u, 0u, 4000u}) {
                        PduSpec spec{.opcode = wire::Opcode::data_out,
                                     .tag = static_cast<uint32_t>(specs.size()),
                                     .data = data,
                                     .ahs = specs.size() % 3 * 8,
                                     .final = specs.size() % 2 == 0,
                                     .header_digest = digests,
                                     .data_digest = digests,
                                     .seed = static_cast<uint8_t>(data)};
                        specs.push_back(spec);
                        stream.add(make(spec));
                    }
                    stream.run();
                    SCOPED_TRACE(piece * 100 + iovecs);
                    ASSERT_FALSE(stream.error) << pdu_error_name(stream.receiver.error());
                    ASSERT_EQ(stream.seen.size(), specs.size());
                    for (size_t i = 0; i < specs.size(); ++i) {
                        EXPECT_EQ(stream.seen[i].tag, specs[i].tag);
                        EXPECT_EQ(stream.seen[i].ahs.size(), specs[i].ahs);
                        EXPECT_TRUE(stream.seen[i].digest_ok);
                        if (mode != Stream::Mode::discard) {
                            EXPECT_EQ(stream.seen[i].data, payload(specs[i])) << i;
                        }
                    }
                }
            }
        }
    }
}

TEST(PduReceiver, LargePayloadGoesStraightIntoTheTarget) {
    Stream stream;
    stream.mode = Stream::Mode::target;
    stream.segment = 65536;
    stream.receiver.set_limits({.max_data = 262144});
    const PduSpec spec{.opcode = wire::Opcode::data_out, .data = 200000};
    stream.add(make(spec));
    stream.add(make({.tag = 2}));
    stream.receive();  // the scratch: header and the first bytes
    iovec iov[8];
    ASSERT_EQ(stream.receiver.want(iov), 5u);
    const size_t already = 4096 - 48;
    EXPECT_EQ(iov[0].iov_base, stream.memory.data() + already);
    EXPECT_EQ(iov[0].iov_len + iov[1].iov_len + iov[2].iov_len + iov[3].iov_len, 200000 - already);
    stream.receive();  // rest of the payload and, behind it, the next PDU
    ASSERT_EQ(stream.seen.size(), 2u);
    EXPECT_EQ(stream.seen[0].data, payload(spec));
}

TEST(PduReceiver, InsideABurstOnlyTheNextHeaderIsReadAhead) {
    Stream stream;
    stream.mode = Stream::Mode::target;
    stream.receiver.set_limits({.max_data = 262144});
    stream.add(make({.opcode = wire::Opcode::data_out, .data = 20001, .final = false}));
    stream.receive();
    std::vector<iovec> iov(64);
    const size_t count = stream.receiver.want(iov);
    EXPECT_EQ(iov[count - 1].iov_len, 3u + 48u);  // padding and the next header
}

TEST(PduReceiver, Rfc7143_7_7_HeaderDigestErrorEndsTheConnection) {
    for (size_t at : {0u, 20u, 47u, 48u, 51u}) {
        Stream stream;
        stream.receiver.set_digests(true, false);
        Bytes pdu = make({.header_digest = true});
        pdu[at] ^= 0x10;
        stream.add(pdu);
        stream.run();
        EXPECT_TRUE(stream.error) << at;
        EXPECT_EQ(stream.receiver.error(), PduError::header_digest);
        EXPECT_TRUE(stream.seen.empty());
        iovec iov[2];
        EXPECT_EQ(stream.receiver.want(iov), 0u);
        EXPECT_EQ(stream.receiver.next(), PduEvent::error);
    }
}

TEST(PduReceiver, Rfc7143_7_7_HeaderDigestIsLookedAtBeforeTheLengths) {
    Stream stream;
    stream.receiver.set_digests(true, false);
    Bytes pdu = make({.header_digest = true});
    pdu[5] = 0xff;  // DataSegmentLength
    stream.add(pdu);
    stream.run();
    EXPECT_EQ(stream.receiver.error(), PduError::header_digest);
}

TEST(PduReceiver, Rfc7143_7_8_DataDigestErrorIsReportedWithThePdu) {
    for (const auto mode : {Stream::Mode::keep, Stream::Mode::target, Stream::Mode::discard}) {
        for (size_t at : {48u, 60u, 149u, 150u, 152u, 155u}) {  // data, padding, digest
            Stream stream;
            stream.mode = mode;
            stream.piece = 50;
            stream.receiver.set_digests(false, true);
            Bytes pdu = make({.data = 102, .data_digest = true});
            pdu[at] ^= 1;
            stream.add(pdu);
            stream.add(make({.tag = 2, .data = 5, .data_digest = true}));
            stream.run();
            ASSERT_EQ(stream.seen.size(), 2u);
            EXPECT_FALSE(stream.seen[0].digest_ok) << at;
            EXPECT_TRUE(stream.seen[1].digest_ok);
        }
    }
}

TEST(PduReceiver, Rfc7143_13_12_MoreDataThanDeclaredIsAnError) {
    Stream fits;
    fits.receiver.set_limits({.max_data = 512});
    fits.add(make({.data = 512}));
    fits.run();
    EXPECT_EQ(fits.seen.size(), 1u);
    Stream over;
    over.receiver.set_limits({.max_data = 512});
    over.add(make({.data = 513}));
    over.run();
    EXPECT_TRUE(over.error);
    EXPECT_EQ(over.receiver.error(), PduError::data_too_long);
}

TEST(PduReceiver, AnImpossibleLengthIsFoundBeforeTheRestOfTheHeaderCame) {
    Stream stream;
    stream.receiver.set_limits({.max_data = 512});
    const std::string text = "GET / HTTP/1.1\r\nHost: 127.0.0.1:3260\r\nAccept: */*\r\n\r\n";
    stream.add({text.begin(), text.end()});
    stream.run();
    EXPECT_EQ(stream.receiver.error(), PduError::data_too_long);
}

TEST(PduReceiver, AhsIsBounded) {
    Stream whole;
    whole.add(make({.ahs = wire::max_ahs_size}));
    whole.run();
    ASSERT_EQ(whole.seen.size(), 1u);
    EXPECT_EQ(whole.seen[0].ahs.size(), wire::max_ahs_size);
    Stream over;
    over.receiver.set_limits({.max_data = 8192, .max_ahs = 256});
    over.add(make({.ahs = 260}));
    over.run();
    EXPECT_EQ(over.receiver.error(), PduError::ahs_too_long);
}

TEST(PduReceiver, DataWithoutAPlaceIsAnErrorAndNeverOverruns) {
    Stream stream;
    stream.receiver.set_limits({.max_data = 262144});
    stream.add(make({.data = 4097}));
    stream.run();
    EXPECT_EQ(stream.receiver.error(), PduError::no_place_for_data);
    Stream full;  // exactly the scratch
    full.receiver.set_limits({.max_data = 262144});
    full.add(make({.data = 4096}));
    full.run();
    EXPECT_EQ(full.seen.size(), 1u);
}

TEST(PduReceiver, DigestsBeginWithTheNextPdu) {
    // The end of login: the next PDU is in the scratch already when digests come into force.
    Stream stream;
    stream.add(make({.opcode = wire::Opcode::login_request, .data = 10}));
    stream.add(make({.tag = 2, .data = 10, .header_digest = true, .data_digest = true}));
    std::vector<iovec> iov(2);
    ASSERT_EQ(stream.receiver.want(iov), 1u);
    std::memcpy(iov[0].iov_base, stream.stream.data(), stream.stream.size());
    stream.receiver.advance(stream.stream.size());
    ASSERT_EQ(stream.receiver.next(), PduEvent::header);
    ASSERT_EQ(stream.receiver.next(), PduEvent::pdu);
    stream.receiver.set_digests(true, true);
    PduReceiver moved = std::move(stream.receiver);  // to another worker, read-ahead and all
    ASSERT_EQ(moved.next(), PduEvent::header);
    ASSERT_EQ(moved.next(), PduEvent::pdu);
    EXPECT_TRUE(moved.data_digest_ok());
    EXPECT_EQ(moved.bhs().initiator_task_tag.get(), 2u);
    EXPECT_EQ(moved.next(), PduEvent::none);
}

TEST(PduReceiver, AnAbandonedTargetIsNotTouchedAgain) {
    Stream stream;
    stream.mode = Stream::Mode::target;
    stream.receiver.set_digests(false, true);
    stream.piece = 1000;
    stream.receiver.set_limits({.max_data = 65536});
    stream.add(make({.opcode = wire::Opcode::data_out, .data = 5000, .data_digest = true}));
    stream.add(make({.tag = 2}));
    stream.receive();
    stream.receive();
    ASSERT_TRUE(stream.receiver.receiving_data());
    stream.receiver.abandon_data();
    const Bytes before = stream.memory;
    stream.run();
    EXPECT_EQ(stream.memory.size(), 0u) << "second PDU had its own (empty) target";
    ASSERT_EQ(stream.seen.size(), 2u);
    EXPECT_EQ(stream.seen[0].data, before);
    EXPECT_TRUE(stream.seen[0].digest_ok);
}

}  // namespace
}  // namespace tgt::iscsi
