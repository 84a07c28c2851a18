// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/chap.h"

#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>
#include <sys/random.h>

#include <algorithm>

namespace tgt::iscsi {

namespace {

struct HashRow {
    ChapAlgorithm algorithm;
    const nettle_hash* hash;
};

const HashRow hashes[] = {
    {ChapAlgorithm::md5, &nettle_md5},
    {ChapAlgorithm::sha1, &nettle_sha1},
    {ChapAlgorithm::sha256, &nettle_sha256},
    {ChapAlgorithm::sha3_256, &nettle_sha3_256},
};

const nettle_hash* find_hash(uint64_t algorithm) {
    for (const HashRow& row : hashes)
        if (static_cast<uint64_t>(row.algorithm) == algorithm) return row.hash;
    return nullptr;
}

const uint8_t* as_bytes(std::string_view text) {
    return reinterpret_cast<const uint8_t*>(text.data());
}

// In constant time for equal lengths; the length of a response is no secret.
bool same_bytes(std::span<const uint8_t> a, std::span<const uint8_t> b) {
    return a.size() == b.size() && nettle_memeql_sec(a.data(), b.data(), a.size()) != 0;
}

bool same_text(std::string_view a, std::string_view b) {
    return same_bytes({as_bytes(a), a.size()}, {as_bytes(b), b.size()});
}

// Large enough for every hash state that nettle has.
union HashContext {
    md5_ctx md5;
    sha1_ctx sha1;
    sha256_ctx sha256;
    sha3_256_ctx sha3;
};

}  // namespace

bool system_random(std::span<uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        if (got <= 0) return false;
        out = out.subspan(static_cast<size_t>(got));
    }
    return true;
}

std::vector<uint8_t> chap_response(ChapAlgorithm algorithm, uint8_t identifier,
                                   std::string_view secret, std::span<const uint8_t> challenge) {
    const nettle_hash* hash = find_hash(static_cast<uint64_t>(algorithm));
    if (hash == nullptr) return {};
    HashContext context;
    std::vector<uint8_t> digest(hash->digest_size);
    hash->init(&context);
    hash->update(&context, 1, &identifier);
    hash->update(&context, secret.size(), as_bytes(secret));
    hash->update(&context, challenge.size(), challenge.data());
    hash->digest(&context, digest.size(), digest.data());
    return digest;
}

ChapResult ChapExchange::stop(ChapResult result, std::string why) {
    step_ = Step::finished;
    why_ = std::move(why);
    return result;
}

ChapResult ChapExchange::step(const TextKeys& keys, const std::vector<ChapAccount>& incoming,
                              const ChapAccount* outgoing, RandomSource random, TextBuilder& out) {
    if (step_ == Step::algorithm) return choose_algorithm(keys, random, out);
    if (step_ == Step::response) return check_response(keys, incoming, outgoing, out);
    return stop(ChapResult::violation, "CHAP went on after its end");
}

// 12.1.3: CHAP_A=<A1,A2...>, the target takes the first that it supports and sends CHAP_A, CHAP_I,
// CHAP_C.
ChapResult ChapExchange::choose_algorithm(const TextKeys& keys, RandomSource random,
                                          TextBuilder& out) {
    const auto offered = keys.find("CHAP_A");
    if (!offered) return stop(ChapResult::violation, "CHAP_A is missing");
    ListReader list(*offered);
    while (auto item = list.next()) {
        const auto wanted = parse_number(*item);
        if (!wanted || find_hash(*wanted) == nullptr) continue;
        algorithm_ = static_cast<ChapAlgorithm>(*wanted);
        break;
    }
    if (algorithm_ == ChapAlgorithm::none)
        return stop(ChapResult::failed, "no CHAP algorithm in common: " + std::string(*offered));
    if (!random({&identifier_, 1}) || !random(challenge_))
        return stop(ChapResult::failed, "no random bytes for a CHAP challenge");
    out.add_number("CHAP_A", static_cast<uint64_t>(algorithm_));
    out.add_number("CHAP_I", identifier_);
    out.add_hex("CHAP_C", challenge_);
    step_ = Step::response;
    return ChapResult::more;
}

ChapResult ChapExchange::check_response(const TextKeys& keys,
                                        const std::vector<ChapAccount>& incoming,
                                        const ChapAccount* outgoing, TextBuilder& out) {
    const auto name = keys.find("CHAP_N");
    const auto text = keys.find("CHAP_R");
    if (!name || !text) return stop(ChapResult::violation, "CHAP_N or CHAP_R is missing");
    const auto response = parse_binary(*text, max_chap_digest);
    if (!response) return stop(ChapResult::failed, "CHAP_R is malformed");

    const auto account =
        std::find_if(incoming.begin(), incoming.end(),
                     [&](const ChapAccount& candidate) { return candidate.name == *name; });
    // An unknown name costs the same hash, so that time does not tell names apart.
    const bool known = account != incoming.end();
    const auto expected = chap_response(algorithm_, identifier_,
                                        known ? std::string_view(account->secret) : "", challenge_);
    const bool equal = same_bytes(*response, expected);
    if (!known)
        return stop(ChapResult::failed, "no account '" + std::string(*name) + "' for this target");
    if (!equal)
        return stop(ChapResult::failed, "wrong secret for account '" + std::string(*name) + "'");

    user_ = account->name;
    step_ = Step::finished;
    if (!keys.has("CHAP_I") && !keys.has("CHAP_C")) return ChapResult::done;
    return answer_back(keys, *account, outgoing, out);
}

// The initiator authenticates the target (mutual CHAP).
ChapResult ChapExchange::answer_back(const TextKeys& keys, const ChapAccount& account,
                                     const ChapAccount* outgoing, TextBuilder& out) {
    const auto identifier_text = keys.find("CHAP_I");
    const auto challenge_text = keys.find("CHAP_C");
    if (!identifier_text || !challenge_text)
        return stop(ChapResult::violation, "CHAP_I without CHAP_C or the reverse");
    if (outgoing == nullptr)
        return stop(ChapResult::failed,
                    "mutual CHAP asked for, the target has no outgoing account");
    const auto identifier = parse_number(*identifier_text);
    if (!identifier || *identifier > 255) return stop(ChapResult::failed, "CHAP_I is malformed");
    const auto challenge = parse_binary(*challenge_text, max_chap_challenge);
    if (!challenge) return stop(ChapResult::failed, "CHAP_C is malformed");
    // 9.2.1: a reflected challenge, or one secret for both directions, would let the initiator have
    // us compute the response that it owes.
    if (same_bytes(*challenge, challenge_))
        return stop(ChapResult::failed, "the initiator sent our own CHAP challenge back");
    if (same_text(account.secret, outgoing->secret))
        return stop(ChapResult::failed, "incoming and outgoing account have the same secret");
    out.add("CHAP_N", outgoing->name);
    out.add_hex("CHAP_R", chap_response(algorithm_, static_cast<uint8_t>(*identifier),
                                        outgoing->secret, *challenge));
    return ChapResult::done;
}

}  // namespace tgt::iscsi
