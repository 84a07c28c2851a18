// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "device/smc/changer.h"
#include "device/smc/model.h"
#include "tests/unit/scsi/engine_bench.h"

namespace tgt::test {

// A drive that does what the test says; its calls run in the changer's strand.
class FakeDrive final : public scsi::DeviceModel, public scsi::MediumPort {
  public:
    using Answered = scsi::MediumPort::Result;
    explicit FakeDrive(std::string path) : path(std::move(path)) {}
    void attach(scsi::LogicalUnit& unit) override {
        unit_ = &unit;
        publish();
    }
    scsi::MediumPort* medium_port() override { return this; }
    Answer load(std::unique_ptr<store::Store> medium, std::string from, io::Duration) override;
    Answer unload(io::Duration) override;
    void publish();

    Answered next_load = Answered::done, next_unload = Answered::done;
    std::string path;  // of the medium in it
    unsigned loads = 0, unloads = 0;

  private:
    scsi::LogicalUnit* unit_ = nullptr;
};

// The cartridges' files: those that can be opened. Any thread, before the commands run.
struct FakeShelf {
    static std::set<std::string>& files();
};

// A changer at LUN 1: arm 1, slots 1000 to 1004, import/export 10 and 11, drives 500 and 501, which
// are LUN 2 and 3. Cartridges A00001L8 to A00003L8 in the first slots; home is /tapes.
class LibraryBench : public Bench {
  public:
    LibraryBench();
    ~LibraryBench();

    using Values = std::vector<std::pair<std::string, std::string>>;
    // As an administrator does, with what the registry does besides. Empty: done; else the reason.
    std::string update(const Values& values);
    std::vector<std::string> warnings;
    void add_drive(uint64_t lun, const std::string& path = {});
    void remove_drive(uint64_t lun);
    FakeDrive& drive(uint64_t lun);
    smc::Changer& changer() { return static_cast<smc::Changer&>(*unit->model()); }
    std::string barcode_at(uint16_t address);

    Answer move(uint16_t from, uint16_t to, uint16_t transport = 1);
    Answer exchange(uint16_t source, uint16_t first, uint16_t second);
    // READ ELEMENT STATUS with volume tags.
    Answer status(uint8_t kind, uint16_t start = 0, uint16_t count = 0xffff,
                  uint32_t allocation = 0xffff, bool device_ids = false);
};

// One descriptor as an initiator reads it.
struct Descriptor {
    uint16_t address = 0;
    uint8_t kind = 0, flags = 0;
    uint16_t code = 0;  // ASC and ASCQ
    std::string tag, id;
    int source = -1;
};
// Everything of a report; a failure when lengths do not fit together.
std::vector<Descriptor> read_report(const std::vector<uint8_t>& data);

}  // namespace tgt::test
