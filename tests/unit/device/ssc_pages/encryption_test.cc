// SPDX-License-Identifier: GPL-2.0-or-later
// Tape data encryption security protocol (SSC-4 4.2.22, 8.5).
#include "device/ssc/encryption.h"

#include <gtest/gtest.h>

#include "wire/endian.h"

namespace tgt::ssc {
namespace {

using Bytes = std::vector<uint8_t>;
using Scope = SetEncryption::Scope;
const scsi::NexusId alice{"alice", 1}, bob{"bob", 1};

// SET DATA ENCRYPTION with a key; changed by each test.
Bytes set_page(Scope scope, const Bytes& kads = {}) {
    Bytes page(20 + key_bytes, 0x55);
    std::fill(page.begin(), page.begin() + 20, uint8_t(0));
    page[1] = 0x10;
    page[4] = uint8_t(uint8_t(scope) << 5);
    page[6] = 2;
    page[7] = 2;
    page[8] = 1;
    page[19] = key_bytes;
    page.insert(page.end(), kads.begin(), kads.end());
    wire::store_be<2>(&page[2], uint16_t(page.size() - 4));
    return page;
}

int wrong_byte(const Bytes& page) {
    const auto parsed = parse_set_encryption(page);
    if (parsed) return -1;
    return parsed.error().asc == 0x1a ? -2 : parsed.error().specific_value;
}
int changed(size_t at, uint8_t value) {
    Bytes page = set_page(Scope::all);
    page[at] = value;
    return wrong_byte(page);
}

TEST(SetDataEncryption, Ssc4_8_5_3_2_TakesModesKeyAndKeyAssociatedData) {
    const Bytes kads = {0, 0, 0, 2, 'h', 'i', 1, 0, 0, 1, 'x'};
    Bytes page = set_page(Scope::local, kads);
    page[4] |= 1;
    page[5] = 0x04;
    const auto set = parse_set_encryption(page);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->scope, Scope::local);
    EXPECT_TRUE(set->lock && set->clear_on_demount);
    EXPECT_EQ(set->encrypt, EncryptionMode::encrypt);
    EXPECT_EQ(set->decrypt, DecryptionMode::decrypt);
    EXPECT_TRUE(set->key);
    EXPECT_EQ(set->ukad, (Bytes{'h', 'i'}));
    EXPECT_EQ(set->akad, Bytes{'x'});
}

TEST(SetDataEncryption, Ssc4_8_5_3_2_PointsToWhatIsWrong) {
    EXPECT_EQ(wrong_byte(set_page(Scope::all)), -1);
    EXPECT_EQ(changed(1, 0x11), 0);
    EXPECT_EQ(changed(3, 0), -2);
    EXPECT_EQ(changed(4, 0x60), 4);  // no such scope
    EXPECT_EQ(changed(5, 0x80), 5);  // CEEM: encrypted outside
    EXPECT_EQ(changed(5, 0xc0), -1);
    EXPECT_EQ(changed(5, 0x30), -1);  // RDMC: no raw reads
    EXPECT_EQ(changed(5, 0x08), 5);   // SDK
    EXPECT_EQ(changed(6, 1), 6);      // external
    EXPECT_EQ(changed(6, 3), 6);
    EXPECT_EQ(changed(7, 1), 7);  // raw
    EXPECT_EQ(changed(7, 3), -1);
    EXPECT_EQ(changed(8, 0), -1);
    EXPECT_EQ(changed(8, 2), 8);     // algorithm
    EXPECT_EQ(changed(9, 1), 9);     // key format
    EXPECT_EQ(changed(19, 16), 18);  // key length
    EXPECT_EQ(changed(18, 1), 18);
    EXPECT_EQ(wrong_byte(set_page(Scope::all, {0, 0, 0, 33})), 54);
    EXPECT_EQ(wrong_byte(set_page(Scope::all, {2, 0, 0, 0})), 52);
    EXPECT_EQ(wrong_byte(set_page(Scope::all, {0, 0, 0})), 52);
    EXPECT_EQ(wrong_byte(Bytes(19)), -2);
}

TEST(SetDataEncryption, SwitchingOffNeedsNoKey) {
    Bytes page(20);
    page[1] = 0x10;
    page[3] = 16;
    page[4] = 0x40;
    const auto set = parse_set_encryption(page);
    ASSERT_TRUE(set);
    EXPECT_FALSE(set->key);
    EXPECT_EQ(set->encrypt, EncryptionMode::disable);
}

SetEncryption wanted(Scope scope) {
    return *parse_set_encryption(set_page(scope));
}

TEST(EncryptionScopes, Ssc4_4_2_22_4_AllMeansEveryNexusWithoutItsOwn) {
    Encryption encryption;
    encryption.set(alice, wanted(Scope::all));
    EXPECT_TRUE(encryption.of(bob).key);
    EXPECT_EQ(encryption.scope_of(bob), Scope::open);
    EXPECT_EQ(encryption.source_of(bob), Scope::all);
    encryption.set(bob, wanted(Scope::local));
    EXPECT_NE(encryption.of(bob).key, encryption.of(alice).key);
    EXPECT_EQ(encryption.source_of(bob), Scope::local);
    encryption.set(bob, wanted(Scope::open));
    EXPECT_EQ(encryption.of(bob).key, encryption.of(alice).key);
}

TEST(EncryptionScopes, Ssc4_4_2_22_5_DemountTakesTheKeysThatAskedForIt) {
    Encryption encryption;
    auto passing = wanted(Scope::all);
    passing.clear_on_demount = true;
    encryption.set(alice, std::move(passing));
    encryption.set(bob, wanted(Scope::local));
    encryption.demounted();
    EXPECT_FALSE(encryption.of(alice).key);
    EXPECT_TRUE(encryption.of(bob).key);
    encryption.clear();
    EXPECT_FALSE(encryption.of(bob).key);
}

TEST(EncryptionScopes, Ssc4_4_2_22_6_ALockBreaksWhenAnotherKeyIsInForce) {
    Encryption encryption;
    auto locked = wanted(Scope::all);
    locked.lock = true;
    encryption.set(alice, std::move(locked));
    EXPECT_FALSE(encryption.lock_is_broken(alice));
    encryption.set(bob, wanted(Scope::all));
    EXPECT_TRUE(encryption.lock_is_broken(alice));
    EXPECT_FALSE(encryption.lock_is_broken(bob));
    encryption.set(alice, wanted(Scope::open));
    EXPECT_FALSE(encryption.lock_is_broken(alice));
}

TEST(EncryptionScopes, Ssc4_4_2_22_5_WhatIsOfOneNexusEndsWithIt) {
    Encryption encryption;
    ASSERT_TRUE(encryption.set(alice, wanted(Scope::all)));
    ASSERT_TRUE(encryption.set(bob, wanted(Scope::local)));
    encryption.nexus_lost(bob);
    EXPECT_EQ(encryption.scope_of(bob), Scope::open);
    EXPECT_EQ(encryption.source_of(bob), Scope::all);
    encryption.nexus_lost(alice);
    EXPECT_EQ(encryption.scope_of(alice), Scope::open);
    EXPECT_EQ(encryption.source_of(bob), Scope::all);
    for (int i = 0; i < 5000; ++i) {
        const scsi::NexusId passing{"passing" + std::to_string(i), 1};
        ASSERT_TRUE(encryption.set(passing, wanted(Scope::local)));
        encryption.nexus_lost(passing);
    }
}

TEST(EncryptionScopes, StrangersCannotFillTheMemory) {
    Encryption encryption;
    for (int i = 0; i < 1024; ++i)
        EXPECT_TRUE(encryption.set({std::to_string(i), 1}, wanted(Scope::local)));
    EXPECT_FALSE(encryption.set(alice, wanted(Scope::local)));
    EXPECT_TRUE(encryption.set({"7", 1}, wanted(Scope::open)));
    EXPECT_TRUE(encryption.set(alice, wanted(Scope::local)));
}

TEST(EncryptionPages, Ssc4_8_5_2_ListsPages) {
    EXPECT_EQ(encryption_pages_in(), (Bytes{0, 0,    0, 16,   0, 0,    0, 1,    0, 0x10,
                                            0, 0x11, 0, 0x12, 0, 0x20, 0, 0x21, 0, 0x30}));
    EXPECT_EQ(encryption_pages_out(), (Bytes{0, 1, 0, 2, 0, 0x10}));
    EXPECT_EQ(encryption_key_formats(), (Bytes{0, 0x11, 0, 1, 0}));
    EXPECT_EQ(encryption_management(), (Bytes{0, 0x12, 0, 12, 1, 4, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(EncryptionPages, Ssc4_8_5_2_4_OffersAes256Gcm) {
    const Bytes page = encryption_capabilities({true});
    ASSERT_EQ(page.size(), 44u);
    EXPECT_EQ(wire::load_be<2>(&page[2]), 40u);
    EXPECT_EQ(page[20], 1);
    EXPECT_EQ(wire::load_be<2>(&page[22]), 20u);
    EXPECT_EQ(page[24], 0xba);
    EXPECT_EQ(wire::load_be<2>(&page[26]), 32u);
    EXPECT_EQ(wire::load_be<2>(&page[28]), 12u);
    EXPECT_EQ(wire::load_be<2>(&page[30]), 32u);
    EXPECT_EQ(wire::load_be<4>(&page[40]), 0x00010014u);
    EXPECT_EQ(encryption_capabilities({false})[24], 0x3a);
}

TEST(EncryptionPages, Ssc4_8_5_2_7_TheStatusNamesTheKeyButDoesNotGiveIt) {
    Encryption encryption;
    auto set = wanted(Scope::all);
    set.ukad = {'k', '1'};
    encryption.set(alice, std::move(set));
    const Bytes page = encryption_status(encryption, alice);
    EXPECT_EQ(page, (Bytes{0, 0x20, 0, 26, 0x42, 2, 2, 1, 0, 0, 0, 1, 1, 0,   0,
                           0, 0,    0, 0,  0,    0, 0, 0, 0, 0, 1, 0, 2, 'k', '1'}));
    EXPECT_EQ(encryption_status(encryption, bob)[4], 0x02);
    EXPECT_EQ(encryption_status(Encryption(), bob)[4], 0x00);
}

TEST(EncryptionPages, Ssc4_8_5_2_8_TheNextBlock) {
    NextBlock next;
    next.object = 5;
    next.status = NextBlock::Status::readable;
    next.compressed = true;
    next.ukad = {'u'};
    const Bytes page = next_block_status(next);
    EXPECT_EQ(page,
              (Bytes{0, 0x21, 0, 17, 0, 0, 0, 0, 0, 0, 0, 5, 0x45, 1, 3, 0, 0, 1, 0, 1, 'u'}));
    EXPECT_EQ(next_block_status({})[12], 0x11);
    next = {};
    next.status = NextBlock::Status::no_block;
    EXPECT_EQ(next_block_status(next)[12], 0x22);
    next.status = NextBlock::Status::clear;
    EXPECT_EQ(next_block_status(next)[12], 0x33);
}

}  // namespace
}  // namespace tgt::ssc
