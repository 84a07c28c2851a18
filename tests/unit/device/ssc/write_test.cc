// SPDX-License-Identifier: GPL-2.0-or-later
// WRITE(6) and WRITE FILEMARKS(6): SSC-4 5.10, 5.11; early warning: 4.2.5, 4.2.7.
#include <gtest/gtest.h>

#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

using Call = MemoryTape::Call;

TEST(Write, FixedWritesManyBlocks_Ssc4_5_10) {
    TapeBench bench;
    bench.set_block(512);
    const Bytes data = pattern(1536, 1);
    ASSERT_TRUE(bench.run(write_fixed(3), data).good());
    ASSERT_EQ(bench.tape->all[0].objects.size(), 3u);
    EXPECT_EQ(bench.tape->all[0].objects[2].payload, Bytes(data.begin() + 1024, data.end()));
    EXPECT_EQ(bench.tape->all[0].objects[2].block.length, 512u);
}

TEST(Write, OfLengthZeroChangesNothing_Ssc4_5_10) {
    TapeBench bench;
    bench.write_blocks(2, 512);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_TRUE(bench.run(write_variable(0)).good());
    EXPECT_EQ(bench.tape->all[0].objects.size(), 2u);
}

TEST(Write, EndsTheDataBehindIt_Ssc4_4_2_9) {
    TapeBench bench;
    bench.write_blocks(5, 512);
    ASSERT_TRUE(bench.run(locate10(2)).good());
    ASSERT_TRUE(bench.run(write_variable(100), pattern(100, 1)).good());
    EXPECT_EQ(bench.tape->all[0].objects.size(), 3u);
    EXPECT_EQ(bench.run(read_variable(100)).sense(), end_of_data);
}

TEST(Write, BlockBeyondTheLimitIsAnInvalidField) {
    TapeBench bench;
    EXPECT_EQ(bench.run(write_variable(0x800001), Bytes(0x800001)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.object(), 0u);
}

TEST(Write, WithLessDataThanItSaysWritesNothing) {
    TapeBench bench;
    EXPECT_EQ(bench.run(write_variable(512), Bytes(100)).sense(), invalid_field_in_cdb);
    EXPECT_TRUE(bench.tape->all[0].objects.empty());
}

TEST(Write, LargeBlocksGoThrough) {
    TapeBench bench;
    const Bytes data = pattern(3 * mib + 5, 1);
    ASSERT_TRUE(bench.run(write_variable(uint32_t(data.size())), data).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(read_variable(uint32_t(data.size()))).data, data);
}

TEST(WriteProtection, OfTheCartridge_Ssc4_4_2_14) {
    TapeBench bench(mib, [](MemoryTape& tape) { tape.about.read_only = true; });
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), write_protected);
    EXPECT_EQ(bench.run(write_filemarks(1)).sense(), write_protected);
    EXPECT_EQ(bench.run(erase_long).sense(), write_protected);
    EXPECT_TRUE(bench.run(write_filemarks(0)).good());
}

TEST(WriteProtection, OfTheUnitAndBySoftware_Ssc4_8_3_3) {
    TapeBench bench;
    bench.harness.change([](scsi::LunState& state) { state.read_only = true; });
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), write_protected);
    bench.harness.change([](scsi::LunState& state) {
        state.read_only = false;
        state.mode_page(0x10)->current[8] |= 0x04;
    });
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), 0x072702u);
    bench.harness.change(
        [](scsi::LunState& state) { state.mode_page(0x10)->current[8] &= uint8_t(~0x04); });
    EXPECT_TRUE(bench.run(write_variable(4), Bytes(4)).good());
}

TEST(WriteFilemarks, FlushesUnlessImmediate_Ssc4_5_11) {
    TapeBench bench;
    bench.write_blocks(1, 512);
    EXPECT_EQ(bench.tape->flushes, 0u);
    ASSERT_TRUE(bench.run(write_filemarks(1, immed)).good());
    EXPECT_EQ(bench.tape->flushes, 0u);
    ASSERT_TRUE(bench.run(write_filemarks(2)).good());
    EXPECT_EQ(bench.tape->flushes, 1u);
    EXPECT_EQ(bench.tape->all[0].objects.size(), 4u);
}

