// SPDX-License-Identifier: GPL-2.0-or-later
// LOAD UNLOAD, ERASE, FORMAT MEDIUM, SET CAPACITY, READ BLOCK LIMITS and what cartridges there are:
// SSC-4 5.2, 7.1, 7.2, 7.5, 7.12.
#include <gtest/gtest.h>

#include <future>

#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

constexpr uint32_t initializing_command_required = 0x020402, cleaning_cartridge = 0x023003;
const Bytes format_default{0x04, 0, 0, 0, 0, 0}, format_pages{0x04, 0, 1, 0, 0, 0};

Bytes load_unload(uint8_t byte4) {
    return {0x1b, 0, 0, 0, byte4, 0};
}
Bytes prevent(bool on) {
    return {0x1e, 0, 0, 0, uint8_t(on), 0};
}
Bytes request_sense() {
    return {0x03, 0, 0, 0, 252, 0};
}

TEST(LoadUnload, KeepsTheCartridgeForAnotherLoad_Ssc4_7_2) {
    TapeBench bench;
    bench.write_blocks(2, 512);
    ASSERT_TRUE(bench.run(unload_cdb).good());
    EXPECT_EQ(bench.tape->unflushed, 0u);
    for (const Bytes& cdb : {test_ready, read_variable(512), rewind_cdb, read_position(0),
                             write_filemarks(0), space(to_eod), locate10(0), erase_long})
        EXPECT_EQ(bench.run(cdb).sense(), no_medium) << int(cdb[0]);
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), no_medium);
    EXPECT_TRUE(bench.run(unload_cdb).good());
    ASSERT_TRUE(bench.run(load_cdb).good());
    EXPECT_TRUE(bench.run(test_ready).good());
    EXPECT_EQ(bench.object(), 0u);
    EXPECT_EQ(bench.run(read_variable(512)).data, pattern(512, 0));
}

TEST(LoadUnload, TellsTheOthersOfTheMedium_Ssc4_7_2) {
    TapeBench bench;
    const size_t other = bench.harness.add_nexus("iqn.other,i,0x1");
    ASSERT_TRUE(bench.run(unload_cdb).good());
    EXPECT_EQ(bench.from(other, test_ready).sense(), no_medium);
    ASSERT_TRUE(bench.run(load_cdb).good());
    EXPECT_TRUE(bench.run(test_ready).good());
    EXPECT_EQ(bench.from(other, rewind_cdb).sense(), medium_changed);
    EXPECT_TRUE(bench.from(other, rewind_cdb).good());
}

TEST(LoadUnload, LoadingWhatIsLoadedGoesToTheBeginning_Ssc4_7_2) {
    TapeBench bench;
    const size_t other = bench.harness.add_nexus("iqn.other,i,0x1");
    bench.write_blocks(2, 512);
    ASSERT_TRUE(bench.run(load_cdb).good());
    EXPECT_EQ(bench.object(), 0u);
    EXPECT_TRUE(bench.from(other, test_ready).good());
}

TEST(LoadUnload, HoldKeepsItAtTheReel_Ssc4_7_2) {
    TapeBench bench;
    ASSERT_TRUE(bench.run(load_unload(0x08)).good());
    EXPECT_EQ(bench.run(test_ready).sense(), initializing_command_required);
    ASSERT_TRUE(bench.run(load_unload(0x09)).good());
    EXPECT_EQ(bench.run(test_ready).sense(), initializing_command_required);
    ASSERT_TRUE(bench.run(load_cdb).good());
    EXPECT_TRUE(bench.run(test_ready).good());
}

TEST(LoadUnload, LoadWithEndOfTapeIsAnInvalidField_Ssc4_7_2) {
    TapeBench bench;
    const Answer answer = bench.run(load_unload(0x05));
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
    EXPECT_EQ(answer.outcome.sense->field_bit, 2);
    EXPECT_TRUE(bench.run(load_unload(0x03)).good());  // RETEN
    EXPECT_TRUE(bench.run(load_unload(0x06)).good());
}

TEST(LoadUnload, PreventKeepsTheCartridgeIn_Spc5_6_18) {
    TapeBench bench;
    const size_t other = bench.harness.add_nexus("iqn.other,i,0x1");
    ASSERT_TRUE(bench.from(other, prevent(true)).good());
    EXPECT_EQ(bench.run(unload_cdb).sense(), removal_prevented);
    EXPECT_TRUE(bench.run(test_ready).good());
    ASSERT_TRUE(bench.from(other, prevent(false)).good());
    EXPECT_TRUE(bench.run(unload_cdb).good());
}

TEST(LoadUnload, WithoutACartridge) {
    Harness::Options options;
    options.other_store = [] { return std::unique_ptr<store::Store>(); };
    Harness harness(ssc::tape, options);
    for (const Bytes& cdb : {test_ready, load_cdb, unload_cdb, read_variable(4)})
        EXPECT_EQ(harness.run(cdb).sense(), no_medium) << int(cdb[0]);
    EXPECT_TRUE(harness.run({0x05, 0, 0, 0, 0, 0}).good());
    EXPECT_TRUE(harness.run(prevent(true)).good());
}

