// SPDX-License-Identifier: GPL-2.0-or-later
// Tape cartridges in files: making them, opening them, what they refuse.
#include <sys/stat.h>

#include <filesystem>

#include "store/ssc/create.h"
#include "store/ssc/media_types.h"
#include "store/ssc/ssc.h"
#include "store/ssc/tape3.h"
#include "tests/unit/store/fixture.h"
#include "tests/unit/store/tape_fixture.h"

namespace tgt::store::test {
namespace {

using namespace ssc;

struct TapeImage : ::testing::Test {
    TempDir dir;
    std::string path = dir / "tape";
    CartridgeSpec spec{.barcode = "ABC123L8", .capacity = 12'000'000'000'000, .density = 0x5e};

    void create() {
        auto made = create_cartridge(path, spec);
        ASSERT_TRUE(made) << made.error().text;
    }
    Result<std::unique_ptr<Store>> open(OpenFlags flags = {}) {
        return ssc_engine.open({.path = path, .options = "", .flags = flags, .block_size = 512});
    }
    std::unique_ptr<Store> must_open(OpenFlags flags = {}) {
        auto opened = open(flags);
        EXPECT_TRUE(opened) << opened.error().text;
        return opened ? std::move(*opened) : nullptr;
    }
    uint64_t taken() const {
        struct stat st {};
        stat(path.c_str(), &st);
        return uint64_t(st.st_blocks) * 512;
    }
};

TEST(TapeMetadata, AnAttributeLongerThanReadAttributeCanTellIsRefused_Spc4_7_4_1) {
    const uint64_t capacity = 1 << 20;
    Metadata metadata;
    metadata.capacity = capacity;
    metadata.partitions = laid_out({&capacity, 1});
    auto& attribute = metadata.partitions[0].attributes[0x1400];
    attribute.value.resize(UINT16_MAX);
    EXPECT_TRUE(decode_metadata(encode(metadata)));
    attribute.value.resize(UINT16_MAX + 1);
    EXPECT_FALSE(decode_metadata(encode(metadata)));
}

TEST_F(TapeImage, TheEngineIsFoundByTheNameThatTgtHas) {
    ASSERT_EQ(find_engine("ssc"), &ssc_engine);
    EXPECT_EQ(ssc_engine.content, Content::tape);
}

TEST_F(TapeImage, ANewCartridgeIsBlankAndSmallWhateverItsCapacity) {
    create();
    EXPECT_LT(taken(), 1u << 20);
    auto store = must_open();
    ASSERT_TRUE(store && store->tape());
    Tape& tape = *store->tape();
    EXPECT_EQ(tape.info().format, "tgt tape 3");
    EXPECT_EQ(tape.info().barcode, "ABC123L8");
    EXPECT_EQ(tape.info().density, 0x5e);
    EXPECT_EQ(tape.info().capacity, 12'000'000'000'000u);
    EXPECT_EQ(tape.info().max_partitions, 4u);
    EXPECT_FALSE(tape.info().serial.empty());
    EXPECT_FALSE(tape.info().read_only);
    EXPECT_EQ(tape.partitions(), 1u);
    EXPECT_EQ(tape.room(0).capacity, 12'000'000'000'000u);
    EXPECT_EQ(contents(tape, 0), Objects());
}

TEST_F(TapeImage, AnExistingFileIsLeftAlone) {
    dir.file("tape", 5);
    auto made = create_cartridge(path, spec);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, EEXIST);
    EXPECT_EQ(std::filesystem::file_size(path), 5u);
}

TEST_F(TapeImage, ACartridgeThatCannotBeIsRefused) {
    for (const std::string& barcode : {std::string(), std::string(33, 'A'), std::string("A\n")}) {
        spec.barcode = barcode;
        EXPECT_FALSE(create_cartridge(path, spec)) << barcode;
    }
    spec.barcode = std::string(32, 'A');
    spec.capacity = 1000;
    EXPECT_FALSE(create_cartridge(path, spec));
    EXPECT_FALSE(std::filesystem::exists(path));
    spec.capacity = 1 << 20;
    EXPECT_TRUE(create_cartridge(path, spec));
}

TEST_F(TapeImage, NoTwoDrivesHaveOneCartridge) {
    create();
    auto first = must_open();
    auto second = open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EBUSY);
    const Identity identity = first->info().identity;
    first.reset();
    auto third = must_open();
    EXPECT_EQ(third->info().identity, identity);
    EXPECT_TRUE(identity.known);
    EXPECT_FALSE(third->info().lasting_id.empty());
}

