// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "tests/unit/driver/iscsi/login_fixture.h"

namespace tgt::iscsi {
namespace {

using wire::LoginStatus;

struct ChapLogin : Login {
    ChapLogin() { policy.incoming = {{"alice", "secret12345678"}}; }

    std::string response(const std::string& secret) const {
        const auto challenge = parse_binary(find("CHAP_C"), 1024);
        const auto algorithm = static_cast<ChapAlgorithm>(*parse_number(find("CHAP_A")));
        const auto id = static_cast<uint8_t>(*parse_number(find("CHAP_I")));
        TextBuilder out;
        out.add_hex("CHAP_R", chap_response(algorithm, id, secret, *challenge));
        return "CHAP_N=alice|" + swap(out.take(), '\0', '|');
    }
};

TEST(LoginAuth, Rfc7143_12_1_3_ChapOneWay) {
    ChapLogin login;
    ASSERT_EQ(login.say(stay_security, normal_names), LoginEvent::send_response);
    EXPECT_EQ(login.answer(), "TargetPortalGroupTag=1|AuthMethod=CHAP|");
    ASSERT_EQ(login.say(stay_security, "CHAP_A=7,5|"), LoginEvent::send_response);
    EXPECT_EQ(login.find("CHAP_A"), "7");
    const std::string response = login.response("secret12345678");
    ASSERT_EQ(login.say(security_to_operational, response), LoginEvent::send_response);
    EXPECT_EQ(login.flags(), 0x81);
    EXPECT_EQ(login.answer(), "");
    EXPECT_EQ(login.machine.user(), "alice");
    EXPECT_EQ(login.say(operational_to_full), LoginEvent::established);
}

TEST(LoginAuth, ChapKeysMayComeWithAuthMethod) {
    ChapLogin login;
    ASSERT_EQ(login.say(stay_security, std::string(normal_names) + "CHAP_A=5|"),
              LoginEvent::send_response);
    EXPECT_EQ(login.find("AuthMethod"), "CHAP");
    EXPECT_EQ(login.find("CHAP_A"), "5");
    const std::string response = login.response("secret12345678");
    EXPECT_EQ(login.say(security_to_full, response), LoginEvent::established);
}

TEST(LoginAuth, ChapMutual) {
    ChapLogin login;
    login.policy.outgoing = ChapAccount{"target", "othersecret123"};
    login.say(stay_security, normal_names);
    login.say(stay_security, "CHAP_A=5|");
    const std::string response = login.response("secret12345678");
    ASSERT_EQ(login.say(security_to_operational, response + "CHAP_I=5|CHAP_C=0x0a0b|"),
              LoginEvent::send_response);
    EXPECT_EQ(login.find("CHAP_N"), "target");
    EXPECT_EQ(login.find("CHAP_R").size(), 34u);
    EXPECT_EQ(login.flags(), 0x81);
}

TEST(LoginAuth, EarlyTransitIsNotAgreedButNoError) {
    ChapLogin login;
    ASSERT_EQ(login.say(security_to_operational, normal_names), LoginEvent::send_response);
    EXPECT_EQ(login.flags(), 0x00);
    ASSERT_EQ(login.say(security_to_operational, "CHAP_A=5|"), LoginEvent::send_response);
    EXPECT_EQ(login.flags(), 0x00);
}

TEST(LoginAuth, Status0201WheneverAuthenticationIsMissingOrWrong) {
    ChapLogin direct;
    direct.expect_failed(direct.say(operational_to_full, plain_names),
                         LoginStatus::authentication_failure);
    ChapLogin none;
    none.expect_failed(none.say(stay_security, std::string(plain_names) + "AuthMethod=None|"),
                       LoginStatus::authentication_failure);
    ChapLogin silent;
    silent.expect_failed(silent.say(security_to_operational, plain_names),
                         LoginStatus::authentication_failure);
    ChapLogin wrong;
    wrong.say(stay_security, normal_names);
    wrong.say(stay_security, "CHAP_A=5|");
    const std::string response = wrong.response("not the secret");
    wrong.expect_failed(wrong.say(security_to_operational, response),
                        LoginStatus::authentication_failure);
    EXPECT_EQ(wrong.machine.user(), "");
    EXPECT_FALSE(wrong.saw_session);
    ChapLogin algorithm;
    algorithm.say(stay_security, normal_names);
    algorithm.expect_failed(algorithm.say(stay_security, "CHAP_A=4|"),
                            LoginStatus::authentication_failure);
    Login chap_alone;  // the target has no account
    chap_alone.expect_failed(
        chap_alone.say(stay_security, std::string(plain_names) + "AuthMethod=CHAP|"),
        LoginStatus::authentication_failure);
}

TEST(LoginAuth, NoWayAroundChap) {
    // Response before challenge, empty requests, CHAP without AuthMethod, starting again after the
    // end.
    ChapLogin before;
    before.say(stay_security, normal_names);
    before.expect_failed(before.say(security_to_operational, "CHAP_N=alice|CHAP_R=0x00|"),
                         LoginStatus::initiator_error);
    ChapLogin empty;
    empty.say(stay_security, normal_names);
    empty.expect_failed(empty.say(security_to_full), LoginStatus::initiator_error);
    ChapLogin without;
    without.expect_failed(without.say(stay_security, std::string(plain_names) + "CHAP_A=5|"),
                          LoginStatus::initiator_error);
    ChapLogin again;
    again.say(stay_security, normal_names);
    again.say(stay_security, "CHAP_A=5|");
    const std::string response = again.response("secret12345678");
    ASSERT_EQ(again.say(stay_security, response), LoginEvent::send_response);
    again.expect_failed(again.say(stay_security, response), LoginStatus::initiator_error);
    ChapLogin twice;
    twice.say(stay_security, normal_names);
    twice.expect_failed(twice.say(stay_security, "AuthMethod=CHAP|"), LoginStatus::initiator_error);
}

TEST(LoginAuth, WithoutAccountsNoneIsTakenAndMayBeUnspoken) {
    Login login;
    ASSERT_EQ(login.say(security_to_operational, plain_names), LoginEvent::send_response);
    EXPECT_EQ(login.flags(), 0x81);
    login.expect_failed(login.say(operational_to_full, "AuthMethod=None|"),
                        LoginStatus::initiator_error);
}

}  // namespace
}  // namespace tgt::iscsi