TEST(Readiness, IsToldByRequestSense_Spc4_6_39) {
    TapeBench bench;
    ASSERT_TRUE(bench.run(unload_cdb).good());
    const Answer answer = bench.run(request_sense());
    ASSERT_GE(answer.data.size(), 14u);
    EXPECT_EQ(answer.data[2], 0x02);
    EXPECT_EQ(answer.data[12], 0x3a);
}

TEST(Readiness, IsToldBesideALongCommand) {
    TapeBench bench;
    const size_t other = bench.harness.add_nexus("iqn.other,i,0x1");
    std::promise<void> busy, go_on;
    bool first = true;
    bench.tape->fail_when = [&](MemoryTape::Call) {
        if (!std::exchange(first, false)) return 0;
        busy.set_value();
        go_on.get_future().wait();
        return 0;
    };
    auto rewinding = bench.harness.start(rewind_cdb);
    busy.get_future().wait();
    EXPECT_TRUE(bench.from(other, test_ready).good());
    EXPECT_TRUE(bench.from(other, {0x12, 0, 0, 0, 36, 0}).good());
    EXPECT_TRUE(bench.from(other, request_sense()).good());
    EXPECT_FALSE(rewinding->ready());
    go_on.set_value();
    EXPECT_TRUE(rewinding->wait().good());
}

TEST(Erase, EndsTheDataAtThePosition_Ssc4_5_2) {
    for (const Bytes& erase : {erase_long, erase_short}) {
        TapeBench bench;
        bench.write_blocks(4, 512);
        ASSERT_TRUE(bench.run(locate10(1)).good());
        ASSERT_TRUE(bench.run(erase).good());
        EXPECT_EQ(bench.object(), 1u);
        EXPECT_EQ(bench.run(read_variable(512)).sense(), end_of_data);
        EXPECT_EQ(bench.tape->all[0].objects.size(), 1u);
        EXPECT_EQ(bench.tape->unflushed, 0u);
    }
}

void plan_partitions(TapeBench& bench, unsigned additional, std::vector<uint16_t> megabytes) {
    bench.harness.change([&](scsi::LunState& state) {
        auto& page = state.mode_page(0x11)->current;
        page.resize(6 + 2 * megabytes.size());
        page[1] = uint8_t(additional);
        page[2] = 0x34;  // IDP, PSUM megabytes, POFM
        for (size_t i = 0; i < megabytes.size(); ++i)
            wire::store_be<2>(&page[6 + 2 * i], megabytes[i]);
    });
}

TEST(FormatMedium, MakesThePartitionsOfThePage_Ssc4_7_1) {
    TapeBench bench(10'000'000);
    bench.write_blocks(2, 512);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    plan_partitions(bench, 1, {0xffff, 2});
    ASSERT_TRUE(bench.run(format_pages).good());
    ASSERT_EQ(bench.tape->all.size(), 2u);
    EXPECT_EQ(bench.tape->all[0].capacity, 8'000'000u);
    EXPECT_EQ(bench.tape->all[1].capacity, 2'000'000u);
    EXPECT_EQ(bench.run(read_variable(4)).sense(), end_of_data);
    EXPECT_EQ(bench.tape->unflushed, 0u);
    ASSERT_TRUE(bench.run(format_default).good());
    EXPECT_EQ(bench.tape->all.size(), 1u);
    EXPECT_EQ(bench.tape->all[0].capacity, 10'000'000u);
}

TEST(FormatMedium, IsForTheBeginningOfTheFirstPartition_Ssc4_7_1) {
    TapeBench bench(10'000'000, [](MemoryTape& tape) {
        const uint64_t sizes[] = {8'000'000, 2'000'000};
        tape.format(sizes);
    });
    bench.write_blocks(1, 512);
    EXPECT_EQ(bench.run(format_default).sense(), past_beginning);
    ASSERT_TRUE(bench.run(locate10(0, 1)).good());
    EXPECT_EQ(bench.run(format_default).sense(), past_beginning);
    EXPECT_EQ(bench.tape->all.size(), 2u);
    EXPECT_EQ(bench.tape->all[0].objects.size(), 1u);
}

TEST(FormatMedium, RefusesWhatItDoesNotKnow_Ssc4_7_1) {
    TapeBench bench;
    EXPECT_EQ(bench.run({0x04, 0, 3, 0, 0, 0}).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.run({0x04, 0, 0, 0, 1, 0}).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.run({0x04, 0x02, 0, 0, 0, 0}).sense(), invalid_field_in_cdb);
}

