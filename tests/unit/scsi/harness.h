// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "io/runtime.h"
#include "scsi/command.h"
#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "scsi/target.h"
#include "tests/unit/scsi/memory_store.h"

namespace tgt::test {

// How a command ended, as the initiator sees it.
struct Answer {
    scsi::Outcome outcome;
    std::vector<uint8_t> data;
    uint64_t in_total = 0, out_total = 0;  // the residuals are against these
    bool silent = false;
    std::vector<uint8_t> sense_data;  // of a device behind the target

    bool good() const { return outcome.good(); }
    scsi::Status status() const { return outcome.status; }
    // Key, ASC and ASCQ as one number: 0x052400 is 5/24h/00h; 0 without sense.
    uint32_t sense() const;
};

// One command sent to the harness's LUN; wait() for its answer.
class TestCommand final : public scsi::Command {
  public:
    TestCommand(std::vector<uint8_t> cdb, std::vector<uint8_t> data);
    void want_data_out() override;
    void finished() override;
    Answer wait();
    bool ready();

    bool withhold_data = false;  // data_out_complete() is not called by itself

  private:
    std::vector<uint8_t> data_;
    std::promise<Answer> promise_;
    std::future<Answer> future_;
};
using TestCommandPtr = std::shared_ptr<TestCommand>;

// A runtime with real threads, one target with one LUN on a MemoryStore, and nexuses on worker 0
// (or round the workers). Commands go through the real engine. One thread drives it.
class Harness {
  public:
    struct Options {
        uint64_t size = 1 << 20;
        uint32_t block_size = 512;
        unsigned workers = 1;
        bool medium = true;
        bool keep_unit_attention = false;  // 29h/00h stays pending on new nexuses
        uint64_t lun = 1;
        std::function<void(MemoryStore&)> prepare;      // before the unit is made
        std::function<void(scsi::LunState&)> adjust{};  // the initial state
        // Another store than a MemoryStore; may give null.
        std::function<std::unique_ptr<store::Store>()> other_store{};
    };
    explicit Harness(const scsi::DeviceType& type) : Harness(type, Options()) {}
    Harness(const scsi::DeviceType& type, const Options& options);
    ~Harness();

    MemoryStore& store() { return *store_; }
    scsi::LogicalUnit& unit() { return *unit_; }
    io::Runtime& runtime() { return runtime_; }
    // Returns its number; number 0 exists from the beginning.
    size_t add_nexus(const std::string& initiator_port);
    scsi::Nexus& nexus(size_t number) { return *nexuses_[number]; }

    struct Send {
        std::vector<uint8_t> data = {};             // Data-Out
        std::optional<uint64_t> expected_in = {};   // default: more than enough
        std::optional<uint64_t> expected_out = {};  // default: data.size()
        size_t nexus = 0;
        std::optional<uint64_t> lun = {};  // default: the harness's
        scsi::TaskAttribute attribute = scsi::TaskAttribute::simple;
        uint64_t tag = 0;
        bool withhold_data = false;
    };
    TestCommandPtr start(std::vector<uint8_t> cdb, Send send);
    TestCommandPtr start(std::vector<uint8_t> cdb) { return start(std::move(cdb), Send()); }
    Answer run(std::vector<uint8_t> cdb, Send send);
    Answer run(std::vector<uint8_t> cdb) { return run(std::move(cdb), Send()); }
    Answer run(std::vector<uint8_t> cdb, std::vector<uint8_t> data);
    // Runs `function` on the nexus's worker and waits for it.
    void on_worker(std::function<void()> function, size_t nexus = 0);
    // Replaces the LUN's state as an administrator would.
    void change(std::function<void(scsi::LunState&)> edit);

  private:
    io::Worker& worker_of(size_t nexus) {
        return runtime_.worker(unsigned(nexus % runtime_.worker_count()));
    }
    io::Runtime runtime_;
    const Options options_;
    std::shared_ptr<scsi::Target> target_;
    std::shared_ptr<scsi::LogicalUnit> unit_;
    MemoryStore* store_ = nullptr;
    std::future<void> store_closed_;
    std::vector<std::unique_ptr<scsi::Nexus>> nexuses_;
};

// Bytes of a CDB field, for tests that build CDBs by hand.
std::vector<uint8_t> pattern(size_t bytes, uint8_t seed);

}  // namespace tgt::test
