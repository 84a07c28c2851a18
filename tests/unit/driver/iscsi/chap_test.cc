// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/chap.h"

#include <gtest/gtest.h>

namespace tgt::iscsi {
namespace {

bool counting_random(std::span<uint8_t> out) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(0x40 + i);
    return true;
}
bool no_random(std::span<uint8_t>) {
    return false;
}

const std::vector<ChapAccount> accounts = {{"other", "othersecret"}, {"alice", "secret12345678"}};
const ChapAccount target_account{"target", "targetsecret99"};

std::string hex(const std::vector<uint8_t>& bytes) {
    TextBuilder out;
    out.add_hex("v", bytes);
    return out.take().substr(2, 2 + 2 * bytes.size());
}

struct Exchange {
    ChapExchange chap;
    std::string answer;
    RandomSource random = counting_random;

    ChapResult say(std::string text, const ChapAccount* outgoing = nullptr) {
        for (char& c : text)
            if (c == '|') c = '\0';
        TextBuilder out;
        const ChapResult result =
            chap.step(*TextKeys::parse(text), accounts, outgoing, random, out);
        answer = out.take();
        return result;
    }
    std::string find(const char* key) const {
        return std::string(TextKeys::parse(answer)->find(key).value_or(""));
    }
    // What an initiator that knows `secret` would send.
    std::string response(const std::string& secret) const {
        const auto challenge = parse_binary(find("CHAP_C"), 1024);
        const auto id = static_cast<uint8_t>(*parse_number(find("CHAP_I")));
        return hex(chap_response(chap.algorithm(), id, secret, *challenge));
    }
};

TEST(ChapResponse, Rfc1994_4_1_MatchesHashesMadeElsewhere) {
    const uint8_t challenge[] = {1, 2, 3, 4};
    const auto response = [&](ChapAlgorithm algorithm) {
        return hex(chap_response(algorithm, 0x7f, "secret", challenge));
    };
    EXPECT_EQ(response(ChapAlgorithm::md5), "0xe1ea074f8159e66ec5fb865937518fd1");
    EXPECT_EQ(response(ChapAlgorithm::sha1), "0x5332339737d74907773efc5fbe87c871199a0f8b");
    EXPECT_EQ(response(ChapAlgorithm::sha256),
              "0xf9fb61eb79f5476f69c96610aee258fb70ad1282c76fff934dcfdb5c840bbc03");
    EXPECT_EQ(response(ChapAlgorithm::sha3_256),
              "0xec994fbb89f86e46332825eb41ef879e90716a28feabf79df7039bfb308d22d9");
    EXPECT_TRUE(chap_response(ChapAlgorithm::none, 1, "secret", challenge).empty());
}

TEST(Chap, Rfc7143_12_1_3_TheInitiatorsFirstKnownAlgorithmIsTaken) {
    const std::pair<const char*, ChapAlgorithm> cases[] = {
        {"CHAP_A=5|", ChapAlgorithm::md5},
        {"CHAP_A=7,5|", ChapAlgorithm::sha256},
        {"CHAP_A=8,7,6,5|", ChapAlgorithm::sha3_256},
        {"CHAP_A=99,x,,6,5|", ChapAlgorithm::sha1},
        {"CHAP_A=0x5|", ChapAlgorithm::md5},
    };
    for (const auto& [offered, algorithm] : cases) {
        Exchange exchange;
        EXPECT_EQ(exchange.say(offered), ChapResult::more) << offered;
        EXPECT_EQ(exchange.chap.algorithm(), algorithm) << offered;
        EXPECT_EQ(exchange.find("CHAP_A"), std::to_string(static_cast<int>(algorithm)));
        EXPECT_EQ(parse_binary(exchange.find("CHAP_C"), 1024)->size(), chap_challenge_size);
    }
}

TEST(Chap, NoCommonAlgorithmFailsAuthentication) {
    for (const char* offered : {"CHAP_A=4|", "CHAP_A=|", "CHAP_A=0|", "CHAP_A=261|"}) {
        Exchange exchange;
        EXPECT_EQ(exchange.say(offered), ChapResult::failed) << offered;
    }
}

TEST(Chap, WithoutRandomBytesNobodyGetsIn) {
    Exchange exchange;
    exchange.random = no_random;
    EXPECT_EQ(exchange.say("CHAP_A=5|"), ChapResult::failed);
    EXPECT_EQ(exchange.answer, "");
}

TEST(Chap, OneWayWithEveryAlgorithmAndBothEncodings) {
    for (const char* algorithm : {"5", "6", "7", "8"}) {
        for (const bool base64 : {false, true}) {
            Exchange exchange;
            ASSERT_EQ(exchange.say(std::string("CHAP_A=") + algorithm + "|"), ChapResult::more);
            std::string response = exchange.response("secret12345678");
            if (base64) response = "0b" + base64_encode(*parse_binary(response, 64));
            EXPECT_EQ(exchange.say("CHAP_N=alice|CHAP_R=" + response + "|"), ChapResult::done);
            EXPECT_EQ(exchange.chap.user(), "alice");
            EXPECT_EQ(exchange.answer, "");
        }
    }
}

TEST(Chap, WrongNameSecretOrShapeFails) {
    const auto attempt = [](auto&& make) {
        Exchange exchange;
        exchange.say("CHAP_A=7|");
        const ChapResult result = exchange.say(make(exchange));
        EXPECT_EQ(exchange.chap.user(), "");
        return result;
    };
    EXPECT_EQ(
        attempt([](Exchange& e) { return "CHAP_N=alice|CHAP_R=" + e.response("wrong") + "|"; }),
        ChapResult::failed);
    EXPECT_EQ(attempt([](Exchange& e) {
                  return "CHAP_N=mallory|CHAP_R=" + e.response("secret12345678") + "|";
              }),
              ChapResult::failed);
    EXPECT_EQ(attempt([](Exchange& e) {  // an unknown name does not get in with no secret
                  return "CHAP_N=mallory|CHAP_R=" + e.response("") + "|";
              }),
              ChapResult::failed);
    EXPECT_EQ(attempt([](Exchange& e) {  // another account's secret
                  return "CHAP_N=alice|CHAP_R=" + e.response("othersecret") + "|";
              }),
              ChapResult::failed);
    EXPECT_EQ(attempt([](Exchange& e) {  // cut off
                  return "CHAP_N=alice|CHAP_R=" + e.response("secret12345678").substr(0, 64) + "|";
              }),
              ChapResult::failed);
    EXPECT_EQ(attempt([](Exchange&) { return std::string("CHAP_N=alice|CHAP_R=xyz|"); }),
              ChapResult::failed);
    EXPECT_EQ(
        attempt([](Exchange&) { return "CHAP_N=alice|CHAP_R=0x" + std::string(66, '0') + "|"; }),
        ChapResult::failed);
}

TEST(Chap, KeysOutOfOrderAreAViolation) {
    Exchange first;
    EXPECT_EQ(first.say("CHAP_N=alice|CHAP_R=0x00|"), ChapResult::violation);
    Exchange second;
    second.say("CHAP_A=5|");
    EXPECT_EQ(second.say("CHAP_N=alice|"), ChapResult::violation);
    EXPECT_EQ(second.say("CHAP_N=alice|CHAP_R=0x00|"), ChapResult::violation);  // it is over
}

TEST(Chap, MutualAnswersTheInitiatorsChallenge) {
    Exchange exchange;
    exchange.say("CHAP_A=7|", &target_account);
    const std::string response = exchange.response("secret12345678");
    EXPECT_EQ(exchange.say("CHAP_N=alice|CHAP_R=" + response + "|CHAP_I=17|CHAP_C=0x0102030405|",
                           &target_account),
              ChapResult::done);
    EXPECT_EQ(exchange.find("CHAP_N"), "target");
    const uint8_t challenge[] = {1, 2, 3, 4, 5};
    EXPECT_EQ(exchange.find("CHAP_R"),
              hex(chap_response(ChapAlgorithm::sha256, 17, "targetsecret99", challenge)));
}

TEST(Chap, MutualIsRefusedWhereItMustBe) {
    const ChapAccount same_secret{"target", "secret12345678"};
    struct Case {
        const char* keys;
        const ChapAccount* outgoing;
        ChapResult result;
    };
    const Case cases[] = {
        {"CHAP_I=1|CHAP_C=0x01|", nullptr, ChapResult::failed},
        {"CHAP_I=1|CHAP_C=0x01|", &same_secret, ChapResult::failed},  // Rfc7143 9.2.1
        {"CHAP_I=256|CHAP_C=0x01|", &target_account, ChapResult::failed},
        {"CHAP_I=1|CHAP_C=zz|", &target_account, ChapResult::failed},
        {"CHAP_I=1|", &target_account, ChapResult::violation},
        {"CHAP_C=0x01|", &target_account, ChapResult::violation},
    };
    for (const Case& c : cases) {
        Exchange exchange;
        exchange.say("CHAP_A=5|", c.outgoing);
        const std::string response = exchange.response("secret12345678");
        EXPECT_EQ(exchange.say("CHAP_N=alice|CHAP_R=" + response + "|" + c.keys, c.outgoing),
                  c.result)
            << c.keys;
        EXPECT_EQ(exchange.answer, "");
    }
}

TEST(Chap, Rfc7143_9_2_1_AReflectedChallengeIsRefused) {
    Exchange exchange;
    exchange.say("CHAP_A=5|", &target_account);
    const std::string response = exchange.response("secret12345678");
    const std::string challenge = exchange.find("CHAP_C");
    EXPECT_EQ(
        exchange.say("CHAP_N=alice|CHAP_R=" + response + "|CHAP_I=3|CHAP_C=" + challenge + "|",
                     &target_account),
        ChapResult::failed);
    EXPECT_EQ(exchange.answer, "");
}

TEST(Chap, SystemRandomFillsAndDiffers) {
    std::array<uint8_t, 32> a{}, b{};
    ASSERT_TRUE(system_random(a));
    ASSERT_TRUE(system_random(b));
    EXPECT_NE(a, b);
}

}  // namespace
}  // namespace tgt::iscsi
