// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/pdu_reader.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/crc32c.h"

namespace tgt::bench {
namespace {

using Event = PduReader::Event;

void add_digest(std::vector<uint8_t>& stream, size_t from) {
    const uint32_t crc = crc32c(stream.data() + from, stream.size() - from);
    for (unsigned i = 0; i < 4; ++i) stream.push_back(static_cast<uint8_t>(crc >> 8 * i));
}

std::vector<uint8_t> data_in(uint32_t tag, size_t length, bool digests) {
    wire::DataInPdu pdu;
    pdu.initiator_task_tag = tag;
    pdu.data_segment_length = static_cast<uint32_t>(length);
    const auto header = wire::bytes_of(pdu);
    std::vector<uint8_t> stream(header.begin(), header.end());
    if (digests) add_digest(stream, 0);
    const size_t begin = stream.size();
    for (size_t i = 0; i < length; ++i) stream.push_back(static_cast<uint8_t>(i * 7 + tag));
    stream.resize(stream.size() + wire::padding(length));
    if (digests && length != 0) add_digest(stream, begin);
    return stream;
}

// Feeds a stream in pieces and writes down what was read: "tag:bytes;" for every PDU.
std::string read_all(PduReader& reader, std::span<const uint8_t> stream, size_t piece) {
    std::string seen;
    size_t bytes = 0;
    while (!stream.empty()) {
        auto input = stream.subspan(0, std::min(piece, stream.size()));
        stream = stream.subspan(input.size());
        for (Event event = reader.next(input); event != Event::more; event = reader.next(input)) {
            if (event == Event::error) return seen + reader.error();
            if (event == Event::data) bytes += reader.data().size();
            if (event != Event::end) continue;
            seen += std::to_string(reader.as<wire::DataInPdu>().initiator_task_tag) + ":" +
                    std::to_string(bytes) + ";";
            bytes = 0;
        }
    }
    return seen;
}

TEST(PduReaderTest, PiecesOfAnySizeGiveTheSamePdus) {
    for (const bool digests : {false, true}) {
        std::vector<uint8_t> stream;
        for (const size_t length : {0, 1, 4, 511, 0, 512})
            for (const uint8_t byte : data_in(static_cast<uint32_t>(length), length, digests))
                stream.push_back(byte);
        for (size_t piece = 1; piece <= stream.size(); ++piece) {
            PduReader reader;
            reader.set_digests(digests, digests);
            EXPECT_EQ(read_all(reader, stream, piece), "0:0;1:1;4:4;511:511;0:0;512:512;");
        }
    }
}

TEST(PduReaderTest, WrongDigestsAreSeen) {
    const auto damaged = [](size_t at) {
        std::vector<uint8_t> stream = data_in(1, 100, true);
        stream[at] ^= 1;
        PduReader reader;
        reader.set_digests(true, true);
        return read_all(reader, stream, stream.size());
    };
    EXPECT_EQ(damaged(20), "a header digest is wrong");
    EXPECT_EQ(damaged(60), "a data digest is wrong");
    EXPECT_EQ(damaged(155), "a data digest is wrong");
}

TEST(PduReaderTest, AnAdditionalHeaderIsAnError) {
    std::vector<uint8_t> stream = data_in(1, 0, false);
    stream[4] = 1;
    PduReader reader;
    EXPECT_EQ(read_all(reader, stream, 48), "the target sent an additional header");
}

}  // namespace
}  // namespace tgt::bench
