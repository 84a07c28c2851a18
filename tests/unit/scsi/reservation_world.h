// SPDX-License-Identifier: GPL-2.0-or-later
// A logical unit behind three targets on three workers, and the model of its reservations beside
// it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/scsi/engine_bench.h"
#include "tests/unit/scsi/reservation_model.h"

namespace tgt::test {

class World {
  public:
    static constexpr int ports = 3;
    // Initiator ports 0 and 1 are of one device; 3 never logs in.
    static constexpr int initiators = 4;
    static std::string port_name(int initiator);
    static std::string device_name(int initiator);
    // The I_T nexuses that log in and out: places in the model's table.
    const std::vector<int>& slots() const { return slots_; }

    // `keeps`: APTPL is honoured.
    explicit World(bool keeps);
    ~World();

    model::Model model;

    void login(int nexus);
    void logout(int nexus);
    void reset(int nexus);
    void restart();
    void clear_attentions();
    // Nothing can be made durable any more, or again.
    void break_keeping(bool broken) { keeper_->broken = broken; }

    Answer run(int nexus, std::vector<uint8_t> cdb, std::vector<uint8_t> data = {});
    // The first thing in which the unit differs from the model, or nothing.
    std::string difference();

  private:
    struct Keeper final : scsi::ReservationKeeper {
        void keep(const scsi::Reservations& reservations, std::function<void(bool)> done) override;
        bool broken = false;
        std::optional<std::string> file;
    };
    void start();
    void stop();
    scsi::ItlNexus& itl(int nexus) { return bench_->itl(place_[size_t(nexus)]); }
    std::string difference_of_state(const scsi::Reservations& real) const;
    std::string difference_of(int nexus);

    const bool keeps_;
    std::shared_ptr<Keeper> keeper_ = std::make_shared<Keeper>();
    std::unique_ptr<Bench> bench_;
    std::vector<std::shared_ptr<scsi::Target>> targets_;
    std::vector<int> slots_;
    std::vector<size_t> place_;  // of a nexus of the model in the bench
};

scsi::NexusId id_of(const model::Model::Nexus& nexus);

}  // namespace tgt::test
