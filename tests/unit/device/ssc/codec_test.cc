// SPDX-License-Identifier: GPL-2.0-or-later
// Protection, compression and encryption of blocks, through the engine.
#include <gtest/gtest.h>

#include <cstring>

#include "device/ssc/block_codec.h"
#include "device/ssc/block_protection.h"
#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

constexpr uint32_t unable_to_decrypt = 0x077401, unencrypted = 0x077402, incorrect_key = 0x077403,
                   integrity_failed = 0x077404, guard_check = 0x041001, key_changed = 0x072a13,
                   changed_by_another = 0x062a11;

Bytes text(size_t size) {
    Bytes bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = uint8_t("tape drive "[i % 11]);
    return bytes;
}
// Nothing that could be compressed.
Bytes noise(size_t size) {
    Bytes bytes(size);
    uint32_t state = 7;
    for (uint8_t& byte : bytes) byte = uint8_t((state = state * 1664525 + 1013904223) >> 24);
    return bytes;
}

class CodecBench : public TapeBench {
  public:
    CodecBench()
        : TapeBench(64 * mib, [](MemoryTape& cartridge) { cartridge.about.keeps_flags = true; }) {}

    const MemoryTape::Object& stored(size_t object) { return tape->all[0].objects.at(object); }
    Answer select(const Bytes& page) {
        Bytes list = {0, 0, 0x10, 0};
        list.insert(list.end(), page.begin(), page.end());
        return run({0x15, 0x10, 0, 0, uint8_t(list.size()), 0}, list);
    }
    void compress(bool on) {
        ASSERT_TRUE(select({0x0f, 0x0e, uint8_t(on ? 0xc0 : 0x40), 0x80, 0, 0, 0, 1, 0, 0, 0, 1, 0,
                            0, 0, 0})
                        .good());
    }
    void protect(uint8_t method, uint8_t where) {
        Bytes page(32);
        page[0] = 0x4a;
        page[1] = 0xf0;
        page[3] = 0x1c;
        page[4] = method;
        page[5] = 4;
        page[6] = where;
        ASSERT_TRUE(select(page).good());
    }
    static Bytes key_page(uint8_t fill, uint8_t encrypt, uint8_t decrypt, uint8_t scope = 0x40) {
        Bytes page(52, fill);
        std::fill(page.begin(), page.begin() + 20, uint8_t(0));
        page[1] = 0x10;
        page[3] = 48;
        page[4] = scope;
        page[6] = encrypt;
        page[7] = decrypt;
        page[8] = 1;
        page[19] = 32;
        return page;
    }
    static Bytes spout(size_t length) {
        return {0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, uint8_t(length), 0, 0};
    }
    Answer key(uint8_t fill, uint8_t encrypt = 2, uint8_t decrypt = 2, uint8_t scope = 0x40) {
        const Bytes page = key_page(fill, encrypt, decrypt, scope);
        return run(spout(page.size()), page);
    }
    Answer spin(uint16_t page, uint8_t protocol = 0x20) {
        return run({0xa2, protocol, uint8_t(page >> 8), uint8_t(page), 0, 0, 0, 0, 1, 0, 0, 0});
    }
    Bytes read_back(size_t size) {
        EXPECT_TRUE(run(rewind_cdb).good());
        const Answer answer = run(read_variable(uint32_t(size)));
        EXPECT_TRUE(answer.good()) << std::hex << answer.sense();
        return answer.data;
    }
};

TEST(BlockCodec, Ssc4_8_3_2_CompressesUntilItIsSwitchedOff) {
    CodecBench bench;
    ASSERT_TRUE(bench.run(write_variable(20000), text(20000)).good());
    EXPECT_EQ(bench.stored(0).block.flags, ssc::block_compressed);
    EXPECT_EQ(bench.stored(0).block.length, 20000u);
    EXPECT_LT(bench.stored(0).block.stored, 2000u);
    EXPECT_EQ(bench.read_back(20000), text(20000));
    bench.compress(false);
    ASSERT_TRUE(bench.run(write_variable(20000), text(20000)).good());
    EXPECT_EQ(bench.stored(1).block.flags, 0);
    EXPECT_EQ(bench.stored(1).payload, text(20000));
}

