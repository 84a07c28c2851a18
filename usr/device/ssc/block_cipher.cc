// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/block_cipher.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "wire/endian.h"

namespace tgt::ssc {

namespace {

constexpr uint8_t version = 1;
constexpr size_t check_at = 4, nonce_at = 12, fixed_bytes = 24;
constexpr size_t nonce_bytes = GCM_IV_SIZE, tag_bytes = GCM_DIGEST_SIZE;

// GCM takes authenticated data in pieces of whole blocks but for the last.
void authenticate(gcm_aes256_ctx& context, const BlockFacts& facts, std::span<const uint8_t> fixed,
                  std::span<const uint8_t> akad) {
    std::array<uint8_t, fixed_bytes + 6 + max_akad> data{};
    std::copy(fixed.begin(), fixed.end(), data.begin());
    wire::store_be<4>(&data[fixed_bytes], facts.length);
    wire::store_be<2>(&data[fixed_bytes + 4], facts.flags);
    std::copy(akad.begin(), akad.end(), data.begin() + fixed_bytes + 6);
    gcm_aes256_update(&context, fixed_bytes + 6 + akad.size(), data.data());
}

}  // namespace

BlockKey::BlockKey(std::span<const uint8_t, key_bytes> key) {
    gcm_aes256_set_key(&context_, key.data());
    constexpr uint8_t purpose[] = {'t', 'g', 't', ' ', 't', 'a', 'p', 'e', ' ', 'k', 'e', 'y'};
    sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, sizeof(purpose), purpose);
    sha256_update(&hash, key.size(), key.data());
    sha256_digest(&hash, check_.size(), check_.data());
    explicit_bzero(&hash, sizeof(hash));
}

BlockKey::~BlockKey() {
    explicit_bzero(&context_, sizeof(context_));
}

Result<SealHeader, int> read_seal(std::span<const uint8_t> payload) {
    const auto damaged = tl::unexpected<int>(EBADMSG);
    if (payload.size() < fixed_bytes + tag_bytes || payload[0] != version) return damaged;
    const size_t ukad = payload[1], akad = payload[2];
    if (ukad > max_ukad || akad > max_akad) return damaged;
    if (payload.size() < sealed_bytes(0, ukad, akad)) return damaged;
    SealHeader header;
    std::copy_n(payload.begin() + check_at, header.check.size(), header.check.begin());
    header.nonce = payload.subspan(nonce_at, nonce_bytes);
    header.ukad = payload.subspan(fixed_bytes, ukad);
    header.akad = payload.subspan(fixed_bytes + ukad, akad);
    header.bytes = fixed_bytes + ukad + akad;
    return header;
}

size_t sealed_bytes(size_t plain, size_t ukad, size_t akad) {
    return fixed_bytes + ukad + akad + plain + tag_bytes;
}

size_t plain_bytes(const SealHeader& header, std::span<const uint8_t> payload) {
    return payload.size() - header.bytes - tag_bytes;
}

bool seal(const BlockKey& key, const BlockFacts& facts, std::span<const uint8_t> ukad,
          std::span<const uint8_t> akad, std::span<const uint8_t> plain, std::span<uint8_t> out) {
    out[0] = version;
    out[1] = uint8_t(ukad.size());
    out[2] = uint8_t(akad.size());
    out[3] = 0;
    std::copy(key.check().begin(), key.check().end(), out.begin() + check_at);
    if (getrandom(&out[nonce_at], nonce_bytes, 0) != ssize_t(nonce_bytes)) return false;
    std::copy(ukad.begin(), ukad.end(), out.begin() + fixed_bytes);
    std::copy(akad.begin(), akad.end(), out.begin() + ptrdiff_t(fixed_bytes + ukad.size()));
    uint8_t* text = out.data() + fixed_bytes + ukad.size() + akad.size();
    gcm_aes256_ctx context = key.context();
    gcm_aes256_set_iv(&context, nonce_bytes, &out[nonce_at]);
    authenticate(context, facts, out.first(fixed_bytes), akad);
    gcm_aes256_encrypt(&context, plain.size(), text, plain.data());
    gcm_aes256_digest(&context, tag_bytes, text + plain.size());
    explicit_bzero(&context, sizeof(context));
    return true;
}

bool unseal(const BlockKey& key, const BlockFacts& facts, const SealHeader& header,
            std::span<const uint8_t> payload, std::span<uint8_t> out) {
    const size_t length = plain_bytes(header, payload);
    gcm_aes256_ctx context = key.context();
    gcm_aes256_set_iv(&context, nonce_bytes, header.nonce.data());
    authenticate(context, facts, payload.first(fixed_bytes), header.akad);
    gcm_aes256_decrypt(&context, length, out.data(), payload.data() + header.bytes);
    std::array<uint8_t, tag_bytes> tag;
    gcm_aes256_digest(&context, tag.size(), tag.data());
    explicit_bzero(&context, sizeof(context));
    return memeql_sec(tag.data(), payload.data() + payload.size() - tag_bytes, tag_bytes) != 0;
}

}  // namespace tgt::ssc
