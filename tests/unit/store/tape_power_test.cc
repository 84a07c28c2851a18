// SPDX-License-Identifier: GPL-2.0-or-later
// The power goes while something is written: what was flushed is there, nothing comes back that was
// written over, and the cartridge goes on.
#include <malloc.h>

#include "store/ssc/tape3.h"
#include "tests/unit/store/tape_model.h"

namespace tgt::store::test {
namespace {

using namespace ssc;

constexpr IndexRule dense = {.bytes = 300,
                             .least_bytes = 150,
                             .objects = 3,
                             .entries = 2,
                             .upper_entries = 7,
                             .unsynced_bytes = 1 << 20,
                             .checkpoint_bytes = 400};

std::unique_ptr<Tape3> open(const std::shared_ptr<Disk>& disk) {
    auto opened = Tape3::open(std::make_unique<DiskFile>(disk), false, dense);
    EXPECT_TRUE(opened) << opened.error().text;
    return opened ? std::move(*opened) : nullptr;
}

std::shared_ptr<Disk> blank(uint64_t capacity = 1 << 20) {
    auto disk = std::make_shared<Disk>();
    DiskFile file(disk);
    CartridgeSpec spec{.barcode = "TEST01L6", .capacity = capacity, .max_partitions = 2};
    EXPECT_EQ(Tape3::create(file, spec), 0);
    return disk;
}

// A disk that has these bytes, all of them on the medium.
std::shared_ptr<Disk> with(Bytes bytes) {
    auto disk = std::make_shared<Disk>();
    disk->now = bytes;
    disk->durable = std::move(bytes);
    return disk;
}

enum class Rest : uint8_t { old, zeros, noise };

// The medium when the power goes `bytes` into change number `change` of those not flushed.
Bytes torn(const Disk& disk, size_t change, size_t bytes, Rest rest) {
    Bytes medium = disk.durable;
    for (size_t i = 0; i < change; ++i) Disk::apply(disk.pending[i], medium);
    if (change == disk.pending.size()) return medium;
    Disk::Change part = disk.pending[change];
    if (part.cut) return medium;
    if (rest == Rest::old) part.data.resize(bytes);
    for (size_t i = bytes; i < part.data.size(); ++i)
        part.data[i] = rest == Rest::zeros ? 0 : uint8_t(i * 151 + 17);
    Disk::apply(part, medium);
    return medium;
}

// What the partitions had at each moment since they were flushed.
struct History {
    std::vector<std::vector<Objects>> states;

    void flushed(const ReferenceTape& now) { states.assign(1, now.all()); }
    void changed(const ReferenceTape& now) { states.push_back(now.all()); }
    // What is written in the middle takes all behind it away first.
    void write(ReferenceTape& model, const Object& object) {
        model.truncate();
        changed(model);
        model.write(object);
        changed(model);
    }

    // A front part of one of the moments, and no less than all of them have in common.
    void check(const Objects& found, uint32_t partition) const {
        size_t least = SIZE_MAX;
        bool known = false;
        for (const auto& state : states) {
            least = std::min(least, common(states[0][partition], state[partition]));
            known = known || is_prefix(found, state[partition]);
        }
        EXPECT_GE(found.size(), least) << "of what was flushed some is gone";
        EXPECT_TRUE(known) << "what is there never was";
    }
};

void expect_survives(Bytes medium, const History& history) {
    auto disk = with(std::move(medium));
    auto tape = open(disk);
    ASSERT_TRUE(tape);
    ASSERT_EQ(tape->partitions(), history.states[0].size());
    for (uint32_t i = 0; i < tape->partitions(); ++i) {
        Objects found = contents(*tape, i);
        history.check(found, i);
        if (i > 0) continue;
        // It goes on, and is as it was left when it is opened again.
        ASSERT_EQ(put(*tape, block(30, 77)), 0);
        found.push_back(block(30, 77));
        tape.reset();
        tape = open(disk);
        ASSERT_TRUE(tape);
        EXPECT_EQ(contents(*tape, i), found);
    }
}

class TapePower : public ::testing::Test {
  protected:
    // Thousands of images are made and dropped: their memory shall not come from the system anew.
    static void SetUpTestSuite() {
        mallopt(M_MMAP_THRESHOLD, 32 << 20);
        mallopt(M_TRIM_THRESHOLD, 256 << 20);
    }
    void fill(size_t count) {
        for (size_t i = 0; i < count; ++i)
            write(i % 5 == 4 ? filemark() : block(20 + i % 3 * 30, uint8_t(i % 2)));
    }
    void write(const Object& object) {
        history.write(model, object);
        ASSERT_EQ(put(*tape, object), 0);
    }
    void locate(uint64_t object) {
        bool reached = false;
        ASSERT_EQ(tape->locate(0, object, reached), 0);
        model.locate(0, object);
    }
    void flush() {
        ASSERT_EQ(tape->flush(), 0);
        history.flushed(model);
    }
    void cut_power_everywhere() {
        for (size_t i = 0; i <= disk->pending.size(); ++i) {
            const size_t size = i < disk->pending.size() ? disk->pending[i].data.size() : 0;
            for (size_t bytes = 0; bytes <= size && !HasFailure(); ++bytes)
                for (const Rest rest : {Rest::old, Rest::zeros, Rest::noise})
                    if (rest == Rest::old || bytes % 5 == 0)
                        expect_survives(torn(*disk, i, bytes, rest), history);
        }
    }