TEST(BlockCodec, WhatDoesNotGetSmallerIsStoredAsItIs) {
    CodecBench bench;
    ASSERT_TRUE(bench.run(write_variable(20000), noise(20000)).good());
    EXPECT_EQ(bench.stored(0).block.flags, 0);
    ASSERT_TRUE(bench.run(write_variable(64), Bytes(64)).good());
    EXPECT_EQ(bench.stored(1).block.flags, 0);
}

TEST(BlockCodec, BlocksOfManyPiecesAreCompressed) {
    CodecBench bench;
    ASSERT_TRUE(bench.run(write_variable(3 * mib + 5), text(3 * mib + 5)).good());
    EXPECT_EQ(bench.stored(0).block.flags, ssc::block_compressed);
    EXPECT_EQ(bench.read_back(3 * mib + 5), text(3 * mib + 5));
}

TEST(BlockCodec, ACompressedBlockIsReadInPart) {
    CodecBench bench;
    ASSERT_TRUE(bench.run(write_variable(5000), text(5000)).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    const Answer answer = bench.run(read_variable(100, sili));
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data, text(100));
}

TEST(BlockCodec, ADamagedCompressedBlockIsAMediumError) {
    CodecBench bench;
    ASSERT_TRUE(bench.run(write_variable(5000), text(5000)).good());
    bench.tape->all[0].objects[0].payload[0] ^= 1;
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(read_variable(5000)).sense(), 0x031100u);
    EXPECT_EQ(bench.object(), 1u);
}

TEST(BlockCodec, CartridgesWithoutFlagsGetPlainBlocks) {
    TapeBench bench;
    ASSERT_TRUE(bench.run(write_variable(20000), text(20000)).good());
    EXPECT_EQ(bench.tape->all[0].objects[0].payload, text(20000));
}

TEST(TapeEncryption, Ssc4_4_2_22_StoresCiphertextAndGivesThePlainBlockToWhoHasTheKey) {
    CodecBench bench;
    bench.compress(false);
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(write_variable(1000), text(1000)).good());
    const auto& payload = bench.stored(0).payload;
    EXPECT_EQ(bench.stored(0).block.flags, ssc::block_encrypted);
    EXPECT_EQ(memmem(payload.data(), payload.size(), "tape drive", 10), nullptr);
    EXPECT_EQ(bench.read_back(1000), text(1000));
}

TEST(TapeEncryption, EncryptedBlocksAreCompressedFirst) {
    CodecBench bench;
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(write_variable(20000), text(20000)).good());
    EXPECT_EQ(bench.stored(0).block.flags, ssc::block_encrypted | ssc::block_compressed);
    EXPECT_LT(bench.stored(0).block.stored, 2000u);
    EXPECT_EQ(bench.read_back(20000), text(20000));
}

TEST(TapeEncryption, Ssc4_4_2_22_WithoutTheKeyTheBlockStaysInFrontOfThePosition) {
    CodecBench bench;
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(write_variable(1000), text(1000)).good());
    ASSERT_TRUE(bench.key(1, 0, 0).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(read_variable(1000)).sense(), unable_to_decrypt);
    EXPECT_EQ(bench.object(), 0u);
    ASSERT_TRUE(bench.key(2).good());
    EXPECT_EQ(bench.run(read_variable(1000)).sense(), incorrect_key);
    EXPECT_EQ(bench.object(), 0u);
    ASSERT_TRUE(bench.key(1, 0, 3).good());
    EXPECT_EQ(bench.run(read_variable(1000)).data, text(1000));
}

TEST(TapeEncryption, Ssc4_4_2_22_MixedReadsPlainBlocksAndDecryptDoesNot) {
    CodecBench bench;
    ASSERT_TRUE(bench.run(write_variable(1000), noise(1000)).good());
    ASSERT_TRUE(bench.key(1, 2, 2).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(read_variable(1000)).sense(), unencrypted);
    EXPECT_EQ(bench.object(), 0u);
    ASSERT_TRUE(bench.key(1, 2, 3).good());
    EXPECT_EQ(bench.run(read_variable(1000)).data, noise(1000));
}

TEST(TapeEncryption, AChangedCiphertextIsNotGivenOut) {
    CodecBench bench;
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(write_variable(1000), noise(1000)).good());
    bench.tape->all[0].objects[0].payload[100] ^= 1;
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(read_variable(1000)).sense(), integrity_failed);
}