TEST(SetCapacity, MakesTheCartridgeShorter_Ssc4_7_12) {
    TapeBench bench(65'535'000);
    bench.write_blocks(1, 512);
    EXPECT_EQ(bench.run({0x0b, 0, 0, 0x40, 0, 0}).sense(), past_beginning);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run({0x0b, 0, 0, 0, 0, 0}).sense(), invalid_field_in_cdb);
    ASSERT_TRUE(bench.run({0x0b, 0, 0, 0x40, 0, 0}).good());
    EXPECT_EQ(bench.tape->all[0].capacity, 0x4000u * 1000);
    EXPECT_TRUE(bench.tape->all[0].objects.empty());
    ASSERT_TRUE(bench.run({0x0b, 0, 0, 0xff, 0xff, 0}).good());
    EXPECT_EQ(bench.tape->all[0].capacity, 65'535'000u);
}

TEST(ReadBlockLimits, TellsThemAndTheLargestObject_Ssc4_7_5) {
    TapeBench bench;
    EXPECT_EQ(bench.run({0x05, 0, 0, 0, 0, 0}).data, Bytes({0, 0x80, 0, 0, 0, 1}));
    const Bytes objects = bench.run({0x05, 1, 0, 0, 0, 0}).data;
    ASSERT_EQ(objects.size(), 20u);
    EXPECT_GT(wire::load_be<8>(&objects[12]), uint64_t(1) << 62);
}

void personality(scsi::LunState& state, const char* name) {
    ASSERT_TRUE(ssc::tape.set_personality(state, name));
}

TEST(Cartridges, OldOnesAreReadAndNotWritten) {
    TapeBench bench(
        mib, [](MemoryTape& tape) { tape.about.density = 0x44; },
        [](scsi::LunState& state) { personality(state, "lto5"); });
    EXPECT_TRUE(bench.run(test_ready).good());
    EXPECT_EQ(bench.run(read_variable(4)).sense(), end_of_data);
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), cannot_write_format);
    EXPECT_EQ(bench.run(erase_long).sense(), cannot_write_format);
}

TEST(Cartridges, AreJudgedAnewByAnotherPersonality) {
    TapeBench bench(mib, [](MemoryTape& tape) { tape.about.density = 0x44; });
    EXPECT_TRUE(bench.run(write_variable(4), Bytes(4)).good());
    bench.harness.change([](scsi::LunState& state) { personality(state, "lto5"); });
    EXPECT_EQ(bench.run(write_variable(4), Bytes(4)).sense(), cannot_write_format);
    EXPECT_TRUE(bench.run(rewind_cdb).good());
}

TEST(Cartridges, ThoseOfAnotherKindAreIncompatible) {
    TapeBench bench(
        mib, [](MemoryTape& tape) { tape.about.density = 0x60; },
        [](scsi::LunState& state) { personality(state, "lto5"); });
    EXPECT_EQ(bench.run(test_ready).sense(), incompatible_format);
    EXPECT_EQ(bench.run(read_variable(4)).sense(), incompatible_format);
    ASSERT_TRUE(bench.run(unload_cdb).good());
    EXPECT_EQ(bench.run(test_ready).sense(), no_medium);
    EXPECT_EQ(bench.run(load_cdb).sense(), incompatible_format);
}

TEST(Cartridges, BlankOnesGetTheDensityOfTheDriveWithTheFirstBlock) {
    TapeBench bench(mib, {}, [](scsi::LunState& state) { personality(state, "lto7"); });
    EXPECT_EQ(bench.tape->about.density, 0);
    bench.write_blocks(1, 4);
    EXPECT_EQ(bench.tape->about.density, 0x5c);
}

TEST(Cartridges, CleaningOnesAreNeverReady) {
    TapeBench bench(mib, [](MemoryTape& tape) { tape.about.kind = store::TapeKind::cleaning; });
    EXPECT_EQ(bench.run(test_ready).sense(), cleaning_cartridge);
    EXPECT_EQ(bench.run(read_variable(4)).sense(), cleaning_cartridge);
    EXPECT_EQ(bench.run(rewind_cdb).sense(), cleaning_cartridge);
    ASSERT_TRUE(bench.run(unload_cdb).good());
    EXPECT_EQ(bench.run(test_ready).sense(), no_medium);
}

TEST(Cartridges, CleaningOnesAreUsedUp) {
    TapeBench bench(mib, [](MemoryTape& tape) { tape.about.kind = store::TapeKind::cleaning; });
    for (int use = 2; use <= 50; ++use)
        ASSERT_EQ(bench.run(load_cdb).sense(), cleaning_cartridge) << use;
    EXPECT_EQ(bench.run(load_cdb).sense(), 0x023007u);
}

TEST(Reservations, KeepOthersFromMovingTheMedium) {
    TapeBench bench;
    const size_t other = bench.harness.add_nexus("iqn.other,i,0x1");
    ASSERT_TRUE(bench.run({0x16, 0, 0, 0, 0, 0}).good());
    for (const Bytes& cdb : {rewind_cdb, read_variable(4), space(to_eod), locate10(0), unload_cdb,
                             read_position(0), prevent(true), write_filemarks(1)})
        EXPECT_EQ(bench.from(other, cdb).status(), scsi::Status::reservation_conflict)
            << int(cdb[0]);
    EXPECT_TRUE(bench.from(other, prevent(false)).good());
}

}  // namespace
}  // namespace tgt::test
