// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_message.h"

#include <gtest/gtest.h>

#include "mgmt/isns_requests.h"

namespace tgt::mgmt {
namespace {

namespace isns = wire::isns;
using Bytes = std::vector<uint8_t>;

struct Pdu {
    uint16_t flags = isns::flag_first | isns::flag_last;
    uint16_t sequence = 0;
    Bytes payload = {};
    uint16_t transaction = 7;
    uint16_t function = 0x8002;
    uint16_t version = 1;
};

Bytes bytes_of(const Pdu& pdu) {
    isns::Header header;
    header.version = pdu.version;
    header.function = pdu.function;
    header.length = uint16_t(pdu.payload.size());
    header.flags = pdu.flags;
    header.transaction = pdu.transaction;
    header.sequence = pdu.sequence;
    const auto head = wire::bytes_of(header);
    Bytes out(head.begin(), head.end());
    out.insert(out.end(), pdu.payload.begin(), pdu.payload.end());
    return out;
}

class IsnsMessageTest : public ::testing::Test {
  protected:
    bool feed(const Bytes& bytes) {
        const auto good = assembler.feed(bytes, messages);
        if (!good) reason = good.error().text;
        return bool(good);
    }
    bool feed(const Pdu& pdu) { return feed(bytes_of(pdu)); }
    IsnsAssembler assembler{64};
    std::vector<IsnsMessage> messages;
    std::string reason;
};

TEST_F(IsnsMessageTest, MayComeByteByByte) {
    for (const uint8_t byte : bytes_of({.payload = {1, 2, 3, 4}})) EXPECT_TRUE(feed(Bytes{byte}));
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].payload, (Bytes{1, 2, 3, 4}));
    EXPECT_EQ(messages[0].transaction, 7);
    EXPECT_TRUE(messages[0].response());
}

TEST_F(IsnsMessageTest, TwoMayComeAtOnce) {
    Bytes both = bytes_of({});
    const Bytes second = bytes_of({.transaction = 8, .function = 8});
    both.insert(both.end(), second.begin(), second.end());
    EXPECT_TRUE(feed(both));
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_TRUE(messages[1].is(isns::Function::scn));
    EXPECT_FALSE(messages[1].response());
}

TEST_F(IsnsMessageTest, PayloadsOfSeveralPdusAreOneRfc4171_5_1_4) {
    EXPECT_TRUE(feed(Pdu{.flags = isns::flag_first, .payload = {1, 1, 1, 1}}));
    EXPECT_TRUE(messages.empty());
    EXPECT_TRUE(feed(Pdu{.flags = 0, .sequence = 1, .payload = {2, 2, 2, 2}}));
    EXPECT_TRUE(feed(Pdu{.flags = isns::flag_last, .sequence = 2, .payload = {3, 3, 3, 3}}));
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].payload, (Bytes{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}));
    EXPECT_TRUE(feed(Pdu{}));
    EXPECT_EQ(messages.size(), 2u);
}

TEST_F(IsnsMessageTest, PduOfAnotherMessageInBetweenIsNonsense) {
    EXPECT_TRUE(feed(Pdu{.flags = isns::flag_first}));
    EXPECT_FALSE(feed(Pdu{.sequence = 1, .transaction = 8}));
    EXPECT_NE(reason.find("does not belong"), std::string::npos);
}

TEST_F(IsnsMessageTest, LostPduIsNonsense) {
    EXPECT_TRUE(feed(Pdu{.flags = isns::flag_first}));
    EXPECT_FALSE(feed(Pdu{.sequence = 2}));
}

TEST_F(IsnsMessageTest, OtherVersionsAndSignedMessagesAreRefused) {
    EXPECT_FALSE(feed(Pdu{.version = 2}));
    EXPECT_NE(reason.find("version 2"), std::string::npos);
    assembler = IsnsAssembler(64);
    EXPECT_FALSE(feed(Pdu{.flags = isns::flag_authenticated}));
}