TEST(TapeEncryption, Ssc4_4_2_22_5_KeysEndWithAResetAndWithCkodWhenTheCartridgeLeaves) {
    CodecBench bench;
    Bytes page = CodecBench::key_page(1, 2, 2);
    page[5] = 0x04;
    ASSERT_TRUE(bench.run(CodecBench::spout(page.size()), page).good());
    EXPECT_EQ(bench.spin(0x20).data[5], 2);
    ASSERT_TRUE(bench.run(unload_cdb).good());
    EXPECT_EQ(bench.spin(0x20).data[5], 0);
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(load_cdb).good());
    EXPECT_EQ(bench.spin(0x20).data[5], 2);
}

TEST(TapeEncryption, OtherNexusesAreToldAndALockIsKept) {
    CodecBench bench;
    const size_t other = bench.harness.add_nexus("other");
    ASSERT_TRUE(bench.from(other, test_ready).good());
    ASSERT_TRUE(bench.key(1, 2, 2, 0x41).good());
    EXPECT_EQ(bench.from(other, test_ready).sense(), changed_by_another);
    Harness::Send send;
    send.nexus = other;
    send.data = CodecBench::key_page(2, 2, 2);
    ASSERT_TRUE(bench.harness.run(CodecBench::spout(52), send).good());
    EXPECT_EQ(bench.run(test_ready).sense(), changed_by_another);
    EXPECT_EQ(bench.run(write_variable(100), noise(100)).sense(), key_changed);
}

TEST(TapeEncryption, Ssc4_4_2_22_6_ABrokenLockLeavesTheBlockInFrontOfThePosition) {
    CodecBench bench;
    const size_t other = bench.harness.add_nexus("other");
    ASSERT_TRUE(bench.key(1, 2, 2, 0x41).good());
    ASSERT_TRUE(bench.run(write_variable(100), noise(100)).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    Harness::Send send;
    send.nexus = other;
    EXPECT_EQ(bench.from(other, test_ready).sense(), changed_by_another);
    send.data = CodecBench::key_page(2, 2, 2);
    ASSERT_TRUE(bench.harness.run(CodecBench::spout(52), send).good());
    EXPECT_EQ(bench.run(test_ready).sense(), changed_by_another);
    EXPECT_EQ(bench.run(read_variable(100)).sense(), key_changed);
    EXPECT_EQ(bench.object(), 0u);
    ASSERT_TRUE(bench.key(1).good());
    EXPECT_EQ(bench.run(read_variable(100)).data, noise(100));
}

TEST(TapeEncryption, Ssc4_8_5_2_8_ADamagedNextBlockIsNotPassedEither) {
    CodecBench bench;
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(write_variable(1000), noise(1000)).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    bench.tape->all[0].objects[0].damaged = true;
    EXPECT_EQ(bench.spin(0x21).data[12], 0x11);
    EXPECT_EQ(bench.object(), 0u);
}

TEST(BlockCodec, ABlockOfNothingThatCannotBeOpenedIsAMediumError) {
    CodecBench bench;
    ASSERT_TRUE(bench.key(1).good());
    MemoryTape::Object strange;
    strange.block.kind = store::TapeObject::block;
    strange.block.flags = ssc::block_encrypted;
    bench.tape->all[0].objects.push_back(strange);
    EXPECT_EQ(bench.run(read_variable(100)).sense(), 0x031100u);
    EXPECT_EQ(bench.object(), 1u);
}

TEST(TapeEncryption, Ssc4_5_3_ABlockThatCannotBeOpenedComesWithTheResidue) {
    CodecBench bench;
    bench.set_block(100);
    ASSERT_TRUE(bench.run(write_fixed(1), noise(100)).good());
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(write_fixed(2), noise(200)).good());
    ASSERT_TRUE(bench.key(2, 2, 3).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    const Answer answer = bench.run(read_fixed(3));
    EXPECT_EQ(answer.sense(), incorrect_key);
    EXPECT_EQ(information(answer), 2);
    EXPECT_EQ(answer.data, noise(100));
    EXPECT_EQ(bench.object(), 1u);
}

TEST(TapeEncryption, Ssc4_8_5_2_PagesOfSecurityProtocolIn) {
    CodecBench bench;
    EXPECT_EQ(bench.spin(0, 0).data, (Bytes{0, 0, 0, 0, 0, 0, 0, 2, 0, 0x20}));
    EXPECT_EQ(bench.spin(1, 0).data, Bytes(4));
    for (uint16_t page : {0x00, 0x01, 0x10, 0x11, 0x12, 0x20, 0x21, 0x30})
        EXPECT_TRUE(bench.spin(page).good()) << page;
    EXPECT_EQ(bench.spin(0x31).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.spin(0, 0x41).sense(), invalid_field_in_cdb);
    EXPECT_NE(bench.spin(0x30).data, bench.spin(0x30).data);
    EXPECT_EQ(bench.spin(0x10).data[24], 0xba);
}

TEST(TapeEncryption, Ssc4_8_5_2_8_TheNextBlockIsLookedIntoAndNotPassed) {
    CodecBench bench;
    ASSERT_TRUE(bench.key(1).good());
    ASSERT_TRUE(bench.run(write_variable(1000), noise(1000)).good());
    EXPECT_EQ(bench.spin(0x21).data[12], 0x22);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.spin(0x21).data[12], 0x35);
    ASSERT_TRUE(bench.key(2).good());
    EXPECT_EQ(bench.spin(0x21).data[12], 0x36);
    EXPECT_EQ(bench.object(), 0u);
}

