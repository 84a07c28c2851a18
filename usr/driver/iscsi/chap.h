// SPDX-License-Identifier: GPL-2.0-or-later
// CHAP as iSCSI uses it (RFC 7143 12.1.3, RFC 1994), one-way and mutual, target side.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "driver/iscsi/text.h"

namespace tgt::iscsi {

// IANA "PPP Authentication Algorithms".
enum class ChapAlgorithm : uint8_t { none = 0, md5 = 5, sha1 = 6, sha256 = 7, sha3_256 = 8 };

struct ChapAccount {
    std::string name;
    std::string secret;
    bool operator==(const ChapAccount&) const = default;
};

constexpr size_t max_chap_digest = 32;
constexpr size_t chap_challenge_size = 32;
constexpr size_t max_chap_challenge = 1024;  // 12.1.3

// Where random bytes come from: getrandom(2), or a known sequence in tests. false: none to be had.
using RandomSource = bool (*)(std::span<uint8_t> out);
bool system_random(std::span<uint8_t> out);

// hash(identifier | secret | challenge), RFC 1994 4.1; its length is that of the algorithm.
std::vector<uint8_t> chap_response(ChapAlgorithm algorithm, uint8_t identifier,
                                   std::string_view secret, std::span<const uint8_t> challenge);

enum class ChapResult : uint8_t {
    more,      // answer written, the initiator continues
    done,      // authenticated; answer written where it asked for mutual
    failed,    // wrong name, secret or values: login status 0x0201
    violation  // a key out of order or missing: login status 0x0200
};

// One CHAP exchange. Plain copyable data without pointers to accounts: they are given with each
// step.
class ChapExchange {
  public:
    // One request's pairs. `incoming` are the accounts that may log in, `outgoing` (may be null) is
    // who we are when the initiator asks back. why() tells the log about failed and violation.
    ChapResult step(const TextKeys& keys, const std::vector<ChapAccount>& incoming,
                    const ChapAccount* outgoing, RandomSource random, TextBuilder& out);
    // The account that authenticated, once done.
    const std::string& user() const { return user_; }
    const std::string& why() const { return why_; }
    ChapAlgorithm algorithm() const { return algorithm_; }

  private:
    enum class Step : uint8_t { algorithm, response, finished };
    ChapResult choose_algorithm(const TextKeys& keys, RandomSource random, TextBuilder& out);
    ChapResult check_response(const TextKeys& keys, const std::vector<ChapAccount>& incoming,
                              const ChapAccount* outgoing, TextBuilder& out);
    ChapResult answer_back(const TextKeys& keys, const ChapAccount& account,
                           const ChapAccount* outgoing, TextBuilder& out);
    ChapResult stop(ChapResult result, std::string why);

    Step step_ = Step::algorithm;
    ChapAlgorithm algorithm_ = ChapAlgorithm::none;
    uint8_t identifier_ = 0;
    std::array<uint8_t, chap_challenge_size> challenge_{};
    std::string user_;
    std::string why_;
};

}  // namespace tgt::iscsi
