// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/unit/scsi/harness.h"

namespace tgt::test {

// The SPC rows and READ(10), WRITE(10) (one store operation), 2Eh and 2Fh (jobs that wait at the
// gate; 2Eh has its blocks for itself) and PREVENT ALLOW MEDIUM REMOVAL.
const scsi::DeviceType& engine_device();

// Where jobs of 2Fh wait until it is opened. Any thread.
class Gate {
  public:
    static void shut();
    static void open();
    static void wait_for(size_t jobs);  // until so many stand at the gate
    static void pass();                 // what a job does
};

// Workers that were never started, turned by the test with a clock of its own: everything but pool
// jobs is deterministic.
class Bench {
  public:
    explicit Bench(unsigned workers = 1, std::function<void(scsi::LunState&)> adjust = {},
                   const scsi::DeviceType& type = engine_device());
    ~Bench();

    void settle();              // until every message has arrived
    void pass(io::Duration d);  // settles, moves the clock, settles
    void await_jobs();          // until the pool has nothing left, then settles

    // A nexus on `worker`; returns its number. Without unit attention unless `keep`.
    size_t login(const std::string& port, unsigned worker = 0, bool keep = false,
                 scsi::Target* target = nullptr);
    scsi::Nexus& nexus(size_t number) { return *nexuses[number]; }
    scsi::ItlNexus& itl(size_t number) { return *nexuses[number]->find(1); }

    struct Send {
        size_t nexus = 0;
        uint64_t lun = 1;
        uint64_t tag = 0;
        std::vector<uint8_t> data = {};
        std::optional<uint64_t> expected_in = {};  // default: 1 MiB
        bool withhold = false;
        scsi::TaskAttribute attribute = scsi::TaskAttribute::simple;
    };
    TestCommandPtr send(std::vector<uint8_t> cdb, Send send);  // submits, and no more
    // Submits and settles; the command may still be on its way.
    TestCommandPtr start(std::vector<uint8_t> cdb, Send send);
    TestCommandPtr start(std::vector<uint8_t> cdb) { return start(std::move(cdb), Send()); }
    Answer run(std::vector<uint8_t> cdb, Send send);
    Answer run(std::vector<uint8_t> cdb) { return run(std::move(cdb), Send()); }
    void edit(const std::function<void(scsi::LunState&)>& change);

    io::Runtime runtime;
    io::TimePoint now = io::TimePoint() + std::chrono::hours(1);
    std::shared_ptr<scsi::Target> target;
    std::shared_ptr<scsi::LogicalUnit> unit;
    MemoryStore* store = nullptr;
    std::future<void> store_closed;
    bool store_gone();
    std::vector<std::unique_ptr<scsi::Nexus>> nexuses;
    std::vector<TestCommandPtr> commands;  // the store may still have them when a test ends
};

std::vector<uint8_t> read10(uint32_t lba, uint16_t blocks);
std::vector<uint8_t> write10(uint32_t lba, uint16_t blocks);
std::vector<uint8_t> exclusive10(uint32_t lba, uint16_t blocks);
inline const std::vector<uint8_t> tur(6, 0);
inline const std::vector<uint8_t> gated{0x2f, 0, 0, 0, 0, 0, 0, 0, 0, 0};

}  // namespace tgt::test
