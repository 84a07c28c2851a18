// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/parameters.h"

#include <gtest/gtest.h>

namespace tgt::iscsi {
namespace {

std::string lines(const Parameters& parameters) {
    std::string text;
    for (const auto& [name, value] : parameters.show()) text += name + "=" + value + "\n";
    return text;
}

TEST(Parameters, ShowPrintsTgtsDefaultsInTgtsOrder) {
    Parameters parameters;
    ASSERT_TRUE(parameters.update("nop_interval", "5"));
    ASSERT_TRUE(parameters.update("nop_count", "3"));
    EXPECT_EQ(lines(parameters),
              "nop_interval=5\nnop_count=3\nMaxRecvDataSegmentLength=8192\nHeaderDigest=None\n"
              "DataDigest=None\nInitialR2T=Yes\nMaxOutstandingR2T=1\nImmediateData=Yes\n"
              "FirstBurstLength=65536\nMaxBurstLength=262144\nDataPDUInOrder=Yes\n"
              "DataSequenceInOrder=Yes\nErrorRecoveryLevel=0\nIFMarker=No\nOFMarker=No\n"
              "DefaultTime2Wait=2\nDefaultTime2Retain=20\nOFMarkInt=Reject\nIFMarkInt=Reject\n"
              "MaxConnections=1\nRDMAExtensions=Yes\nTargetRecvDataSegmentLength=262144\n"
              "InitiatorRecvDataSegmentLength=262144\nMaxOutstandingUnexpectedPDUs=0\n"
              "MaxXmitDataSegmentLength=8192\nMaxQueueCmd=128\n");
}

TEST(Parameters, WhatTgtDoesNotHaveIsShownOnceItIsSet) {
    Parameters parameters;
    EXPECT_EQ(lines(parameters).find("timeout"), std::string::npos);
    EXPECT_EQ(parameters.get(ParamId::send_timeout), 30u);
    EXPECT_EQ(parameters.get(ParamId::data_out_timeout), 180u);
    ASSERT_TRUE(parameters.update("data_out_timeout", "60"));
    EXPECT_NE(lines(parameters).find("MaxQueueCmd=128\ndata_out_timeout=60\n"), std::string::npos);
    EXPECT_FALSE(parameters.update("send_timeout", "86401"));
}

TEST(Parameters, UpdateFindsNamesInAnyCase) {
    Parameters parameters;
    EXPECT_TRUE(parameters.update("maxburstLENGTH", "1048576"));
    EXPECT_EQ(parameters.get(ParamId::max_burst_length), 1048576u);
    EXPECT_TRUE(parameters.is_set(ParamId::max_burst_length));
    EXPECT_FALSE(parameters.is_set(ParamId::first_burst_length));
    EXPECT_EQ(parameters.update("NoSuchThing", "1").error().code, ENOENT);
}

// RFC 7143 13.1: markers are gone; tgt's users see whether the intervals were touched.
TEST(Parameters, MarkIntervalsTakeAnythingAndMeanNothing) {
    Parameters parameters;
    const auto shown = [&] {
        for (const auto& [name, value] : parameters.show())
            if (name == "OFMarkInt") return value;
        return std::string();
    };
    EXPECT_EQ(shown(), "Reject");
    for (const char* value : {"2048~4096", "Irrelevant", "0", "65536"})
        EXPECT_TRUE(parameters.update("OFMarkInt", value)) << value;
    EXPECT_EQ(shown(), "Irrelevant");
}

TEST(Parameters, UpdateChecksRangesAndSyntax) {
    struct Case {
        const char* name;
        const char* value;
        bool good;
    };
    const Case cases[] = {
        {"MaxRecvDataSegmentLength", "512", true},
        {"MaxRecvDataSegmentLength", "511", false},
        {"MaxRecvDataSegmentLength", "16777215", true},
        {"MaxRecvDataSegmentLength", "16777216", false},
        {"MaxRecvDataSegmentLength", "0x1000", true},  // C base detection
        {"MaxRecvDataSegmentLength", "010000", true},  // octal 4096
        {"MaxRecvDataSegmentLength", " 8192", true},   // strtol(3), as tgt
        {"MaxRecvDataSegmentLength", "8192k", true},   // the same: 8192
        {"MaxRecvDataSegmentLength", "k", false},
        {"MaxRecvDataSegmentLength", "256k", false},
        {"MaxRecvDataSegmentLength", "", false},
        {"MaxRecvDataSegmentLength", "-1", false},
        {"InitialR2T", "No", true},
        {"InitialR2T", "no", false},
        {"HeaderDigest", "CRC32C,None", true},
        {"HeaderDigest", "CRC32C", true},
        {"HeaderDigest", "MD5", false},
        {"HeaderDigest", "", false},
        {"MaxOutstandingR2T", "0", false},
        {"MaxOutstandingR2T", "65535", true},
        {"DefaultTime2Wait", "3600", true},
        {"DefaultTime2Wait", "3601", false},
        {"ErrorRecoveryLevel", "2", true},
        {"ErrorRecoveryLevel", "3", false},
        {"MaxOutstandingUnexpectedPDUs", "0", true},
        {"MaxOutstandingUnexpectedPDUs", "1", false},  // RFC 7145 6.7
        {"MaxOutstandingUnexpectedPDUs", "4294967295", true},
        {"MaxQueueCmd", "512", true},
        {"MaxQueueCmd", "513", false},
        {"MaxQueueCmd", "0", false},
    };
    for (const Case& c : cases) {
        Parameters parameters;
        const auto result = parameters.update(c.name, c.value);
        EXPECT_EQ(result.has_value(), c.good) << c.name << "=" << c.value;
        if (!result) {
            EXPECT_EQ(result.error().code, EINVAL);
            EXPECT_EQ(parameters, Parameters()) << "a refused value changes nothing";
        }
    }
    Parameters parameters;
    ASSERT_TRUE(parameters.update("MaxRecvDataSegmentLength", "010000"));
    EXPECT_EQ(parameters.get(ParamId::max_recv_data_segment_length), 4096u);
}

TEST(Parameters, DigestListsShowAsCrc32cWhenTheyContainIt) {
    Parameters parameters;
    ASSERT_TRUE(parameters.update("DataDigest", "None,CRC32C"));
    EXPECT_NE(lines(parameters).find("DataDigest=CRC32C\n"), std::string::npos);
}

TEST(Parameters, DeclaredMaxRecvIsLargeUntilTheAdministratorSaysOtherwise) {
    Parameters parameters;
    EXPECT_EQ(parameters.get(ParamId::max_recv_data_segment_length), 8192u);
    EXPECT_EQ(parameters.declared_max_recv(), 262144u);
    ASSERT_TRUE(parameters.update("MaxRecvDataSegmentLength", "8192"));
    EXPECT_EQ(parameters.declared_max_recv(), 8192u);
}

TEST(Parameters, LocalParametersAreNotKeysOnTheWire) {
    EXPECT_EQ(find_wire_param("MaxQueueCmd"), nullptr);
    EXPECT_EQ(find_wire_param("nop_interval"), nullptr);
    EXPECT_EQ(find_wire_param("maxburstlength"), nullptr);
    ASSERT_NE(find_wire_param("MaxBurstLength"), nullptr);
}

}  // namespace
}  // namespace tgt::iscsi
