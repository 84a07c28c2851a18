// SPDX-License-Identifier: GPL-2.0-or-later
// A READ through the engine: look-up, every check, buffer, the null store, the answer. No socket,
// and no thread but this.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "device/sbc/disk.h"
#include "io/runtime.h"
#include "scsi/engine.h"
#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "scsi/target.h"
#include "store/null/null.h"
#include "tests/bench/workload.h"

namespace {

using namespace tgt;

class Read final : public scsi::Command {
  public:
    Read(scsi::Nexus& from, uint64_t lba, uint32_t blocks) {
        const auto bytes = bench::transfer_cdb({lba, blocks, false});
        std::copy(bytes.begin(), bytes.end(), cdb.begin());
        cdb_length = bytes.size();
        nexus = &from;
        scsi::Command::lun = 1;
        attribute = scsi::TaskAttribute::simple;
        expected_in = uint64_t{blocks} * 512;
    }
    void want_data_out() override {}
    void finished() override {
        good = outcome.good();
        in.release();
    }
    bool good = false;
};

// A disk on the null store, its workers turned by hand.
class World {
  public:
    World() : runtime(io::Runtime::Options{.workers = 1}) {
        auto store = store::null_engine.open({}).value();
        scsi::LunSetup setup;
        setup.store = &store->info();
        scsi::LunState state = sbc::disk.initial_state(setup);
        target = std::make_shared<scsi::Target>(runtime, "iqn.2001-04.org.example:micro", 1);
        unit = scsi::LogicalUnit::make(runtime, sbc::disk, std::move(store), "null", "", "",
                                       std::move(state), 1);
        target->add_lun(1, unit, {});
        settle();
        nexus = std::make_unique<scsi::Nexus>(target->shard(0), scsi::NexusId{"iqn.i", 1}, 1);
        for (auto& [lun, itl] : nexus->luns()) itl->attentions.clear_all();
    }
    ~World() {
        scsi::retire(std::move(nexus), std::chrono::seconds(1), [] {});
        settle();
        target->remove_lun(1, std::chrono::seconds(1), [](bool) {});
        unit.reset();
        for (int round = 0; round < 10; ++round) {
            settle();
            runtime.pool().wait_idle(io::Clock::now() + std::chrono::seconds(1));
        }
    }
    void turn() { runtime.worker(0).turn_for_test(now); }
    void settle() {
        for (int round = 0; round < 10; ++round) {
            turn();
            runtime.control().turn_for_test(now);
        }
    }

    io::Runtime runtime;
    io::TimePoint now = io::TimePoint() + std::chrono::hours(1);
    std::shared_ptr<scsi::Target> target;
    std::shared_ptr<scsi::LogicalUnit> unit;
    std::unique_ptr<scsi::Nexus> nexus;
};

// Argument: blocks of a READ. The null store writes zeroes, which is part of the time.
void dispatch_read(benchmark::State& state) {
    World world;
    const auto blocks = static_cast<uint32_t>(state.range(0));
    uint64_t lba = 0;
    for (auto _ : state) {
        Read read(*world.nexus, lba, blocks);
        scsi::submit(read);
        if (!read.good) state.SkipWithError("a READ did not end at once with GOOD");
        lba += blocks;
        if (lba % 1024 == 0) world.turn();
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(dispatch_read)->Arg(1)->Arg(8)->Arg(256);

}  // namespace