TEST(WriteFilemarks, CountZeroFlushesOnly_Ssc4_5_11) {
    TapeBench bench;
    bench.write_blocks(1, 512);
    ASSERT_TRUE(bench.run(write_filemarks(0, immed)).good());
    EXPECT_EQ(bench.tape->flushes, 0u);
    ASSERT_TRUE(bench.run(write_filemarks(0)).good());
    EXPECT_EQ(bench.tape->flushes, 1u);
    EXPECT_EQ(bench.tape->all[0].objects.size(), 1u);
}

TEST(WriteFilemarks, SetmarksAreNone_Ssc4_5_11) {
    TapeBench bench;
    EXPECT_EQ(bench.run(write_filemarks(1, 0x02)).sense(), invalid_field_in_cdb);
}

TEST(BufferedMode, ZeroFlushesEachWrite_Ssc4_8_2) {
    TapeBench bench;
    bench.harness.change([](scsi::LunState& state) { state.mode_parameter = 0; });
    ASSERT_TRUE(bench.run(write_variable(512), Bytes(512)).good());
    EXPECT_EQ(bench.tape->flushes, 1u);
    EXPECT_EQ(bench.run(write_filemarks(1, immed)).sense(), invalid_field_in_cdb);
}

TEST(BufferedMode, FlushesBeforeTheTapeIsMoved) {
    for (const Bytes& move : {rewind_cdb, locate10(0), space(over_blocks, -1), unload_cdb}) {
        TapeBench bench;
        bench.write_blocks(1, 512);
        ASSERT_TRUE(bench.run(move).good());
        EXPECT_EQ(bench.tape->unflushed, 0u) << int(move[0]);
    }
}

TEST(WriteError, OfAFullFileSystemIsAMediumError) {
    TapeBench bench;
    bench.tape->fail_when = [](Call call) { return call == Call::write ? ENOSPC : 0; };
    EXPECT_EQ(bench.run(write_variable(512), Bytes(512)).sense(), write_error);
    EXPECT_EQ(bench.object(), 0u);
    bench.tape->fail_when = {};
    EXPECT_TRUE(bench.run(write_variable(512), Bytes(512)).good());
}

TEST(FlushFailure, StaysUntilTheCartridgeIsUnloaded) {
    TapeBench bench;
    bench.write_blocks(1, 512);
    bench.tape->fail_when = [](Call call) { return call == Call::flush ? EIO : 0; };
    EXPECT_EQ(bench.run(write_filemarks(1)).sense(), write_error);
    bench.tape->fail_when = {};
    EXPECT_EQ(bench.run(write_filemarks(0)).sense(), write_error);
    EXPECT_EQ(bench.run(write_variable(512), Bytes(512)).sense(), write_error);
    EXPECT_EQ(bench.run(rewind_cdb).sense(), write_error);
    EXPECT_EQ(bench.run(unload_cdb).sense(), write_error);
    ASSERT_TRUE(bench.run(load_cdb).good());
    EXPECT_TRUE(bench.run(write_variable(512), Bytes(512)).good());
}

int flush_fails(Call call) {
    return call == Call::flush ? EIO : 0;
}
bool deferred(const Answer& answer) {
    return answer.outcome.sense && answer.outcome.sense->deferred;
}

TEST(DeferredError, IsToldOnceByWhatBringsAcknowledgedBlocksToTheMedium_Spc4_4_5_5) {
    for (const Bytes& next : {rewind_cdb, write_filemarks(1), write_filemarks(0), unload_cdb}) {
        TapeBench bench;
        bench.write_blocks(1, 512);
        bench.tape->fail_when = flush_fails;
        const Answer first = bench.run(next);
        EXPECT_EQ(first.sense(), write_error) << int(next[0]);
        EXPECT_TRUE(deferred(first)) << int(next[0]);
        EXPECT_TRUE(bench.run(test_ready).good());
        const Answer second = bench.run(next == unload_cdb ? unload_cdb : rewind_cdb);
        EXPECT_EQ(second.sense(), write_error);
        EXPECT_FALSE(deferred(second));
    }
}

