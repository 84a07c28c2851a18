// SPDX-License-Identifier: GPL-2.0-or-later
// The drive against a reference tape, in random sequences of commands; on the cartridge in memory,
// and on one in a file.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "store/ssc/create.h"
#include "store/ssc/ssc.h"
#include "tests/unit/device/ssc/reference_tape.h"
#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

// One drive and its reference; each step is a command that both get.
class World {
  public:
    World(Harness& harness, uint64_t capacity, unsigned seed)
        : harness_(harness), reference_(capacity), capacity_(capacity), random_(seed) {}

    void step() {
        using Step = void (World::*)();
        static constexpr Step steps[] = {
            &World::write, &World::write,  &World::write,  &World::marks,  &World::read,
            &World::read,  &World::read,   &World::verify, &World::space,  &World::space,
            &World::space, &World::locate, &World::locate, &World::rewind, &World::erase,
            &World::block, &World::reload, &World::format};
        (this->*steps[below(std::size(steps))])();
        compare_position();
    }

  private:
    uint32_t below(size_t n) { return uint32_t(random_() % n); }
    bool often(unsigned percent) { return below(100) < percent; }
    // Few different ones, so that lengths often are equal.
    uint32_t length() { return (1 + below(4)) * 512 - (often(20) ? below(100) : 0); }

    void check(const Answer& answer, const Expected& expected, const std::string& what) {
        SCOPED_TRACE(what);
        const scsi::Sense sense = answer.outcome.sense.value_or(scsi::Sense());
        ASSERT_EQ(answer.status(),
                  expected.good ? scsi::Status::good : scsi::Status::check_condition);
        ASSERT_EQ(answer.sense(), expected.sense);
        ASSERT_EQ(sense.filemark, expected.filemark);
        ASSERT_EQ(sense.end_of_medium, expected.end_of_medium);
        ASSERT_EQ(sense.incorrect_length, expected.incorrect_length);
        ASSERT_EQ(information(answer), expected.information);
        ASSERT_EQ(answer.data, expected.data);
    }
    void compare_position() {
        const Answer answer = harness_.run(read_position(0x06));
        ASSERT_EQ(answer.data.size(), 32u);
        ASSERT_EQ(wire::load_be<4>(&answer.data[4]), reference_.partition());
        ASSERT_EQ(wire::load_be<8>(&answer.data[8]), reference_.object());
        ASSERT_EQ(wire::load_be<8>(&answer.data[16]), reference_.file());
    }

