// SPDX-License-Identifier: GPL-2.0-or-later
// The drive as a media changer sees it.
#include <gtest/gtest.h>

#include <future>

#include "scsi/device_model.h"
#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

using namespace std::chrono_literals;
using scsi::MediumPort;
using Result = MediumPort::Result;

constexpr auto long_enough = 60s;

MediumPort& port_of(TapeBench& bench) {
    return *bench.harness.unit().model()->medium_port();
}
std::unique_ptr<store::Store> cartridge(const std::shared_ptr<MemoryTape>& tape) {
    return std::make_unique<MemoryTapeStore>(tape);
}

TEST(MediumPort, ExchangesCartridges) {
    TapeBench bench;
    bench.write_blocks(1, 512);
    MediumPort::Answer out = port_of(bench).unload(long_enough);
    ASSERT_EQ(out.result, Result::done);
    EXPECT_EQ(out.path, "/memory");
    EXPECT_EQ(out.medium->tape(), bench.tape.get());
    EXPECT_EQ(bench.tape->unflushed, 0u);
    EXPECT_EQ(bench.run(test_ready).sense(), no_medium);
    EXPECT_EQ(bench.run(load_cdb).sense(), no_medium);

    auto other = std::make_shared<MemoryTape>(mib);
    other->about.barcode = "OTHER";
    MediumPort::Answer in = port_of(bench).load(cartridge(other), "/other", long_enough);
    ASSERT_EQ(in.result, Result::done);
    EXPECT_FALSE(in.medium);
    const auto status = bench.harness.unit().medium_status();
    EXPECT_TRUE(status->present);
    EXPECT_EQ(status->path, "/other");
    EXPECT_EQ(status->barcode, "OTHER");
    EXPECT_EQ(bench.run(test_ready).sense(), medium_changed);
    bench.write_blocks(1, 100);
    EXPECT_EQ(other->all[0].objects.size(), 1u);
}

TEST(MediumPort, GivesNothingWhenThereIsNothing) {
    TapeBench bench;
    ASSERT_EQ(port_of(bench).unload(long_enough).result, Result::done);
    EXPECT_EQ(port_of(bench).unload(long_enough).result, Result::empty);
}

TEST(MediumPort, TakesNoSecondCartridge) {
    TapeBench bench;
    auto other = std::make_shared<MemoryTape>(mib);
    MediumPort::Answer answer = port_of(bench).load(cartridge(other), "/other", long_enough);
    EXPECT_EQ(answer.result, Result::occupied);
    EXPECT_EQ(answer.medium->tape(), other.get());
    EXPECT_EQ(answer.path, "/other");
}

TEST(MediumPort, TakesNothingUnsuitable) {
    TapeBench bench(mib, {}, [](scsi::LunState& state) {
        ASSERT_TRUE(ssc::tape.set_personality(state, "lto5"));
    });
    ASSERT_EQ(port_of(bench).unload(long_enough).result, Result::done);
    auto other = std::make_shared<MemoryTape>(mib);
    other->about.density = 0x60;
    MediumPort::Answer answer = port_of(bench).load(cartridge(other), "/other", long_enough);
    EXPECT_EQ(answer.result, Result::unsuitable);
    EXPECT_TRUE(answer.medium);
    EXPECT_EQ(port_of(bench).load(nullptr, "", long_enough).result, Result::unsuitable);
}

TEST(MediumPort, LeavesWhatAnInitiatorKeepsIn) {
    TapeBench bench;
    ASSERT_TRUE(bench.run({0x1e, 0, 0, 0, 1, 0}).good());
    EXPECT_EQ(port_of(bench).unload(long_enough).result, Result::prevented);
    EXPECT_TRUE(bench.run(test_ready).good());
    ASSERT_TRUE(bench.run({0x1e, 0, 0, 0, 0, 0}).good());
    EXPECT_EQ(port_of(bench).unload(long_enough).result, Result::done);
}

TEST(MediumPort, GivesACartridgeThatCannotBeFlushed) {
    TapeBench bench;
    bench.write_blocks(1, 512);
    bench.tape->fail_when = [](MemoryTape::Call call) {
        return call == MemoryTape::Call::flush ? EIO : 0;
    };
    MediumPort::Answer answer = port_of(bench).unload(long_enough);
    EXPECT_EQ(answer.result, Result::done);
    EXPECT_TRUE(answer.medium);
}

TEST(MediumPort, WhoWroteIsToldThatItWasLostWithTheCartridge_Spc4_4_5_5) {
    TapeBench bench;
    const size_t other = bench.harness.add_nexus("other");
    bench.write_blocks(1, 512);
    bench.tape->fail_when = [](MemoryTape::Call call) {
        return call == MemoryTape::Call::flush ? EIO : 0;
    };
    ASSERT_EQ(port_of(bench).unload(long_enough).result, Result::done);
    EXPECT_EQ(bench.from(other, rewind_cdb).sense(), no_medium);
    const Answer told = bench.run(rewind_cdb);
    EXPECT_EQ(told.sense(), write_error);
    EXPECT_TRUE(told.outcome.sense->deferred);
    EXPECT_EQ(bench.run(rewind_cdb).sense(), no_medium);
}

// SPC-4 7.4.2.2.8: the cartridge keeps who had it, under the name of that time.
TEST(MediumPort, ACartridgeIsLoadedByTheDriveAsItIsCalledNow) {
    TapeBench bench;
    ASSERT_EQ(port_of(bench).unload(long_enough).result, Result::done);
    bench.harness.change([](scsi::LunState& state) { state.identity.scsi_sn = "RENAMED"; });
    auto other = std::make_shared<MemoryTape>(mib);
    ASSERT_EQ(port_of(bench).load(cartridge(other), "/other", long_enough).result, Result::done);
    const auto& value = other->all[0].attributes.at(0x020a).value;
    EXPECT_EQ(std::string(value.begin() + 8, value.begin() + 15), "RENAMED");
}

TEST(MediumPort, ACartridgeIsJudgedByThePersonalityThatTheDriveHasNow) {
    TapeBench bench;
    ASSERT_EQ(port_of(bench).unload(long_enough).result, Result::done);
    bench.harness.change(
        [](scsi::LunState& state) { ASSERT_TRUE(ssc::tape.set_personality(state, "lto5")); });
    auto other = std::make_shared<MemoryTape>(mib);
    other->about.density = 0x60;
    EXPECT_EQ(port_of(bench).load(cartridge(other), "/other", long_enough).result,
              Result::unsuitable);
}

TEST(MediumPort, GivesUpOnADriveThatIsBusy) {
    TapeBench bench;
    std::promise<void> busy, go_on;
    bool first = true;
    bench.tape->fail_when = [&](MemoryTape::Call) {
        if (!std::exchange(first, false)) return 0;
        busy.set_value();
        go_on.get_future().wait();
        return 0;
    };
    auto stuck = bench.harness.start(rewind_cdb);
    busy.get_future().wait();
    EXPECT_EQ(port_of(bench).unload(1ms).result, Result::too_late);
    go_on.set_value();
    EXPECT_TRUE(stuck->wait().good());
    EXPECT_TRUE(bench.run(test_ready).good());
    EXPECT_EQ(port_of(bench).unload(long_enough).result, Result::done);
}

}  // namespace
}  // namespace tgt::test