TEST(DeferredError, IsNoneOfACommandThatWroteItself_Spc4_4_5_5) {
    TapeBench bench;
    bench.tape->fail_when = flush_fails;
    const Answer marks = bench.run(write_filemarks(1));
    EXPECT_EQ(marks.sense(), write_error);
    EXPECT_FALSE(deferred(marks));
}

TEST(DeferredError, ComesWithTheWriteBehindAFlushThatNobodyAskedFor) {
    TapeBench bench;
    bench.write_blocks(1, 512);
    bench.tape->lost_data = EIO;
    bench.tape->fail_when = [](Call call) { return call == Call::write ? EIO : 0; };
    const Answer answer = bench.run(write_variable(512), Bytes(512));
    EXPECT_EQ(answer.sense(), write_error);
    EXPECT_TRUE(deferred(answer));
    EXPECT_FALSE(information(answer));
    EXPECT_FALSE(deferred(bench.run(write_filemarks(0))));
}

// A cartridge on a file system that takes no more writes can still be read.
TEST(DeferredError, NotesOfTheDriveItselfAreNotMissed) {
    TapeBench bench(mib, [](MemoryTape& tape) { tape.fail_when = flush_fails; });
    EXPECT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_TRUE(bench.run(locate10(0)).good());
    EXPECT_TRUE(bench.run(write_filemarks(0)).good());
}

// Of 1 MiB a sixteenth is behind early warning.
constexpr uint32_t piece = 64 << 10;

TEST(EarlyWarning, IsToldWithEachWriteBehindIt_Ssc4_4_2_5) {
    TapeBench bench(mib);
    bench.write_blocks(14, piece);
    for (const Bytes& data : {Bytes(piece), Bytes(100)}) {
        const Answer answer = bench.run(write_variable(uint32_t(data.size())), data);
        EXPECT_EQ(answer.status(), scsi::Status::check_condition);
        EXPECT_EQ(answer.sense(), end_of_partition);
        EXPECT_TRUE(answer.outcome.sense->end_of_medium);
        EXPECT_EQ(information(answer), 0);
    }
    EXPECT_EQ(bench.tape->all[0].objects.size(), 16u);
    const Answer marks = bench.run(write_filemarks(1));
    EXPECT_EQ(marks.sense(), end_of_partition);
    EXPECT_TRUE(marks.outcome.sense->end_of_medium);
    EXPECT_EQ(bench.tape->all[0].objects.size(), 17u);
}

TEST(EarlyWarning, FlushesWhenItIsReached_Ssc4_8_3_3) {
    TapeBench bench(mib);
    bench.harness.change([](scsi::LunState& state) { state.mode_page(0x10)->current[8] |= 0x08; });
    bench.write_blocks(14, piece);
    EXPECT_EQ(bench.tape->flushes, 0u);
    bench.run(write_variable(piece), Bytes(piece));
    EXPECT_EQ(bench.tape->flushes, 1u);
    bench.run(write_variable(4), Bytes(4));
    EXPECT_EQ(bench.tape->flushes, 1u);
}

TEST(EarlyWarning, IsShownByReadPosition_Ssc4_7_7) {
    TapeBench bench(mib);
    bench.write_blocks(14, piece);
    EXPECT_EQ(bench.run(read_position(0)).data[0], 0);
    bench.run(write_variable(piece), Bytes(piece));
    EXPECT_EQ(bench.run(read_position(0)).data[0], 0x40);
}

