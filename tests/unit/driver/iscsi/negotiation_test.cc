// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/negotiation.h"

#include <gtest/gtest.h>

namespace tgt::iscsi {
namespace {

using wire::LoginStage;

// One negotiation; text is written with '|' for NUL.
struct Side {
    Parameters target;
    NegotiationContext context;
    Negotiation negotiation;
    std::optional<std::string> problem;

    void start() { negotiation = Negotiation(target, context); }
    std::string say(std::string text, LoginStage stage = LoginStage::operational) {
        for (char& c : text)
            if (c == '|') c = '\0';
        TextBuilder out;
        problem = negotiation.process(*TextKeys::parse(text), stage, out);
        return bars(out.take());
    }
    std::string offer() {
        TextBuilder out;
        negotiation.offer(out);
        return bars(out.take());
    }
    uint32_t get(ParamId id) const { return negotiation.result().values.get(id); }
    static std::string bars(std::string text) {
        for (char& c : text)
            if (c == '\0') c = '|';
        return text;
    }
};

TEST(Negotiation, Rfc7143_13_EachKeyByItsOwnRule) {
    struct Case {
        const char* setting;  // of the target, "name=value" or empty
        const char* offered;
        const char* answer;
    };
    const Case cases[] = {
        {"", "MaxBurstLength=131072|", "MaxBurstLength=131072|"},
        {"", "MaxBurstLength=16776192|", "MaxBurstLength=262144|"},
        {"", "MaxBurstLength=511|", "MaxBurstLength=Reject|"},
        {"", "MaxBurstLength=abc|", "MaxBurstLength=Reject|"},
        {"", "MaxBurstLength=0x1000|", "MaxBurstLength=4096|"},
        {"", "InitialR2T=No|", "InitialR2T=Yes|"},
        {"InitialR2T=No", "InitialR2T=No|", "InitialR2T=No|"},
        {"InitialR2T=No", "InitialR2T=Yes|", "InitialR2T=Yes|"},
        {"", "InitialR2T=no|", "InitialR2T=Reject|"},
        {"", "ImmediateData=Yes|", "ImmediateData=Yes|"},
        {"ImmediateData=No", "ImmediateData=Yes|", "ImmediateData=No|"},
        {"", "ImmediateData=No|", "ImmediateData=No|"},
        {"", "DefaultTime2Wait=0|", "DefaultTime2Wait=2|"},
        {"", "DefaultTime2Wait=30|", "DefaultTime2Wait=30|"},
        {"", "DefaultTime2Retain=0|", "DefaultTime2Retain=0|"},
        {"", "DefaultTime2Retain=3601|", "DefaultTime2Retain=Reject|"},
        {"", "MaxOutstandingR2T=16|", "MaxOutstandingR2T=1|"},
        {"", "DataPDUInOrder=No|", "DataPDUInOrder=Yes|"},
        {"", "ErrorRecoveryLevel=2|", "ErrorRecoveryLevel=0|"},
        {"ErrorRecoveryLevel=2", "ErrorRecoveryLevel=2|", "ErrorRecoveryLevel=0|"},
        {"MaxConnections=8", "MaxConnections=4|", "MaxConnections=4|"},
        {"", "HeaderDigest=CRC32C,None|", "HeaderDigest=None|"},
        {"", "HeaderDigest=CRC32C|", "HeaderDigest=Reject|"},
        {"HeaderDigest=CRC32C", "HeaderDigest=None,CRC32C|", "HeaderDigest=CRC32C|"},
        {"HeaderDigest=CRC32C", "HeaderDigest=None|", "HeaderDigest=None|"},
        {"HeaderDigest=CRC32C,None", "HeaderDigest=None,CRC32C|", "HeaderDigest=None|"},
        {"DataDigest=CRC32C,None", "DataDigest=X-new,CRC32C,None|", "DataDigest=CRC32C|"},
        {"", "IFMarker=Yes|", "IFMarker=No|"},  // 13.25
        {"OFMarker=Yes", "OFMarker=Yes|", "OFMarker=No|"},
        {"", "OFMarkInt=2048~8192|", "OFMarkInt=Reject|"},
        {"", "RDMAExtensions=Yes|", "RDMAExtensions=No|"},  // TCP
        {"", "InitiatorRecvDataSegmentLength=8192|", "InitiatorRecvDataSegmentLength=Irrelevant|"},
        {"", "X-com.example.k=1|", "X-com.example.k=NotUnderstood|"},
        {"", "MaxQueueCmd=1|", "MaxQueueCmd=NotUnderstood|"},
        {"", "X-com.example.k=NotUnderstood|", ""},  // an answer is not answered
        {"", "TaskReporting=FastAbort,RFC3720|", "TaskReporting=RFC3720|"},
        {"", "TaskReporting=FastAbort|", "TaskReporting=Reject|"},
        {"", "MaxRecvDataSegmentLength=65536|", ""},  // declared, not answered
        {"", "MaxRecvDataSegmentLength=1|", "MaxRecvDataSegmentLength=Reject|"},
        {"", "InitiatorName=iqn.x|AuthMethod=None|CHAP_A=5|", ""},  // not ours
    };
    for (const Case& c : cases) {
        Side side;
        const std::string setting = c.setting;
        if (const size_t equals = setting.find('='); equals != std::string::npos) {
            ASSERT_TRUE(side.target.update(setting.substr(0, equals), setting.substr(equals + 1)));
        }
        side.start();
        EXPECT_EQ(side.say(c.offered), c.answer) << c.setting << " " << c.offered;
        EXPECT_FALSE(side.problem) << *side.problem;
    }
}

TEST(Negotiation, ResultsAreWhatWasAnswered) {
    Side side;
    ASSERT_TRUE(side.target.update("HeaderDigest", "CRC32C"));
    ASSERT_TRUE(side.target.update("InitialR2T", "No"));
    side.start();
    side.say(
        "HeaderDigest=CRC32C|InitialR2T=No|MaxBurstLength=8192|FirstBurstLength=4096|"
        "MaxRecvDataSegmentLength=65536|ImmediateData=No|");
    EXPECT_FALSE(side.negotiation.finish());
    EXPECT_TRUE(side.negotiation.result().header_digest());
    EXPECT_FALSE(side.negotiation.result().data_digest());
    EXPECT_EQ(side.get(ParamId::initial_r2t), 0u);
    EXPECT_EQ(side.get(ParamId::immediate_data), 0u);
    EXPECT_EQ(side.get(ParamId::max_burst_length), 8192u);
    EXPECT_EQ(side.get(ParamId::first_burst_length), 4096u);
    EXPECT_EQ(side.negotiation.result().send_limit, 65536u);
}

TEST(Negotiation, WithoutAWordTheStandardsDefaultsHold) {
    Side side;
    ASSERT_TRUE(side.target.update("MaxBurstLength", "1048576"));
    side.start();
    EXPECT_FALSE(side.negotiation.finish());
    EXPECT_EQ(side.negotiation.result().values, Parameters::standard());
    EXPECT_EQ(side.negotiation.result().send_limit, 8192u);
    EXPECT_EQ(side.negotiation.result().receive_limit, 8192u);
}

TEST(Negotiation, Rfc7143_6_3_TheSameKeyTwiceIsAViolation) {
    for (const char* key : {"MaxBurstLength=4096|", "HeaderDigest=None|", "TaskReporting=RFC3720|",
                            "MaxRecvDataSegmentLength=4096|", "IFMarkInt=1~2|"}) {
        Side side;
        side.start();
        side.say(key);
        ASSERT_FALSE(side.problem);
        side.say(key);
        EXPECT_TRUE(side.problem) << key;
    }
}

TEST(Negotiation, Rfc7143_6_2_AnswersAreNoOffers) {
    for (const char* value : {"Reject", "Irrelevant", "NotUnderstood"}) {
        Side side;
        side.start();
        side.say(std::string("MaxBurstLength=") + value + "|");
        EXPECT_TRUE(side.problem) << value;
    }
}

TEST(Negotiation, Rfc7143_13_14_FirstBurstIsHeldBelowMaxBurst) {
    Side side;
    side.start();
    EXPECT_EQ(side.say("FirstBurstLength=65536|MaxBurstLength=8192|"),
              "MaxBurstLength=8192|FirstBurstLength=8192|");
    EXPECT_FALSE(side.negotiation.finish());

    Side late;
    late.start();
    late.say("FirstBurstLength=65536|");
    late.say("MaxBurstLength=8192|");
    EXPECT_TRUE(late.negotiation.finish());

    Side silent;
    silent.start();
    silent.say("MaxBurstLength=8192|");
    EXPECT_FALSE(silent.negotiation.finish());
    EXPECT_EQ(silent.get(ParamId::first_burst_length), 8192u);
}

TEST(Negotiation, Rfc7143_13_DiscoverySessionsHaveIrrelevantKeys) {
    Side side;
    side.context.discovery = true;
    side.start();
    EXPECT_EQ(side.say("InitialR2T=No|MaxConnections=4|DefaultTime2Wait=0|HeaderDigest=None|"
                       "MaxRecvDataSegmentLength=32768|TaskReporting=RFC3720|"),
              "InitialR2T=Irrelevant|MaxConnections=Irrelevant|DefaultTime2Wait=2|"
              "HeaderDigest=None|TaskReporting=Irrelevant|");
    EXPECT_EQ(side.negotiation.result().send_limit, 32768u);
    EXPECT_EQ(side.get(ParamId::initial_r2t), 1u);
}

TEST(Negotiation, LeadingOnlyKeysAreIrrelevantOnALaterConnection) {
    Side side;
    side.context.leading = false;
    ASSERT_TRUE(side.target.update("MaxBurstLength", "4096"));
    side.start();
    EXPECT_EQ(side.say("MaxBurstLength=4096|DataDigest=None|"),
              "MaxBurstLength=Irrelevant|DataDigest=None|");
    EXPECT_EQ(side.offer(), "");
}

TEST(Negotiation, DigestsAreForcedOffWhereTheTransportHasNone) {
    Side side;
    ASSERT_TRUE(side.target.update("HeaderDigest", "CRC32C"));
    side.context.digests_allowed = false;
    side.start();
    EXPECT_EQ(side.say("HeaderDigest=CRC32C,None|"), "HeaderDigest=None|");
}

TEST(Negotiation, Rfc7145_6_IserKeysOnAnRdmaTransport) {
    Side side;
    side.context.rdma = true;
    side.start();
    EXPECT_EQ(side.say("RDMAExtensions=Yes|TargetRecvDataSegmentLength=65536|"
                       "MaxOutstandingUnexpectedPDUs=4|"),
              "RDMAExtensions=Yes|TargetRecvDataSegmentLength=65536|");
    EXPECT_EQ(side.get(ParamId::rdma_extensions), 1u);
    EXPECT_EQ(side.get(ParamId::max_outstanding_unexpected_pdus), 4u);
}

TEST(Negotiation, OperationalKeysInTheSecurityStageAreRefusedThere) {
    Side side;
    side.start();
    EXPECT_EQ(side.say("MaxBurstLength=4096|MaxRecvDataSegmentLength=65536|", LoginStage::security),
              "MaxBurstLength=Reject|");
    EXPECT_EQ(side.negotiation.result().send_limit, 65536u);              // Use: ALL
    EXPECT_EQ(side.say("MaxBurstLength=4096|"), "MaxBurstLength=4096|");  // its own stage
    EXPECT_FALSE(side.problem);
}

TEST(Negotiation, Rfc7143_13_12_MaxRecvMayBeDeclaredAgainInFullFeaturePhase) {
    Side side;
    side.start();
    side.say("MaxRecvDataSegmentLength=65536|");
    EXPECT_EQ(
        side.say("MaxRecvDataSegmentLength=4096|MaxBurstLength=4096|", LoginStage::full_feature),
        "MaxBurstLength=Reject|");
    EXPECT_FALSE(side.problem);
    EXPECT_EQ(side.negotiation.result().send_limit, 4096u);
}

TEST(Negotiation, WeDeclareMaxRecvOnce) {
    Side side;
    side.start();
    TextBuilder out;
    side.negotiation.declare(out);
    side.negotiation.declare(out);
    EXPECT_EQ(Side::bars(out.take()), "MaxRecvDataSegmentLength=262144|");
    EXPECT_EQ(side.negotiation.result().receive_limit, 262144u);
}

TEST(Negotiation, MaxXmitSettingBoundsWhatWeSend) {
    Side side;
    ASSERT_TRUE(side.target.update("MaxXmitDataSegmentLength", "16384"));
    side.start();
    side.say("MaxRecvDataSegmentLength=262144|");
    EXPECT_EQ(side.negotiation.result().send_limit, 16384u);
}

TEST(Negotiation, TheTargetOffersWhatTheDefaultsWouldExceedOnce) {
    Side side;
    ASSERT_TRUE(side.target.update("MaxBurstLength", "65536"));
    ASSERT_TRUE(side.target.update("FirstBurstLength", "4096"));
    ASSERT_TRUE(side.target.update("ImmediateData", "No"));
    ASSERT_TRUE(side.target.update("DefaultTime2Wait", "5"));
    side.start();
    side.say("FirstBurstLength=8192|");
    EXPECT_EQ(side.offer(), "ImmediateData=No|MaxBurstLength=65536|DefaultTime2Wait=5|");
    EXPECT_TRUE(side.negotiation.waiting());
    EXPECT_EQ(side.offer(), "");
    EXPECT_EQ(side.say("ImmediateData=No|MaxBurstLength=32768|DefaultTime2Wait=7|"), "");
    EXPECT_FALSE(side.problem);
    EXPECT_FALSE(side.negotiation.waiting());
    EXPECT_FALSE(side.negotiation.finish());
    EXPECT_EQ(side.get(ParamId::max_burst_length), 32768u);
    EXPECT_EQ(side.get(ParamId::default_time2wait), 7u);
    EXPECT_EQ(side.get(ParamId::immediate_data), 0u);
    side.say("MaxBurstLength=4096|");
    EXPECT_TRUE(side.problem);
}

TEST(Negotiation, AnOfferThatIsNotAnsweredLeavesTheStandardsValue) {
    Side side;
    ASSERT_TRUE(side.target.update("MaxBurstLength", "65536"));
    side.start();
    EXPECT_EQ(side.offer(), "MaxBurstLength=65536|");
    side.negotiation.withdraw_offers();
    EXPECT_EQ(side.offer(), "");
    EXPECT_FALSE(side.negotiation.waiting());
    EXPECT_FALSE(side.negotiation.finish());
    EXPECT_EQ(side.get(ParamId::max_burst_length), 262144u);
}

TEST(Negotiation, AnAnswerBeyondTheOfferIsAViolation) {
    for (const char* answer : {"MaxBurstLength=131072|", "MaxBurstLength=many|"}) {
        Side side;
        ASSERT_TRUE(side.target.update("MaxBurstLength", "65536"));
        side.start();
        EXPECT_EQ(side.offer(), "MaxBurstLength=65536|");
        side.say(answer);
        EXPECT_TRUE(side.problem) << answer;
    }
}

TEST(Negotiation, WhatIsNeverNegotiatedIsInForceAsTheTargetHasIt) {
    Side side;
    ASSERT_TRUE(side.target.update("MaxQueueCmd", "4"));
    ASSERT_TRUE(side.target.update("FirstBurstLength", "512"));
    side.start();
    EXPECT_EQ(side.get(ParamId::max_queue_cmd), 4u);
    EXPECT_EQ(side.get(ParamId::first_burst_length), 65536u) << "not before it is negotiated";
}

}  // namespace
}  // namespace tgt::iscsi
