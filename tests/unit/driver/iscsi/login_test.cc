// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/login.h"

#include <gtest/gtest.h>

#include "tests/unit/driver/iscsi/login_fixture.h"

namespace tgt::iscsi {
namespace {

using wire::LoginStatus;

TEST(Login, Rfc7143_6_1_SecurityThenOperationalThenFullFeature) {
    Login login;
    ASSERT_EQ(login.say(security_to_operational, normal_names), LoginEvent::send_response);
    EXPECT_EQ(login.answer(), "TargetPortalGroupTag=1|AuthMethod=None|");
    EXPECT_EQ(login.flags(), 0x81);
    const auto& first = login.machine.response();
    EXPECT_EQ(first.opcode_byte, 0x23);
    EXPECT_EQ(first.tsih.get(), 0);
    EXPECT_EQ(first.isid[0], 0x40);
    EXPECT_EQ(first.initiator_task_tag.get(), 0x1234u);
    EXPECT_EQ(first.stat_sn.get(), 500u);
    EXPECT_EQ(first.exp_cmd_sn.get(), 100u);
    EXPECT_EQ(first.data_segment_length.get(), login.machine.response_text().size());
    EXPECT_FALSE(login.saw_session);

    ASSERT_EQ(login.say(operational_to_full, "HeaderDigest=None|MaxRecvDataSegmentLength=65536|"),
              LoginEvent::established);
    EXPECT_EQ(login.answer(), "HeaderDigest=None|MaxRecvDataSegmentLength=262144|");
    EXPECT_EQ(login.flags(), 0x87);
    EXPECT_EQ(login.machine.response().tsih.get(), 7);
    EXPECT_EQ(login.machine.response().stat_sn.get(), 501u);
    EXPECT_EQ(login.machine.next_stat_sn(), 502u);
    EXPECT_EQ(login.machine.first_cmd_sn(), 100u);
    EXPECT_EQ(login.machine.result().send_limit, 65536u);
    EXPECT_EQ(login.machine.result().receive_limit, 262144u);
    EXPECT_EQ(login.machine.query().initiator_name, "iqn.i");
    EXPECT_EQ(login.machine.query().target_name, "iqn.t");
    EXPECT_FALSE(login.machine.query().discovery);
}

TEST(Login, Rfc7143_6_1_OperationalStageAloneAndSecurityStageAlone) {
    Login direct;
    EXPECT_EQ(direct.say(operational_to_full, plain_names), LoginEvent::established);
    EXPECT_EQ(direct.answer(), "TargetPortalGroupTag=1|MaxRecvDataSegmentLength=262144|");
    Login skip;
    EXPECT_EQ(skip.say(security_to_full, normal_names), LoginEvent::established);
    EXPECT_EQ(skip.flags(), 0x83);
    EXPECT_EQ(skip.find("MaxRecvDataSegmentLength"), "262144");
}

TEST(Login, PolicyAndSessionAreAwaited) {
    Login login;
    login.request.flags = operational_to_full;
    std::string text = Login::swap(plain_names, '|', '\0');
    ASSERT_EQ(login.machine.receive(login.request, text), LoginEvent::need_policy);
    ASSERT_EQ(login.machine.provide_policy({}), LoginEvent::need_session);
    EXPECT_EQ(login.machine.query().isid[5], 1);

    // Everything travels in a copy of the state: what a move to another worker does.
    LoginMachine moved = LoginMachine::restore(login.machine.snapshot(), counting_random);
    SessionGrant grant;
    grant.tsih = 9;
    grant.exp_cmd_sn = 300;
    grant.max_cmd_sn = 310;
    ASSERT_EQ(moved.provide_session(grant), LoginEvent::established);
    EXPECT_EQ(moved.response().tsih.get(), 9);
    EXPECT_EQ(moved.response().exp_cmd_sn.get(), 300u);
    EXPECT_EQ(moved.response().max_cmd_sn.get(), 310u);
    EXPECT_NE(moved.response_text().find("MaxRecv"), std::string::npos);
}

TEST(Login, AnswersOutOfTurnEndTheLogin) {
    Login login;
    login.expect_failed(login.machine.provide_policy({}), LoginStatus::target_error);
    Login other;
    other.request.flags = operational_to_full;
    ASSERT_EQ(other.machine.receive(other.request, Login::swap(plain_names, '|', '\0')),
              LoginEvent::need_policy);
    other.expect_failed(other.machine.receive(other.request, ""), LoginStatus::initiator_error);
    Login done;
    ASSERT_EQ(done.say(operational_to_full, plain_names), LoginEvent::established);
    done.expect_failed(done.say(operational_to_full), LoginStatus::initiator_error);
}

TEST(Login, Rfc7143_11_13_5_FirstRequestErrorsHaveTheirStatus) {
    struct Case {
        const char* name;
        void (*change)(wire::LoginRequestPdu&);
        const char* text;
        LoginStatus status;
    };
    const auto keep = [](wire::LoginRequestPdu&) {};
    const Case cases[] = {
        {"version", [](auto& r) { r.version_min = 1; }, plain_names,
         LoginStatus::unsupported_version},
        {"not immediate", [](auto& r) { r.opcode_byte = 0x03; }, plain_names,
         LoginStatus::initiator_error},
        {"zero ISID and TSIH", [](auto& r) { r.isid[0] = r.isid[5] = 0; }, plain_names,
         LoginStatus::missing_parameter},
        {"CSG 2", [](auto& r) { r.flags = 0x8b; }, plain_names, LoginStatus::initiator_error},
        {"CSG 3", [](auto& r) { r.flags = 0x0c; }, plain_names, LoginStatus::initiator_error},
        {"NSG 2", [](auto& r) { r.flags = 0x86; }, plain_names, LoginStatus::initiator_error},
        {"NSG is CSG", [](auto& r) { r.flags = 0x85; }, plain_names, LoginStatus::initiator_error},
        {"NSG backwards", [](auto& r) { r.flags = 0x84; }, plain_names,
         LoginStatus::initiator_error},
        {"T and C", [](auto& r) { r.flags = 0xc7; }, plain_names, LoginStatus::initiator_error},
        {"no initiator", keep, "TargetName=iqn.t|", LoginStatus::missing_parameter},
        {"no target", keep, "InitiatorName=iqn.i|", LoginStatus::missing_parameter},
        {"no text", keep, "", LoginStatus::missing_parameter},
        {"empty name", keep, "InitiatorName=|TargetName=iqn.t|", LoginStatus::initiator_error},
        {"bad target name", keep, "InitiatorName=i|TargetName=a b|", LoginStatus::initiator_error},
        {"session type", keep, "InitiatorName=i|TargetName=t|SessionType=Boot|",
         LoginStatus::session_type_not_supported},
        {"unterminated", keep, "InitiatorName=i", LoginStatus::initiator_error},
        {"duplicate", keep, "InitiatorName=i|InitiatorName=i|", LoginStatus::initiator_error},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        Login login;
        login.request.flags = operational_to_full;
        c.change(login.request);
        login.expect_failed(login.say(login.request.flags, c.text), c.status);
        EXPECT_FALSE(login.saw_policy);
        EXPECT_EQ(login.machine.response().stat_sn.get(), 500u);
        EXPECT_EQ(login.machine.response().initiator_task_tag.get(), 0x1234u);
    }
}

TEST(Login, Rfc7143_11_12_WhatMustNotChangeBetweenRequests) {
    void (*const changes[])(wire::LoginRequestPdu&) = {
        [](auto& r) { r.isid[2] = 9; },  [](auto& r) { r.tsih = 3; },
        [](auto& r) { r.cid = 3; },      [](auto& r) { r.initiator_task_tag = 3; },
        [](auto& r) { r.cmd_sn = 101; }, [](auto& r) { r.version_min = 0, r.opcode_byte = 0x04; },
    };
    for (const auto& change : changes) {
        Login login;
        ASSERT_EQ(login.say(security_to_operational, normal_names), LoginEvent::send_response);
        change(login.request);
        login.expect_failed(login.say(operational_to_full), LoginStatus::initiator_error);
    }
    // With TSIH the CmdSN belongs to a running session.
    Login joining;
    joining.request.tsih = 4;
    ASSERT_EQ(joining.say(security_to_operational, normal_names), LoginEvent::send_response);
    joining.request.cmd_sn = 109;
    EXPECT_EQ(joining.say(operational_to_full), LoginEvent::established);
}

TEST(Login, TheStageMovesOnlyTogether) {
    Login login;
    ASSERT_EQ(login.say(security_to_operational, normal_names), LoginEvent::send_response);
    login.expect_failed(login.say(stay_security), LoginStatus::initiator_error);
    Login early;
    ASSERT_EQ(early.say(stay_security, normal_names), LoginEvent::send_response);
    EXPECT_EQ(early.flags(), 0x00);
    early.expect_failed(early.say(stay_operational), LoginStatus::initiator_error);
}

TEST(Login, NamesMayBeRepeatedButNotChanged) {
    Login same;
    same.say(security_to_operational, normal_names);
    EXPECT_EQ(same.say(operational_to_full, "InitiatorName=iqn.i|TargetName=iqn.t|"),
              LoginEvent::established);
    for (const char* text :
         {"InitiatorName=iqn.x|", "TargetName=iqn.x|", "SessionType=Discovery|"}) {
        Login login;
        login.say(security_to_operational, normal_names);
        login.expect_failed(login.say(operational_to_full, text), LoginStatus::initiator_error);
    }
}

TEST(Login, Rfc7143_6_2_TextMayComeInPieces) {
    Login login;
    EXPECT_EQ(login.say(stay_operational | continued, "InitiatorName=iqn.i|Target"),
              LoginEvent::need_more);
    EXPECT_EQ(login.answer(), "");
    EXPECT_EQ(login.flags(), 0x04);
    EXPECT_FALSE(login.saw_policy);
    EXPECT_EQ(login.say(stay_operational | continued, "Name=iqn.t|MaxBurst"),
              LoginEvent::need_more);
    EXPECT_EQ(login.say(operational_to_full, "Length=4096|"), LoginEvent::established);
    EXPECT_EQ(login.find("MaxBurstLength"), "4096");
    EXPECT_EQ(login.machine.response().stat_sn.get(), 502u);
}

TEST(Login, CollectedTextIsBounded) {
    Login login;
    const std::string piece(8192, 'x');
    LoginEvent event = LoginEvent::need_more;
    unsigned pieces = 0;
    while ((event = login.say(stay_operational | continued, piece)) == LoginEvent::need_more)
        ASSERT_LT(++pieces, 9u);
    EXPECT_EQ(pieces, 8u);
    login.expect_failed(event, LoginStatus::initiator_error);
}

TEST(Login, RequestsAreBounded) {
    Login login;
    LoginEvent event = login.say(stay_operational, plain_names);
    unsigned requests = 1;
    while (event == LoginEvent::send_response && requests < 1000) {
        event = login.say(stay_operational);
        ++requests;
    }
    EXPECT_EQ(requests, max_login_requests + 1);
    login.expect_failed(event, LoginStatus::initiator_error);
}

TEST(Login, Rfc7143_6_2_LongAnswersGoOutInPieces) {
    Login login;
    std::string text = plain_names;
    for (int i = 0; i < 200; ++i)
        text +=
            "X-com.example.some-rather-long-key-for-this-test-" + std::to_string(1000 + i) + "=v|";
    ASSERT_EQ(login.say(operational_to_full, text), LoginEvent::send_response);
    EXPECT_EQ(login.flags(), 0x44);  // C, no transition yet
    EXPECT_EQ(login.machine.response_text().size(), 8192u);
    EXPECT_FALSE(login.saw_session);
    std::string whole = login.machine.response_text();
    ASSERT_EQ(login.say(operational_to_full), LoginEvent::established);
    EXPECT_EQ(login.flags(), 0x87);
    whole += login.machine.response_text();
    const auto keys = TextKeys::parse(whole);
    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->size(), 202u);
    EXPECT_EQ(keys->find("X-com.example.some-rather-long-key-for-this-test-1199"), "NotUnderstood");
}

TEST(Login, ASmallReceiverGetsSmallPieces) {
    Login login;
    std::string text = std::string(plain_names) + "MaxRecvDataSegmentLength=512|";
    for (int i = 0; i < 30; ++i) text += "X-com.example.key" + std::to_string(i) + "=v|";
    ASSERT_EQ(login.say(operational_to_full, text), LoginEvent::send_response);
    EXPECT_EQ(login.machine.response_text().size(), 512u);
    login.expect_failed(login.say(operational_to_full, "X-a=b|"), LoginStatus::initiator_error);
}

TEST(Login, ATransitionWaitsForARequestThatAsksForIt) {
    Login login;
    std::string text = std::string(plain_names) + "MaxRecvDataSegmentLength=512|";
    for (int i = 0; i < 20; ++i) text += "X-com.example.key" + std::to_string(i) + "=v|";
    ASSERT_EQ(login.say(operational_to_full, text), LoginEvent::send_response);
    ASSERT_EQ(login.say(stay_operational), LoginEvent::send_response);
    EXPECT_EQ(login.flags(), 0x04);  // 11.13.3: T only in answer to T
    EXPECT_EQ(login.say(operational_to_full), LoginEvent::established);
}

TEST(Login, RefusalsCarryTheirStatusAndRedirection) {
    Login refused;
    refused.policy.status = LoginStatus::not_found;
    refused.policy.reason = "no such target";
    refused.expect_failed(refused.say(security_to_operational, normal_names),
                          LoginStatus::not_found);
    EXPECT_EQ(refused.answer(), "");

    Login moved;
    moved.policy.status = LoginStatus::moved_temporarily;
    moved.policy.target_address = "10.0.0.9:3260";
    moved.policy.reason = "redirected";
    moved.expect_failed(moved.say(security_to_operational, normal_names),
                        LoginStatus::moved_temporarily);
    EXPECT_EQ(moved.answer(), "TargetAddress=10.0.0.9:3260|");
    EXPECT_EQ(moved.machine.response().data_segment_length.get(), 28u);
}

TEST(Login, TheSessionLayerMayRefuse) {
    Login login;
    login.request.tsih = 9;
    login.grant.status = LoginStatus::session_does_not_exist;
    login.grant.reason = "no session 9";
    login.expect_failed(login.say(operational_to_full, plain_names),
                        LoginStatus::session_does_not_exist);
    EXPECT_EQ(login.machine.response().tsih.get(), 9);

    Login zero;
    zero.grant.tsih = 0;
    zero.expect_failed(zero.say(operational_to_full, plain_names), LoginStatus::target_error);
}

TEST(Login, DiscoveryNeedsNoTargetName) {
    Login login;
    ASSERT_EQ(login.say(operational_to_full,
                        "InitiatorName=iqn.i|SessionType=Discovery|MaxBurstLength=4096|"),
              LoginEvent::established);
    EXPECT_TRUE(login.machine.query().discovery);
    EXPECT_EQ(login.machine.query().target_name, "");
    EXPECT_EQ(login.find("MaxBurstLength"), "Irrelevant");
    EXPECT_EQ(login.find("TargetPortalGroupTag"), "1");
}

TEST(Login, Rfc7143_6_3_NegotiatingAKeyTwiceEndsTheLogin) {
    Login login;
    login.say(stay_operational, std::string(plain_names) + "MaxBurstLength=4096|");
    login.expect_failed(login.say(operational_to_full, "MaxBurstLength=4096|"),
                        LoginStatus::initiator_error);
}

TEST(Login, TheTargetsOffersAreSettledBeforeTheStageEnds) {
    Login login;
    ASSERT_TRUE(login.policy.parameters.update("MaxBurstLength", "65536"));
    ASSERT_EQ(login.say(operational_to_full, plain_names), LoginEvent::send_response);
    EXPECT_EQ(login.flags(), 0x04);
    EXPECT_EQ(login.find("MaxBurstLength"), "65536");
    ASSERT_EQ(login.say(operational_to_full, "MaxBurstLength=65536|"), LoginEvent::established);
    EXPECT_EQ(login.machine.result().values.get(ParamId::max_burst_length), 65536u);

    Login silent;
    ASSERT_TRUE(silent.policy.parameters.update("MaxBurstLength", "65536"));
    silent.say(operational_to_full, plain_names);
    ASSERT_EQ(silent.say(operational_to_full), LoginEvent::established);
    EXPECT_EQ(silent.machine.result().values.get(ParamId::max_burst_length), 262144u);
}

TEST(Login, TargetAliasIsNeverSent) {
    Login login;
    login.say(security_to_operational, std::string(normal_names) + "InitiatorAlias=box|");
    EXPECT_EQ(login.find("TargetAlias"), "-");
    EXPECT_EQ(login.machine.query().initiator_alias, "box");
}

}  // namespace
}  // namespace tgt::iscsi
