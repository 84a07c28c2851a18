// SPDX-License-Identifier: GPL-2.0-or-later
// Encrypted blocks as they lie on the cartridge. All numbers big endian:
//
//   0  version (1)     1  bytes of U-KAD      2  bytes of A-KAD      3  reserved
//   4  key check: the first 8 bytes of SHA-256("tgt tape key" and the key)
//  12  nonce, 12 random bytes
//  24  U-KAD, A-KAD, the ciphertext, and the 16 bytes of AES-256-GCM's tag
//
// Authenticated beside the ciphertext: everything in front of it but the U-KAD, the length of the
// logical block (4 bytes) and its flags (2 bytes).
#pragma once

#include <nettle/gcm.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace tgt::ssc {

constexpr size_t key_bytes = 32;
constexpr size_t max_ukad = 32, max_akad = 12;

// A key, and what the key schedule makes of it; wiped when it goes.
class BlockKey {
  public:
    explicit BlockKey(std::span<const uint8_t, key_bytes> key);
    BlockKey(const BlockKey&) = delete;
    BlockKey& operator=(const BlockKey&) = delete;
    ~BlockKey();

    using Check = std::array<uint8_t, 8>;
    const Check& check() const { return check_; }
    const gcm_aes256_ctx& context() const { return context_; }

  private:
    gcm_aes256_ctx context_;
    Check check_;
};

// What stands in the open in front of the ciphertext. Refers to the payload.
struct SealHeader {
    BlockKey::Check check{};
    std::span<const uint8_t> nonce, ukad, akad;
    size_t bytes = 0;  // in front of the ciphertext
};
// EBADMSG: it makes no sense.
Result<SealHeader, int> read_seal(std::span<const uint8_t> payload);

size_t sealed_bytes(size_t plain, size_t ukad, size_t akad);
// What of a block is not in the payload.
struct BlockFacts {
    uint32_t length = 0;
    uint16_t flags = 0;
};
// `out`: sealed_bytes(). False: there are no random bytes.
bool seal(const BlockKey& key, const BlockFacts& facts, std::span<const uint8_t> ukad,
          std::span<const uint8_t> akad, std::span<const uint8_t> plain, std::span<uint8_t> out);
// The bytes that were sealed, into `out`; false: the payload is not what was sealed with this key.
bool unseal(const BlockKey& key, const BlockFacts& facts, const SealHeader& header,
            std::span<const uint8_t> payload, std::span<uint8_t> out);
// How many bytes were sealed.
size_t plain_bytes(const SealHeader& header, std::span<const uint8_t> payload);

}  // namespace tgt::ssc
