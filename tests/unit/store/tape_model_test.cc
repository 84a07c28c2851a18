// SPDX-License-Identifier: GPL-2.0-or-later
// Random work on a cartridge, step by step against the reference tape.
#include "tests/unit/store/tape_model.h"

#include "store/ssc/tape2.h"
#include "store/ssc/tape3.h"

namespace tgt::store::test {
namespace {

using namespace ssc;

// Index records of both levels after a handful of objects.
constexpr IndexRule dense = {.bytes = 300,
                             .least_bytes = 150,
                             .objects = 3,
                             .entries = 2,
                             .upper_entries = 7,
                             .unsynced_bytes = 2000,
                             .checkpoint_bytes = 700};

struct Case {
    int version;
    unsigned seed;
};

class TapeModel : public ::testing::TestWithParam<Case> {
  protected:
    TapeModel() {
        CartridgeSpec spec{.barcode = "TEST01L6", .capacity = 1 << 20, .max_partitions = 4};
        DiskFile file(disk_);
        if (GetParam().version == 3)
            EXPECT_EQ(Tape3::create(file, spec), 0);
        else
            EXPECT_EQ(file.write_bytes(0, v2::blank(spec)), 0);
        disk_->holes = GetParam().seed % 2 == 0;
        open();
    }
    void open() {
        auto file = std::make_unique<DiskFile>(disk_);
        tape_.reset();
        if (GetParam().version == 3)
            keep(Tape3::open(std::move(file), false, dense));
        else
            keep(Tape2::open(std::move(file), false));
    }
    template <class Opened>
    void keep(Opened opened) {
        ASSERT_TRUE(opened) << opened.error().text;
        tape_ = std::move(*opened);
    }
    uint64_t any(uint64_t below) { return random_() % below; }
    Object any_object() {
        if (any(4) == 0) return filemark();
        return block(any(3) == 0 ? any(400) : 40, uint8_t(any(3)),
                     tape_->info().keeps_flags ? uint16_t(any(2)) : uint16_t(0));
    }
    uint32_t any_partition() { return uint32_t(any(model_.partitions())); }
    int64_t any_count() { return int64_t(any(90)) - 45; }

    void write_some() {
        for (uint64_t i = any(12); i-- > 0;) {
            const Object object = any_object();
            model_.write(object);
            ASSERT_EQ(put(*tape_, object), 0);
        }
    }
    void filemarks() {
        const uint32_t count = uint32_t(any(4));
        for (uint32_t i = 0; i < count; ++i) model_.write(filemark());
        ASSERT_EQ(tape_->write_filemarks(count), 0);
    }
    void read_one() {
        Object object;
        const Object* wanted = model_.next();
        ASSERT_EQ(take(*tape_, object), wanted ? 0 : ENODATA);
        if (!wanted) return;
        EXPECT_EQ(object, *wanted);
        model_.locate(model_.position().partition, model_.position().object + 1);
    }
    void locate() {
        const uint32_t partition = any_partition();
        const uint64_t object = any(model_.objects(partition).size() + 3);
        bool reached = false;
        ASSERT_EQ(tape_->locate(partition, object, reached), 0);
        EXPECT_EQ(reached, model_.locate(partition, object));
    }
    void locate_file() {
        const uint32_t partition = any_partition();
        const uint64_t file = any(12);
        bool reached = false;
        ASSERT_EQ(tape_->locate_file(partition, file, reached), 0);
        EXPECT_EQ(reached, model_.locate_file(partition, file));
    }
    void space(bool files) {
        const int64_t count = any_count();
        TapeMoved moved;
        ASSERT_EQ(files ? tape_->space_filemarks(count, moved) : tape_->space_blocks(count, moved),
                  0);
        const TapeMoved wanted = files ? model_.space_filemarks(count) : model_.space_blocks(count);
        EXPECT_EQ(moved.count, wanted.count) << count;
        EXPECT_EQ(moved.stopped_at, wanted.stopped_at) << count;
    }
    void end_of_data() {
        const uint32_t partition = any_partition();
        ASSERT_EQ(tape_->to_end_of_data(partition), 0);
        model_.locate(partition, UINT64_MAX);
    }
    void truncate() {
        ASSERT_EQ(tape_->truncate(), 0);
        model_.truncate();
    }
    void reopen() {
        open();
        model_.locate(0, 0);
    }
    void format() {
        const std::vector<uint64_t> sizes(1 + any(GetParam().version == 3 ? 4 : 1), (1 << 20) / 4);
        ASSERT_EQ(tape_->format(sizes), 0);
        model_.format(unsigned(sizes.size()));
    }

    void step() {
        switch (any(24)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4:
            case 5:
            case 6:
                return write_some();
            case 7:
                return filemarks();
            case 8:
            case 9:
                return read_one();
            case 10:
            case 11:
                return locate();
            case 12:
                return locate_file();
            case 13:
            case 14:
            case 15:
                return space(false);
            case 16:
            case 17:
                return space(true);
            case 18:
            case 19:
                return end_of_data();
            case 20:
                return any(3) ? void() : truncate();
            case 21:
                return any(9) ? void() : format();
            case 22:
                return reopen();
            default:
                ASSERT_EQ(tape_->flush(), 0);
        }
    }
    void compare() {
        ASSERT_EQ(tape_->position(), model_.position());
        TapeBlock found;
        ASSERT_EQ(tape_->next(found), 0);
        expect_same(found, model_.next(), TapeObject::end_of_data);
        ASSERT_EQ(tape_->previous(found), 0);
        expect_same(found, model_.previous(), TapeObject::beginning_of_partition);
        ASSERT_EQ(tape_->position(), model_.position());
    }
    static void expect_same(const TapeBlock& found, const Object* wanted, TapeObject none) {
        const TapeObject kind = !wanted            ? none
                                : wanted->filemark ? TapeObject::filemark
                                                   : TapeObject::block;
        ASSERT_EQ(found.kind, kind);
        if (kind != TapeObject::block) return;
        EXPECT_EQ(found.length, wanted->length);
        EXPECT_EQ(found.stored, wanted->payload.size());
        EXPECT_EQ(found.flags, wanted->flags);
    }
    void compare_all() {
        ASSERT_EQ(tape_->partitions(), model_.partitions());
        for (uint32_t i = 0; i < model_.partitions(); ++i)
            ASSERT_EQ(contents(*tape_, i), model_.objects(i)) << "partition " << i;
        model_.locate(model_.partitions() - 1, UINT64_MAX);
    }

    std::mt19937 random_{GetParam().seed};
    std::shared_ptr<Disk> disk_ = std::make_shared<Disk>();
    std::unique_ptr<Tape> tape_;
    ReferenceTape model_{1};
};

TEST_P(TapeModel, DoesWhatTheReferenceTapeDoes) {
    for (int i = 0; i < 400 && !HasFatalFailure(); ++i) {
        step();
        compare();
        if (i % 40 == 0) compare_all();
    }
    compare_all();
    reopen();
    compare_all();
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (int version : {2, 3})
        for (unsigned seed = 1; seed <= 24; ++seed) all.push_back({version, seed});
    return all;
}

INSTANTIATE_TEST_SUITE_P(Seeds, TapeModel, ::testing::ValuesIn(cases()));

}  // namespace
}  // namespace tgt::store::test
