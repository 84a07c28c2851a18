// SPDX-License-Identifier: GPL-2.0-or-later
// Version 2 of tgt's older tape images: byte for byte what tgt 1.0.85 makes and writes.
#include <filesystem>
#include <fstream>

#include "base/crc32c.h"
#include "store/ssc/create.h"
#include "store/ssc/image.h"
#include "store/ssc/tape2.h"
#include "tests/unit/store/fixture.h"
#include "tests/unit/store/tape_fixture.h"

namespace tgt::store::test {
namespace {

using namespace ssc;

// As tgtimg made it: the serial number has the time.
const CartridgeSpec as_tgt{.barcode = "A00001L8",
                           .capacity = uint64_t(100) << 20,
                           .serial = "A00001L8_1795454161",
                           .max_partitions = 1};

Object letters(size_t count, uint8_t letter) {
    return {false, 0, uint32_t(count), Bytes(count, letter)};
}

struct TapeFormat2 : ::testing::Test {
    std::shared_ptr<Disk> disk = std::make_shared<Disk>();
    std::unique_ptr<Tape> tape;

    void SetUp() override {
        disk->now = v2::blank(as_tgt);
        open();
    }
    void open() {
        tape.reset();
        auto opened = open_image(std::make_unique<DiskFile>(disk), false);
        ASSERT_TRUE(opened) << opened.error().text;
        tape = std::move(*opened);
    }
    void write_as_tgt_did() {
        for (const Object& one :
             {letters(512, 'a'), letters(1000, 'b'), filemark(), letters(256, 'c')})
            ASSERT_EQ(put(*tape, one), 0);
        ASSERT_EQ(tape->write_filemarks(2), 0);
    }
    uint32_t sum() const { return crc32c(disk->now.data(), disk->now.size()); }
};

TEST_F(TapeFormat2, ABlankOneHasTheBytesOfTgtimg) {
    EXPECT_EQ(disk->now.size(), 1200u);
    EXPECT_EQ(sum(), 0x55290e4cu);
}

TEST_F(TapeFormat2, WhatIsWrittenHasTheBytesOfTgt) {
    write_as_tgt_did();
    EXPECT_EQ(disk->now.size(), 3256u);
    EXPECT_EQ(sum(), 0x6aa7057bu);
    open();
    EXPECT_EQ(sum(), 0x6aa7057bu);
    EXPECT_EQ(contents(*tape, 0), (Objects{letters(512, 'a'), letters(1000, 'b'), filemark(),
                                           letters(256, 'c'), filemark(), filemark()}));
}

TEST_F(TapeFormat2, TheRecordOfTheCartridgeIsReadAsInfoAndAttributes) {
    const TapeInfo& info = tape->info();
    EXPECT_EQ(info.format, "tgt tape 2");
    EXPECT_EQ(info.kind, TapeKind::data);
    EXPECT_EQ(info.barcode, "A00001L8");
    EXPECT_EQ(info.serial, "A00001L8_1795454161");
    EXPECT_EQ(info.capacity, uint64_t(100) << 20);
    EXPECT_EQ(info.max_partitions, 1u);
    EXPECT_FALSE(info.keeps_flags);
    const auto& attributes = tape->attributes(0);
    const std::string maker = "Foo     ";
    EXPECT_EQ(attributes.at(0x0400).value, Bytes(maker.begin(), maker.end()));
    EXPECT_EQ(attributes.at(0x0806).value.size(), 31u);
    EXPECT_EQ(attributes.count(0x0003), 0u);
}

TEST_F(TapeFormat2, AttributesAreKeptWhereTgtHasThem) {
    const TapeAttribute loads = {.value = {0, 0, 0, 0, 0, 0, 0, 7}};
    const TapeAttribute host = {.format = TapeAttribute::Format::text, .value = {'h', 'o'}};
    EXPECT_EQ(tape->set_attribute(0, 0x0003, loads), 0);
    EXPECT_EQ(tape->set_attribute(0, 0x0807, host), 0);
    EXPECT_EQ(tape->set_attribute(0, 0x1400, {.value = {1}}), ENOSPC);
    EXPECT_EQ(tape->set_attribute(0, 0x0800, {.value = Bytes(9, 'x')}), ENOSPC);
    EXPECT_EQ(tape->set_density(0x46), 0);
    open();
    EXPECT_EQ(disk->now[48 + 32 + 7], 7);
    EXPECT_EQ(tape->attributes(0).at(0x0003), loads);
    EXPECT_EQ(tape->attributes(0).at(0x0807), host);
    EXPECT_EQ(tape->info().density, 0x46);
}

TEST_F(TapeFormat2, KindsAreThoseOfTgt) {
    for (const TapeKind kind : {TapeKind::data, TapeKind::worm, TapeKind::cleaning}) {
        CartridgeSpec spec = as_tgt;
        spec.kind = kind;
        disk->now = v2::blank(spec);
        auto opened = open_image(std::make_unique<DiskFile>(disk), true);
        ASSERT_TRUE(opened);
        EXPECT_EQ((*opened)->info().kind, kind);
    }
}

// Cut anywhere, it has the objects that are whole.
TEST_F(TapeFormat2, ATailThatIsTornIsTheEnd) {
    write_as_tgt_did();
    const Objects whole = contents(*tape, 0);
    tape.reset();
    const Bytes all = disk->now;
    for (size_t size = v2::first_block; size < all.size(); ++size) {
        disk->now.assign(all.begin(), all.begin() + ptrdiff_t(size));
        open();
        ASSERT_TRUE(tape);
        Objects left = contents(*tape, 0);
        ASSERT_TRUE(is_prefix(left, whole)) << size;
        ASSERT_EQ(put(*tape, filemark()), 0);
        left.push_back(filemark());
        open();
        ASSERT_EQ(contents(*tape, 0), left) << size;
    }
}

TEST_F(TapeFormat2, BlocksThatTgtCouldNotReadAreRefused) {
    Bytes bytes(10);
    const iovec piece = {bytes.data(), bytes.size()};
    EXPECT_EQ(tape->write({.kind = TapeObject::block, .length = 20, .stored = 10}, {&piece, 1}),
              EINVAL);
    EXPECT_EQ(tape->write({.kind = TapeObject::block, .length = 10, .stored = 10, .flags = 1},
                          {&piece, 1}),
              EINVAL);
    const std::array<uint64_t, 2> two = {1 << 20, 1 << 20};
    EXPECT_EQ(tape->format(two), EINVAL);
}

TEST_F(TapeFormat2, ACapacityIsNotOutgrownByMoreThanTwoPercent) {
    CartridgeSpec spec = as_tgt;
    spec.capacity = 1 << 20;
    disk->now = v2::blank(spec);
    open();
    int error = 0;
    for (const Object& one : {block(50000, 1), block(10, 2)})
        while ((error = put(*tape, one)) == 0) {
        }
    EXPECT_EQ(error, EFBIG);
    EXPECT_EQ(tape->write_filemarks(100000), EFBIG);
    EXPECT_GE(tape->room(0).used, spec.capacity);
    EXPECT_LE(disk->now.size(), spec.capacity * 102 / 100);
}

TEST(TapeFormat2Files, AreMadeOnRequestAndOpenedLikeOthers) {
    TempDir dir;
    const std::string path = dir / "tape";
    ASSERT_TRUE(create_cartridge(path, as_tgt, 2));
    EXPECT_EQ(std::filesystem::file_size(path), 1200u);
    auto store = find_engine("ssc")->open({.path = path, .options = "", .flags = {}});
    ASSERT_TRUE(store) << store.error().text;
    EXPECT_EQ((*store)->tape()->info().format, "tgt tape 2");
    CartridgeSpec long_name = as_tgt;
    long_name.barcode = std::string(32, 'B');
    EXPECT_FALSE(create_cartridge(dir / "other", long_name, 2));
    EXPECT_FALSE(create_cartridge(dir / "other", as_tgt, 4));
    EXPECT_FALSE(std::filesystem::exists(dir / "other"));
}

}  // namespace
}  // namespace tgt::store::test
