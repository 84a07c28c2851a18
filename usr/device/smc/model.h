// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "device/smc/drives.h"
#include "scsi/command.h"
#include "scsi/device_model.h"
#include "scsi/outcome.h"
#include "store/library.h"

namespace tgt::smc {

// MOVE MEDIUM, and each half of EXCHANGE MEDIUM.
struct Move {
    uint16_t transport = 0;  // 0: any
    uint16_t from = 0;
    uint16_t to = 0;
};

// A library: its inventory, in memory and in the changer's file, and its drives. Made and destroyed
// with its LogicalUnit. Everything is for the strand but what says otherwise.
class Changer final : public scsi::DeviceModel {
  public:
    // `store` is of the engine smc, or null: nothing is kept then.
    explicit Changer(std::unique_ptr<store::Store> store);

    // --- scsi::DeviceModel; threads as there
    void attach(scsi::LogicalUnit& unit) override;
    void reset() override;
    void adjust(scsi::LunState& state) const override;
    std::string shown() const override;
    bool takes(std::string_view name) const override;
    Result<void> update(const scsi::ModelUpdate& change,
                        std::vector<std::string>& warnings) override;
    bool wants_luns() const override { return true; }
    void lun_came(int tid, uint64_t lun, const std::shared_ptr<scsi::LogicalUnit>& unit) override;

    // --- what commands see
    const store::Inventory& inventory() const { return inventory_; }
    // Null: the element stands for no logical unit that is there.
    std::shared_ptr<scsi::LogicalUnit> drive_at(uint16_t address) const;
    const scsi::LunIdentity* identity_at(uint16_t address) const;
    // The drive has a medium that is none of the library's.
    bool has_other_medium(const scsi::LogicalUnit& drive) const;
    bool is_open(uint16_t address) const { return open_.count(address) != 0; }

    // --- what commands do
    scsi::Outcome move(const Move& move);
    scsi::Outcome exchange(uint16_t transport, uint16_t source, uint16_t first, uint16_t second);
    scsi::Outcome position(uint16_t transport, uint16_t destination) const;
    // OPEN/CLOSE IMPORT/EXPORT ELEMENT.
    scsi::Outcome set_open(uint16_t address, bool open, const scsi::NexusId& by);
    // SEND VOLUME TAG asks, REQUEST VOLUME ELEMENT ADDRESS answers: kept for the last who asked.
    struct VolumeSearch {
        scsi::NexusId by;
        uint8_t action = 0;
        std::vector<uint16_t> found;
    };
    std::optional<VolumeSearch> search;

    // Everybody but `except` is told.
    void tell(scsi::UnitAttention attention, const std::optional<scsi::NexusId>& except = {});

  private:
    struct Trip;
    std::optional<scsi::Sense> check_transport(uint16_t address) const;
    std::optional<scsi::Sense> check_place(uint16_t address) const;
    std::optional<scsi::Sense> check_source(uint16_t address) const;
    std::optional<scsi::Sense> check_destination(uint16_t address) const;
    std::optional<scsi::Sense> take_out(uint16_t address);
    std::optional<scsi::Sense> put_in(uint16_t address, const store::Cartridge& cartridge);
    std::optional<scsi::Sense> make_room(uint16_t address, const std::string& path);
    std::string path_of(const store::Cartridge& cartridge) const;
    // The next inventory is kept, and in force.
    Result<void> commit(store::Inventory next);
    scsi::Outcome commit_moved(store::Inventory next, bool drives_moved);
    void publish();
    void bind_drive(uint16_t address, BoundDrive drive);
    // Those that the inventory has no place for any more.
    void forget_drives();

    std::unique_ptr<store::Store> store_;
    store::Library* library_ = nullptr;  // of store_
    scsi::LogicalUnit* unit_ = nullptr;
    store::Inventory inventory_;
    std::map<uint16_t, BoundDrive> drives_;
    std::set<uint16_t> open_;  // import/export elements
    // What other threads look at; by the atomic functions only.
    std::shared_ptr<const store::Inventory> published_;
};

// The changer that a command is for.
Changer& changer_of(const scsi::Command& command);

}  // namespace tgt::smc