TEST_F(TapeImage, NotEvenWhenBothOnlyReadIt) {
    create();
    auto first = must_open({.read_only = true});
    auto second = open({.read_only = true});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EBUSY);
    EXPECT_TRUE(open({.read_only = true, .force = true}));
    first.reset();
    EXPECT_TRUE(open({.read_only = true}));
}

TEST_F(TapeImage, AFileThatNobodyMayWriteIsWriteProtectedAlsoForRoot) {
    create();
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    auto store = must_open();
    EXPECT_TRUE(store->tape()->info().read_only);
    EXPECT_EQ(put(*store->tape(), block(1000, 1)), EROFS);
}

TEST_F(TapeImage, AReadOnlyOneIsWriteProtected) {
    create();
    {
        auto store = must_open();
        ASSERT_EQ(put(*store->tape(), block(1000, 1)), 0);
    }
    auto store = must_open({.read_only = true});
    Tape& tape = *store->tape();
    EXPECT_TRUE(tape.info().read_only);
    EXPECT_EQ(contents(tape, 0), Objects{block(1000, 1)});
    EXPECT_EQ(put(tape, block(10, 1)), EROFS);
    EXPECT_EQ(tape.write_filemarks(1), EROFS);
    EXPECT_EQ(tape.truncate(), EROFS);
    EXPECT_EQ(tape.set_density(1), EROFS);
    EXPECT_EQ(tape.set_attribute(0, 1, {.value = {1}}), EROFS);
    const uint64_t size = 1 << 20;
    EXPECT_EQ(tape.format({&size, 1}), EROFS);
    EXPECT_EQ(tape.flush(), 0);
}

TEST_F(TapeImage, WhatIsNoTapeIsRefusedByName) {
    dir.file("tape", 1 << 20);
    auto opened = open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, EINVAL);
    EXPECT_NE(opened.error().text.find(path), std::string::npos);
}

TEST_F(TapeImage, BlocksFilemarksAndAttributesAreThereAfterReopening) {
    create();
    const Objects wanted = {block(1, 1), block(16 << 20, 2, 0x8001), filemark(), block(0, 0)};
    const TapeAttribute owner = {.format = TapeAttribute::Format::text, .value = {'m', 'e'}};
    {
        auto store = must_open();
        for (const Object& object : wanted) ASSERT_EQ(put(*store->tape(), object), 0);
        EXPECT_EQ(store->tape()->set_attribute(0, 0x0800, owner), 0);
        EXPECT_EQ(store->tape()->set_density(0x5c), 0);
    }
    auto store = must_open();
    EXPECT_EQ(contents(*store->tape(), 0), wanted);
    EXPECT_EQ(store->tape()->attributes(0).at(0x0800), owner);
    EXPECT_EQ(store->tape()->info().density, 0x5c);
    EXPECT_EQ(store->tape()->set_attribute(0, 0x0800, {}), 0);
    EXPECT_TRUE(store->tape()->attributes(0).empty());
}

TEST_F(TapeImage, WritingFromTheBeginningGivesTheRoomBack) {
    create();
    auto store = must_open();
    Tape& tape = *store->tape();
    const uint64_t empty = taken();
    for (uint8_t i = 0; i < 8; ++i) ASSERT_EQ(put(tape, block(1 << 20, i)), 0);
    EXPECT_EQ(tape.flush(), 0);
    EXPECT_GE(taken(), 8u << 20);
    bool reached = false;
    ASSERT_EQ(tape.locate(0, 0, reached), 0);
    ASSERT_EQ(put(tape, block(10, 1)), 0);
    EXPECT_EQ(tape.flush(), 0);
    EXPECT_LT(taken(), empty + (1 << 20));
}

TEST_F(TapeImage, ADamagedBlockIsToldAndPassed) {
    create();
    const Objects written = {block(5000, 1), block(5000, 2), filemark()};
    {
        auto store = must_open();
        for (const Object& object : written) ASSERT_EQ(put(*store->tape(), object), 0);
    }
    {
        UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        const uint8_t other = 0xee;
        ASSERT_EQ(pwrite(fd.get(), &other, 1, off_t(metadata_area_size + 64 + 100)), 1);
    }
    auto store = must_open();
    Object object;
    EXPECT_EQ(take(*store->tape(), object), EBADMSG);
    EXPECT_EQ(store->tape()->position().object, 1u);
    EXPECT_EQ(take(*store->tape(), object), 0);
    EXPECT_EQ(object, written[1]);
}