    std::shared_ptr<Disk> disk = blank();
    std::unique_ptr<Tape3> tape = open(disk);
    ReferenceTape model{1};
    History history;
};

TEST_F(TapePower, WhatWasFlushedIsThereWhereverTheTailIsTorn) {
    fill(25);
    flush();
    fill(9);
    cut_power_everywhere();
}

TEST_F(TapePower, ABlankCartridgeStaysOne) {
    flush();
    cut_power_everywhere();
    fill(3);
    cut_power_everywhere();
}

TEST_F(TapePower, WritingInTheMiddleLeavesWhatIsInFrontOfIt) {
    fill(30);
    flush();
    locate(11);
    fill(6);
    cut_power_everywhere();
}

// The same bytes at the same place: what stood behind them would fit, but for its generation.
TEST_F(TapePower, WritingTheSameAgainDoesNotBringBackWhatStoodBehind) {
    disk->holes = false;
    const std::vector<uint64_t> sizes = {200000, 100000};
    ASSERT_EQ(tape->format(sizes), 0);
    model.format(2);
    flush();
    bool reached = false;
    for (uint32_t partition : {0u, 1u}) {
        ASSERT_EQ(tape->locate(partition, 0, reached), 0);
        model.locate(partition, 0);
        fill(30);
        flush();
        ASSERT_EQ(tape->locate(partition, 3, reached), 0);
        model.locate(partition, 3);
        write(block(20 + 0 * 30, 1));
        flush();
        expect_survives(disk->durable, history);
    }
}

TEST_F(TapePower, FormattingIsDoneOrNot) {
    fill(12);
    flush();
    disk->syncs = 0;
    const std::vector<uint64_t> sizes = {300000, 100000};
    // The metadata is all that matters; it is torn at every byte.
    auto copy = with(disk->now);
    auto other = open(copy);
    ASSERT_TRUE(other);
    Bytes before = copy->durable;
    ASSERT_EQ(other->format(sizes), 0);
    for (size_t bytes = 0; bytes < 300; ++bytes) {
        Bytes medium = before;
        const uint64_t from = 2 * (uint64_t(256) << 10);
        ASSERT_GT(medium.size(), from);
        for (uint64_t at : {uint64_t(0), from / 2})
            if (memcmp(&before[at], &copy->durable[at], 512) != 0)
                memcpy(&medium[at], &copy->durable[at], bytes);
        auto tape_then = open(with(medium));
        ASSERT_TRUE(tape_then);
        const auto found = contents(*tape_then, 0);
        if (tape_then->partitions() == 1)
            EXPECT_EQ(found, model.objects(0));
        else
            EXPECT_TRUE(found.empty());
    }
}

// Each write of the time between two flushes may be there or not, as the kernel likes.
class TapeReordered : public ::testing::TestWithParam<unsigned> {};

TEST_P(TapeReordered, NothingThatWasFlushedIsLostAndNothingOldComesBack) {
    std::mt19937 random{GetParam()};
    auto disk = blank();
    auto tape = open(disk);
    disk->holes = random() % 2;
    ReferenceTape model{1};
    History history;
    history.flushed(model);
    for (int i = 0; i < 150; ++i) {
        const unsigned what = random() % 20;
        if (what < 14) {
            const Object object =
                random() % 4 ? block(random() % 3 * 40, uint8_t(random() % 2)) : filemark();
            history.write(model, object);
            ASSERT_EQ(put(*tape, object), 0);
        } else if (what < 16) {
            const uint64_t to = random() % (model.objects(0).size() + 1);
            bool reached = false;
            ASSERT_EQ(tape->locate(0, to, reached), 0);
            model.locate(0, to);
        } else if (what == 16) {
            ASSERT_EQ(tape->truncate(), 0);
            model.truncate();
            history.changed(model);
        } else if (what == 17) {
            ASSERT_EQ(tape->flush(), 0);
            history.flushed(model);
        } else {
            Bytes medium = disk->durable;
            for (const Disk::Change& change : disk->pending) {
                Disk::Change part = change;
                if (random() % 3 == 0) continue;
                if (!part.cut && random() % 3 == 0)
                    part.data.resize(random() % (part.data.size() + 1));
                Disk::apply(part, medium);
            }
            if (what == 18) {
                expect_survives(medium, history);
                continue;
            }
            // The daemon comes back on it.
            tape.reset();
            disk = with(medium);
            tape = open(disk);
            ASSERT_TRUE(tape);
            const Objects found = contents(*tape, 0);
            history.check(found, 0);
            model.format(1);
            for (const Object& object : found) model.write(object);
            history.flushed(model);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TapeReordered, ::testing::Range(1u, 60u));

}  // namespace
}  // namespace tgt::store::test