TEST(TapeEncryption, CartridgesThatCannotKeepItAreNotWrittenInTheOpen) {
    TapeBench bench;
    const Bytes page = CodecBench::key_page(1, 2, 2);
    ASSERT_TRUE(bench.run(CodecBench::spout(page.size()), page).good());
    EXPECT_EQ(bench.run(write_variable(100), noise(100)).sense(), cannot_write_format);
}

Bytes with_protection(ssc::Protection method, Bytes block) {
    const auto info = ssc::protection_of(method, block);
    block.insert(block.end(), info.begin(), info.end());
    return block;
}

TEST(BlockProtection, Ssc5_4_2_29_IsCheckedOnWriteAndNotStored) {
    for (uint8_t method : {1, 2}) {
        CodecBench bench;
        bench.protect(method, 0x80);
        Bytes block = with_protection(ssc::Protection(method), noise(500));
        ASSERT_TRUE(bench.run(write_variable(504), block).good());
        EXPECT_EQ(bench.stored(0).payload, noise(500));
        EXPECT_EQ(bench.stored(0).block.length, 500u);
        block[20] ^= 1;
        EXPECT_EQ(bench.run(write_variable(504), block).sense(), guard_check);
        EXPECT_EQ(bench.object(), 1u);
        EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), invalid_field_in_cdb);
    }
}

TEST(BlockProtection, Ssc4_5_10_AFailedCheckComesWithTheResidue) {
    CodecBench bench;
    bench.protect(2, 0x80);
    bench.set_block(104);
    Bytes blocks = with_protection(ssc::Protection::crc32c, noise(100));
    blocks.resize(3 * 104);
    const Answer answer = bench.run(write_fixed(3), blocks);
    EXPECT_EQ(answer.sense(), guard_check);
    EXPECT_EQ(information(answer), 2);
    EXPECT_EQ(bench.object(), 1u);
}

TEST(BlockProtection, Ssc5_4_2_29_IsGivenWithReads) {
    CodecBench bench;
    ASSERT_TRUE(bench.run(write_variable(500), text(500)).good());
    for (uint8_t method : {1, 2}) {
        bench.protect(method, 0x40);
        EXPECT_EQ(bench.read_back(504), with_protection(ssc::Protection(method), text(500)));
    }
    bench.protect(1, 0x00);
    EXPECT_EQ(bench.read_back(500), text(500));
}

TEST(BlockProtection, Ssc5_4_2_29_CountsInTheFixedBlockLength) {
    CodecBench bench;
    bench.protect(2, 0xc0);
    bench.set_block(104);
    Bytes two = with_protection(ssc::Protection::crc32c, noise(100));
    const Bytes second = with_protection(ssc::Protection::crc32c, text(100));
    two.insert(two.end(), second.begin(), second.end());
    ASSERT_TRUE(bench.run(write_fixed(2), two).good());
    EXPECT_EQ(bench.object(), 2u);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(read_fixed(2)).data, two);
}

}  // namespace
}  // namespace tgt::test