TEST(VolumeOverflow, LeavesWhatFits_Ssc4_5_10) {
    TapeBench bench(mib);
    bench.set_block(piece);
    const Answer answer = bench.run(write_fixed(18), Bytes(18 * piece));
    EXPECT_EQ(answer.sense(), overflow);
    EXPECT_TRUE(answer.outcome.sense->end_of_medium);
    EXPECT_EQ(information(answer), 2);
    EXPECT_EQ(bench.tape->all[0].objects.size(), 16u);
    EXPECT_EQ(information(bench.run(write_variable(100), Bytes(100))), 100);
}

TEST(ProgrammableEarlyWarning, IsToldOnce_Ssc4_4_2_7) {
    TapeBench bench(16 * mib);
    bench.harness.change([](scsi::LunState& state) {
        scsi::ModePage* page = state.mode_page(0x10, 0x01);
        ASSERT_TRUE(page);
        wire::store_be<2>(&page->current[2], 2);  // PEWS: 2 million bytes
    });
    bench.write_blocks(12, mib);
    const Answer first = bench.run(write_variable(mib + mib / 2), Bytes(mib + mib / 2));
    EXPECT_EQ(first.sense(), programmable_warning);
    EXPECT_TRUE(first.outcome.sense->end_of_medium);
    EXPECT_TRUE(bench.run(write_variable(100), Bytes(100)).good());
    EXPECT_EQ(bench.run(read_position(0)).data[0], 0x01);
    ASSERT_TRUE(bench.run(locate10(12)).good());
    EXPECT_EQ(bench.run(write_variable(2 * mib), Bytes(2 * mib)).sense(), programmable_warning);
    EXPECT_EQ(bench.run(write_variable(mib), Bytes(mib)).sense(), end_of_partition);
}

TEST(Worm, TakesDataAtItsEndOnly_Ssc4_4_2_19) {
    TapeBench bench(mib, [](MemoryTape& tape) { tape.about.kind = store::TapeKind::worm; });
    bench.write_blocks(2, 512);
    bench.write_marks(1);
    bench.write_blocks(1, 512);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), worm_overwrite);
    EXPECT_EQ(bench.run(write_filemarks(1)).sense(), worm_overwrite);
    ASSERT_TRUE(bench.run(locate10(2)).good());
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), worm_overwrite);
    EXPECT_EQ(bench.object(), 2u);
    EXPECT_EQ(bench.run(erase_long).sense(), worm_overwrite);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run({0x04, 0, 0, 0, 0, 0}).sense(), worm_overwrite);
    ASSERT_TRUE(bench.run(space(to_eod)).good());
    EXPECT_TRUE(bench.run(write_variable(4), Bytes(4)).good());
    EXPECT_EQ(bench.tape->all[0].objects.size(), 5u);
}

TEST(Worm, FilemarksAtTheEndMayBeOverwritten) {
    TapeBench bench(mib, [](MemoryTape& tape) { tape.about.kind = store::TapeKind::worm; });
    bench.write_blocks(1, 512);
    bench.write_marks(2);
    ASSERT_TRUE(bench.run(locate10(2)).good());
    EXPECT_TRUE(bench.run(write_variable(4), Bytes(4)).good());
    EXPECT_EQ(bench.tape->all[0].objects.size(), 3u);
}

enum Leave : uint8_t { for_nothing, for_position, for_format };
Bytes allow_overwrite(uint8_t leave, uint64_t object = 0, uint8_t partition = 0) {
    Bytes cdb(16);
    cdb[0] = 0x82;
    cdb[2] = leave;
    cdb[3] = partition;
    wire::store_be<8>(&cdb[4], object);
    return cdb;
}

// Two blocks, and WRITE MODE of the device configuration extension page by MODE SELECT.
struct AppendOnly : testing::Test {
    TapeBench bench{4 * mib};

    void SetUp() override {
        bench.write_blocks(2, 512);
        ASSERT_TRUE(select(0x10).good());
    }
    Answer select(uint8_t write_mode) {
        Bytes list(8 + 32);
        list[8] = 0x50;  // SPF, 10h
        list[9] = 0x01;
        list[11] = 28;
        list[13] = write_mode;
        Bytes cdb{0x55, 0x10, 0, 0, 0, 0, 0, 0, uint8_t(list.size()), 0};
        return bench.run(cdb, list);
    }
    Answer write() { return bench.run(write_variable(4), Bytes(4)); }
};