// Payload and header of the next object come in one call, so whoever reads on knows what follows.
TEST_F(TapeImage, WhatIsInThePageCacheIsReadWithoutWaiting) {
    create();
    auto store = must_open();
    Tape& tape = *store->tape();
    for (const Object& object : {block(5000, 1), block(70000, 2), filemark()})
        ASSERT_EQ(put(tape, object), 0);
    bool reached = false;
    ASSERT_EQ(tape.locate(0, 0, reached), 0);
    TapeBlock known;
    ASSERT_EQ(tape.next(known), 0);
    for (const Object& wanted : {block(5000, 1), block(70000, 2)}) {
        ASSERT_TRUE(tape.next_cached(known));
        EXPECT_EQ(known.length, wanted.length);
        Bytes payload(known.stored);
        const iovec piece = {payload.data(), payload.size()};
        ASSERT_EQ(tape.read_cached({&piece, 1}), 0);
        EXPECT_EQ(payload, wanted.payload);
    }
    EXPECT_EQ(tape.position(), (TapePosition{.partition = 0, .object = 2, .file = 0}));
    ASSERT_TRUE(tape.next_cached(known));
    EXPECT_EQ(known.kind, TapeObject::filemark);
    EXPECT_EQ(tape.read_cached({}), EINVAL);
    ASSERT_EQ(tape.to_end_of_data(0), 0);
    EXPECT_FALSE(tape.next_cached(known));
}

TEST_F(TapeImage, ADamagedBlockIsLeftToWhoeverMayWait) {
    create();
    auto store = must_open();
    Tape& tape = *store->tape();
    ASSERT_EQ(put(tape, block(5000, 1)), 0);
    {
        UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        const uint8_t other = 0xee;
        ASSERT_EQ(pwrite(fd.get(), &other, 1, off_t(metadata_area_size + 64 + 100)), 1);
    }
    bool reached = false;
    ASSERT_EQ(tape.locate(0, 0, reached), 0);
    TapeBlock known;
    ASSERT_EQ(tape.next(known), 0);
    Bytes payload(known.stored);
    const iovec piece = {payload.data(), payload.size()};
    EXPECT_EQ(tape.read_cached({&piece, 1}), EAGAIN);
    EXPECT_EQ(tape.position().object, 0u);
    EXPECT_EQ(tape.read({&piece, 1}), EBADMSG);
}

TEST(TapeCache, WhatWouldHaveToBeWaitedForLeavesThePositionAndWhatIsKnown) {
    auto disk = std::make_shared<Disk>();  // whose file has nothing in a page cache
    DiskFile file(disk);
    ASSERT_EQ(Tape3::create(file, {.capacity = 1 << 30, .max_partitions = 2}), 0);
    auto opened = Tape3::open(std::make_unique<DiskFile>(disk), false);
    ASSERT_TRUE(opened) << opened.error().text;
    Tape& tape = **opened;
    const Object written = block(5000, 1);
    ASSERT_EQ(put(tape, written), 0);
    bool reached = false;
    ASSERT_EQ(tape.locate(0, 0, reached), 0);
    TapeBlock known;
    EXPECT_FALSE(tape.next_cached(known));
    ASSERT_EQ(tape.next(known), 0);
    const unsigned reads = disk->reads;
    Bytes payload(known.stored);
    const iovec piece = {payload.data(), payload.size()};
    EXPECT_EQ(tape.read_cached({&piece, 1}), EAGAIN);
    EXPECT_TRUE(tape.next_cached(known));
    EXPECT_EQ(disk->reads, reads);
    EXPECT_EQ(tape.position(), TapePosition());
    ASSERT_EQ(tape.read({&piece, 1}), 0);
    EXPECT_EQ(payload, written.payload);
}

TEST(TapeLimits, AnImageNeverOutgrowsItsCapacityByMoreThanTwoPercent) {
    auto disk = std::make_shared<Disk>();
    DiskFile file(disk);
    constexpr uint64_t capacity = uint64_t(128) << 20;
    ASSERT_EQ(Tape3::create(file, {.barcode = "A", .capacity = capacity, .max_partitions = 1}), 0);
    auto tape = Tape3::open(std::make_unique<DiskFile>(disk), false);
    ASSERT_TRUE(tape);
    int error = 0;
    const Object large = block(4 << 20, 1), small = block(1, 2);
    for (const Object* object : {&large, &small}) {
        uint64_t written = 0;
        while ((error = put(**tape, *object)) == 0 && ++written < 100000)
            if (disk->pending.size() > 4) DiskFile(disk).sync();
        EXPECT_EQ(error, EFBIG);
        EXPECT_EQ((*tape)->position().object,
                  (*tape)->room(0).used ? (*tape)->position().object : 0);
    }
    const uint64_t marks = (*tape)->position().file;
    EXPECT_EQ((*tape)->write_filemarks(1 << 20), EFBIG);
    EXPECT_EQ((*tape)->position().file, marks);
    EXPECT_GE((*tape)->room(0).used, capacity);
    EXPECT_LE(disk->now.size(), capacity * 102 / 100);
}