TEST_F(IsnsMessageTest, WhatIsKeptIsBounded) {
    EXPECT_FALSE(feed(Pdu{.payload = Bytes(68)}));
    assembler = IsnsAssembler(64);
    EXPECT_TRUE(feed(Pdu{.flags = 0, .payload = Bytes(64)}));
    EXPECT_FALSE(feed(Pdu{.flags = 0, .sequence = 1, .payload = Bytes(4)}));
    EXPECT_NE(reason.find("more than 64"), std::string::npos);
}

// --- requests of the server ----------------------------------------------------------------------

IsnsMessage request(isns::Function function, const std::function<void(isns::PduWriter&)>& fill) {
    Bytes memory(1000);
    isns::PduWriter pdu(memory, uint16_t(function), isns::flag_server, 9);
    fill(pdu);
    const auto made = pdu.finish();
    std::vector<IsnsMessage> out;
    EXPECT_TRUE(IsnsAssembler(1000).feed(made, out));
    return out.at(0);
}

IsnsMessage answer_to(const IsnsMessage& message, std::optional<std::string>* changed = nullptr) {
    const auto answered = isns_requests::answer(message);
    if (changed) *changed = answered.changed;
    std::vector<IsnsMessage> out;
    EXPECT_TRUE(IsnsAssembler(70000).feed(answered.bytes, out));
    return out.at(0);
}

TEST(IsnsRequestOfServer, ScnIsConfirmedWithItsDestinationRfc4171_5_7_5_8) {
    const auto scn = request(isns::Function::scn, [](isns::PduWriter& pdu) {
        pdu.text(isns::Tag::iscsi_name, "iqn.t:1")
            .number(isns::Tag::timestamp, 0)
            .text(isns::Tag::iscsi_name, "iqn.i:1")
            .number(isns::Tag::scn_bitmap, 8);
    });
    std::optional<std::string> changed;
    const IsnsMessage answer = answer_to(scn, &changed);
    EXPECT_EQ(changed, "iqn.t:1");
    EXPECT_EQ(answer.function, 0x8008);
    EXPECT_EQ(answer.transaction, 9);
    EXPECT_EQ(isns_requests::status_of(answer), 0u);
    EXPECT_EQ(Bytes(answer.payload.begin() + 4, answer.payload.end()),
              Bytes(scn.payload.begin(), scn.payload.begin() + 16));
}

TEST(IsnsRequestOfServer, ScnWithoutDestinationIsNotConfirmed) {
    const auto scn = request(isns::Function::scn,
                             [](isns::PduWriter& pdu) { pdu.number(isns::Tag::timestamp, 0); });
    EXPECT_EQ(isns_requests::status_of(answer_to(scn)), 2u);
}

TEST(IsnsRequestOfServer, EsiIsConfirmedWithAllItsAttributesRfc4171_5_7_5_13) {
    const auto esi = request(isns::Function::esi, [](isns::PduWriter& pdu) {
        pdu.number(isns::Tag::timestamp, 1)
            .text(isns::Tag::entity_id, "10.0.0.1")
            .number(isns::Tag::portal_port, 3260);
    });
    const IsnsMessage answer = answer_to(esi);
    EXPECT_EQ(answer.function, 0x800d);
    EXPECT_EQ(isns_requests::status_of(answer), 0u);
    EXPECT_EQ(Bytes(answer.payload.begin() + 4, answer.payload.end()), esi.payload);
}

TEST(IsnsRequestOfServer, OthersAreNotSupportedAndHeartbeatsNotAnswered) {
    const auto nothing = [](isns::PduWriter&) {};
    EXPECT_EQ(isns_requests::status_of(answer_to(request(isns::Function::dev_attr_reg, nothing))),
              15u);
    EXPECT_TRUE(isns_requests::answer(request(isns::Function::heartbeat, nothing)).bytes.empty());
}

}  // namespace
}  // namespace tgt::mgmt