TEST_F(AppendOnly, TakesDataAtItsEndOnly_Ssc5_4_2_21) {
    EXPECT_TRUE(write().good());
    ASSERT_TRUE(bench.run(locate10(1)).good());
    EXPECT_EQ(write().sense(), worm_overwrite);
    EXPECT_EQ(bench.run(write_filemarks(1)).sense(), worm_overwrite);
    EXPECT_EQ(bench.run(erase_long).sense(), worm_overwrite);
    EXPECT_EQ(bench.object(), 1u);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run({0x04, 0, 0, 0, 0, 0}).sense(), worm_overwrite);
    EXPECT_EQ(bench.tape->all[0].objects.size(), 3u);
}

TEST_F(AppendOnly, IsAskedForByOneModeAndNoOther_Ssc5_8_3_8) {
    EXPECT_EQ(select(0x20).sense(), 0x052600u);
    ASSERT_TRUE(select(0x00).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_TRUE(write().good());
}

TEST_F(AppendOnly, OneCommandMayOverwriteWhereItIsAllowed_Ssc5_7_1) {
    ASSERT_TRUE(bench.run(locate10(1)).good());
    ASSERT_TRUE(bench.run(allow_overwrite(for_position, 1)).good());
    EXPECT_TRUE(write().good());
    ASSERT_TRUE(bench.run(locate10(1)).good());
    EXPECT_EQ(write().sense(), worm_overwrite);
}

TEST_F(AppendOnly, LeaveIsForThePlaceThatItNames_Ssc5_7_1) {
    ASSERT_TRUE(bench.run(locate10(1)).good());
    ASSERT_TRUE(bench.run(allow_overwrite(for_position, 1)).good());
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(write().sense(), worm_overwrite);
}

TEST_F(AppendOnly, LeaveForAnotherPlaceIsRefusedAndEndsTheOldOne_Ssc5_7_1) {
    ASSERT_TRUE(bench.run(locate10(1)).good());
    ASSERT_TRUE(bench.run(allow_overwrite(for_position, 1)).good());
    EXPECT_EQ(bench.run(allow_overwrite(for_position, 2)).sense(), 0x053b00u);
    EXPECT_EQ(write().sense(), worm_overwrite);
    EXPECT_EQ(bench.run(allow_overwrite(for_position, 1, 1)).sense(), 0x052400u);
    EXPECT_EQ(bench.run(allow_overwrite(3)).sense(), 0x052400u);
}

TEST_F(AppendOnly, LeaveEndsWhenItIsTakenBackOrTheCartridgeGoes_Ssc5_7_1) {
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    ASSERT_TRUE(bench.run(allow_overwrite(for_position, 0)).good());
    ASSERT_TRUE(bench.run(allow_overwrite(for_nothing)).good());
    EXPECT_EQ(write().sense(), worm_overwrite);
    ASSERT_TRUE(bench.run(allow_overwrite(for_position, 0)).good());
    ASSERT_TRUE(bench.run(unload_cdb).good());
    ASSERT_TRUE(bench.run(load_cdb).good());
    EXPECT_EQ(write().sense(), worm_overwrite);
}

TEST_F(AppendOnly, AFormatHasItsOwnLeave_Ssc5_7_1) {
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    ASSERT_TRUE(bench.run(allow_overwrite(for_format)).good());
    EXPECT_EQ(write().sense(), worm_overwrite);
    ASSERT_TRUE(bench.run(allow_overwrite(for_format)).good());
    EXPECT_TRUE(bench.run({0x04, 0, 0, 0, 0, 0}).good());
    EXPECT_TRUE(bench.tape->all[0].objects.empty());
}

}  // namespace
}  // namespace tgt::test