TEST(TapeLimits, AFullFileSystemLeavesTheTapeAsItWas) {
    auto disk = std::make_shared<Disk>();
    DiskFile file(disk);
    ASSERT_EQ(Tape3::create(file, {.barcode = "A", .capacity = 8 << 20, .max_partitions = 1}), 0);
    auto tape = Tape3::open(std::make_unique<DiskFile>(disk), false);
    ASSERT_TRUE(tape);
    ASSERT_EQ(put(**tape, block(1000, 1)), 0);
    disk->limit = disk->now.size() + 500;
    EXPECT_EQ(put(**tape, block(1000, 2)), ENOSPC);
    EXPECT_EQ((*tape)->write_filemarks(100), ENOSPC);
    EXPECT_EQ((*tape)->position().object, 1u);
    disk->limit = UINT64_MAX;
    EXPECT_EQ(put(**tape, filemark()), 0);
    *tape = nullptr;
    tape = Tape3::open(std::make_unique<DiskFile>(disk), false);
    ASSERT_TRUE(tape);
    EXPECT_EQ(contents(**tape, 0), (Objects{block(1000, 1), filemark()}));
}

TEST(TapeLimits, AfterALostFlushNothingMoreIsTaken) {
    auto disk = std::make_shared<Disk>();
    DiskFile file(disk);
    ASSERT_EQ(Tape3::create(file, {.barcode = "A", .capacity = 8 << 20, .max_partitions = 1}), 0);
    auto tape = Tape3::open(std::make_unique<DiskFile>(disk), false);
    ASSERT_TRUE(tape);
    ASSERT_EQ(put(**tape, block(1000, 1)), 0);
    disk->sync_error = EIO;
    EXPECT_EQ((*tape)->flush(), EIO);
    EXPECT_EQ((*tape)->flush(), EIO);
    EXPECT_EQ(put(**tape, block(1000, 2)), EIO);
    EXPECT_EQ(contents(**tape, 0), Objects{block(1000, 1)});
}

TEST(TapeLimits, AFullCartridgeIsOpenedByItsIndex) {
    auto disk = std::make_shared<Disk>();
    DiskFile file(disk);
    constexpr IndexRule rule = {.bytes = 1000,
                                .least_bytes = 1000,
                                .entries = 16,
                                .upper_entries = 128,
                                .unsynced_bytes = 1 << 30};
    constexpr uint64_t count = 50000;
    ASSERT_EQ(Tape3::create(file, {.barcode = "A", .capacity = 64 << 20, .max_partitions = 1}), 0);
    {
        auto tape = Tape3::open(std::make_unique<DiskFile>(disk), false, rule);
        ASSERT_TRUE(tape);
        for (uint64_t i = 0; i < count; ++i)
            ASSERT_EQ(put(**tape, i % 100 == 99 ? filemark() : block(100, uint8_t(i))), 0);
        disk->pending.clear();
    }
    disk->reads = 0;
    auto tape = Tape3::open(std::make_unique<DiskFile>(disk), false, rule);
    ASSERT_TRUE(tape);
    EXPECT_LT(disk->reads, 300u);
    disk->reads = 0;
    bool reached = false;
    ASSERT_EQ((*tape)->locate(0, 34567, reached), 0);
    Object object;
    ASSERT_EQ(take(**tape, object), 0);
    EXPECT_EQ(object, block(100, uint8_t(34567)));
    ASSERT_EQ((*tape)->locate_file(0, 321, reached), 0);
    EXPECT_EQ((*tape)->position(), (TapePosition{0, 32100, 321}));
    TapeMoved moved;
    ASSERT_EQ((*tape)->space_blocks(-5000, moved), 0);
    EXPECT_EQ(moved.stopped_at, TapeObject::filemark);
    EXPECT_LT(disk->reads, 40u);
}

TEST(MediaTypes, AreFoundByNameAndByDensity) {
    ASSERT_TRUE(find_media_type("lto-8"));
    EXPECT_EQ(find_media_type("lto-8")->density, 0x5e);
    EXPECT_EQ(find_media_type("LTO-10"), nullptr);
    ASSERT_TRUE(media_type_of_density(0x58));
    EXPECT_EQ(media_type_of_density(0x58)->name, "LTO-5");
    EXPECT_EQ(media_types().size(), 9u);
}

}  // namespace
}  // namespace tgt::store::test
