// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/block_cipher.h"

#include <gtest/gtest.h>

#include <set>

#include "device/ssc/block_compression.h"

namespace tgt::ssc {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes key_text(uint8_t fill) {
    return Bytes(key_bytes, fill);
}
BlockKey key_of(uint8_t fill) {
    const Bytes text = key_text(fill);
    return BlockKey(std::span<const uint8_t, key_bytes>(text));
}
const Bytes ukad = {'n', 'a', 'm', 'e'}, akad = {9, 8, 7};
const Bytes plain = {1, 2, 3, 4, 5, 6, 7};
constexpr BlockFacts facts{7, 2};

Bytes sealed(const BlockKey& key, const BlockFacts& about = facts) {
    Bytes out(sealed_bytes(plain.size(), ukad.size(), akad.size()));
    EXPECT_TRUE(seal(key, about, ukad, akad, plain, out));
    return out;
}
std::optional<Bytes> opened(const BlockKey& key, const Bytes& payload,
                            const BlockFacts& about = facts) {
    const auto header = read_seal(payload);
    if (!header) return std::nullopt;
    Bytes out(plain_bytes(*header, payload));
    if (!unseal(key, about, *header, payload, out)) return std::nullopt;
    return out;
}

TEST(BlockCipher, GivesBackWhatWasSealed) {
    const BlockKey key = key_of(1);
    const Bytes payload = sealed(key);
    EXPECT_EQ(opened(key, payload), plain);
    const auto header = read_seal(payload);
    EXPECT_TRUE(std::equal(header->ukad.begin(), header->ukad.end(), ukad.begin(), ukad.end()));
    EXPECT_TRUE(std::equal(header->akad.begin(), header->akad.end(), akad.begin(), akad.end()));
    EXPECT_EQ(header->check, key.check());
}

TEST(BlockCipher, NoNonceComesTwice) {
    const BlockKey key = key_of(1);
    std::set<Bytes> nonces;
    for (int i = 0; i < 1000; ++i) {
        const Bytes payload = sealed(key);
        EXPECT_TRUE(nonces.insert(Bytes(payload.begin() + 12, payload.begin() + 24)).second);
    }
}

TEST(BlockCipher, AnotherKeyIsToldByItsCheckAndOpensNothing) {
    const BlockKey key = key_of(1), other = key_of(2);
    EXPECT_NE(key.check(), other.check());
    EXPECT_FALSE(opened(other, sealed(key)));
}

TEST(BlockCipher, EveryBitButThoseOfTheUnauthenticatedDataCounts) {
    const BlockKey key = key_of(1);
    const Bytes payload = sealed(key);
    for (size_t byte = 0; byte < payload.size(); ++byte) {
        Bytes changed = payload;
        changed[byte] ^= 0x10;
        const bool of_ukad = byte >= 24 && byte < 24 + ukad.size();
        EXPECT_EQ(opened(key, changed).has_value(), of_ukad) << byte;
    }
    EXPECT_FALSE(opened(key, payload, {8, 2}));
    EXPECT_FALSE(opened(key, payload, {7, 3}));
}

TEST(BlockCipher, APayloadThatIsCutIsRefusedBeforeItIsRead) {
    const Bytes payload = sealed(key_of(1));
    for (size_t length = 0; length < sealed_bytes(0, ukad.size(), akad.size()); ++length)
        EXPECT_FALSE(read_seal(std::span(payload).first(length))) << length;
}

TEST(BlockCompression, GivesBackWhatItMadeSmaller) {
    BlockCompressor compressor;
    Bytes block(65536), out(65536), again(65536);
    for (size_t i = 0; i < block.size(); ++i) block[i] = uint8_t(i / 100);
    const size_t size = compressor.compress(block, out);
    ASSERT_GT(size, 0u);
    EXPECT_LT(size, block.size() / 10);
    EXPECT_TRUE(compressor.decompress(std::span(out).first(size), again));
    EXPECT_EQ(again, block);
    // Another length, or another beginning.
    again.resize(65535);
    EXPECT_FALSE(compressor.decompress(std::span(out).first(size), again));
    out[0] ^= 1;
    again.resize(65536);
    EXPECT_FALSE(compressor.decompress(std::span(out).first(size), again));
}

TEST(BlockCompression, WhatDoesNotFitIsNotCompressed) {
    BlockCompressor compressor;
    Bytes block(4096), out(4000);
    uint32_t state = 1;
    for (uint8_t& byte : block) byte = uint8_t((state = state * 1664525 + 1013904223) >> 24);
    EXPECT_EQ(compressor.compress(block, out), 0u);
}

}  // namespace
}  // namespace tgt::ssc