    void write() {
        const bool fixed_blocks = often(40);
        const uint32_t count = fixed_blocks ? below(6) : length();
        const Bytes data = pattern(size_t(count) * (fixed_blocks ? reference_.block_length : 1),
                                   uint8_t(below(256)));
        const Bytes cdb = fixed_blocks ? write_fixed(count) : write_variable(count);
        check(harness_.run(cdb, data), reference_.write(fixed_blocks, count, data), "write");
    }
    void marks() {
        const uint32_t count = below(4);
        const uint8_t flags = often(50) ? immed : 0;
        check(harness_.run(write_filemarks(count, flags)), reference_.write_filemarks(count),
              "marks");
    }
    void read() { read_as(0x08, true); }
    void verify() { read_as(0x13, false); }
    void read_as(uint8_t opcode, bool data) {
        const bool fixed_blocks = often(40), suppress = data && often(30);
        const uint32_t count = fixed_blocks ? below(6) : length();
        const auto flags = uint8_t((fixed_blocks ? fixed : 0) | (suppress ? sili : 0));
        check(harness_.run(cdb6(opcode, flags, count)),
              reference_.read(fixed_blocks, suppress, count, data), data ? "read" : "verify");
    }
    void space() {
        const auto code = uint8_t(below(5));
        const int32_t count = int32_t(below(9)) - 4;
        const Bytes cdb = often(50) ? test::space(code, count) : space16(code, count);
        check(harness_.run(cdb), reference_.space(code, count),
              "space " + std::to_string(code) + " " + std::to_string(count));
    }
    void locate() {
        const uint64_t id = below(40);
        const int partition = often(40) ? int(below(3)) : -1;
        const auto to = partition < 0 ? std::nullopt : std::optional<uint32_t>(partition);
        const auto type = uint8_t(often(50) ? 0 : below(5));
        const bool short_form = type == 0 && often(50);
        const Bytes cdb =
            short_form ? locate10(uint32_t(id), partition) : locate16(type, id, partition);
        check(harness_.run(cdb), reference_.locate(type, id, to), "locate");
    }
    void rewind() { check(harness_.run(rewind_cdb), reference_.rewind(), "rewind"); }
    void erase() {
        if (often(60)) return;
        check(harness_.run(often(50) ? erase_long : erase_short), reference_.erase(), "erase");
    }
    void block() {
        const uint32_t bytes = often(30) ? 0 : (1 + below(3)) * 512;
        harness_.change([bytes](scsi::LunState& state) { state.geometry.block_size = bytes; });
        reference_.block_length = bytes;
    }
    void reload() {
        if (often(70)) return;
        ASSERT_TRUE(harness_.run(unload_cdb).good());
        ASSERT_TRUE(harness_.run(load_cdb).good());
        reference_.reload();
    }
    void format() {
        if (capacity_ < 10'000'000) return;
        if (often(50)) harness_.run(rewind_cdb), reference_.rewind();
        const auto megabytes = uint16_t(1 + below(2));
        harness_.change([megabytes](scsi::LunState& state) {
            auto& page = state.mode_page(0x11)->current;
            page.resize(std::max<size_t>(page.size(), 10));
            page[1] = 1;
            page[2] = 0x34;  // IDP, megabytes, POFM
            wire::store_be<2>(&page[6], 0xffff);
            wire::store_be<2>(&page[8], megabytes);
        });
        const uint64_t second = megabytes * 1'000'000u;
        check(harness_.run({0x04, 0, 1, 0, 0, 0}), reference_.format({capacity_ - second, second}),
              "format");
    }

    Harness& harness_;
    ReferenceTape reference_;
    const uint64_t capacity_;
    std::minstd_rand random_;
};

void run(Harness& harness, uint64_t capacity, unsigned seed, int steps) {
    World world(harness, capacity, seed);
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
        world.step();
    }
}

TEST(TapeModel, OfACartridgeInMemory) {
    constexpr uint64_t capacity = 10'000'000;
    for (unsigned seed = 1; seed <= 12 && !HasFatalFailure(); ++seed) {
        TapeBench bench(capacity);
        run(bench.harness, capacity, seed, 400);
    }
}

// The end of the medium comes into sight.
TEST(TapeModel, OfAShortCartridgeInMemory) {
    constexpr uint64_t capacity = 20'000;
    for (unsigned seed = 100; seed <= 106 && !HasFatalFailure(); ++seed) {
        TapeBench bench(capacity);
        run(bench.harness, capacity, seed, 300);
    }
}

TEST(TapeModel, OfACartridgeInAFile) {
    constexpr uint64_t capacity = 100'000'000;
    const auto path =
        std::filesystem::path(testing::TempDir()) / ("model-" + std::to_string(getpid()) + ".tape");
    for (unsigned seed = 200; seed <= 203 && !HasFatalFailure(); ++seed) {
        std::filesystem::remove(path);
        store::ssc::CartridgeSpec spec;
        spec.barcode = "MODEL1";
        spec.capacity = capacity;
        spec.max_partitions = 4;
        ASSERT_TRUE(store::ssc::create_cartridge(path, spec));
        Harness::Options options;
        options.other_store = [&] {
            store::OpenRequest request;
            request.path = path;
            return std::move(store::ssc_engine.open(request).value());
        };
        Harness harness(ssc::tape, options);
        run(harness, capacity, seed, 250);
    }
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace tgt::test
