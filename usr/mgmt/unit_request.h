// SPDX-License-Identifier: GPL-2.0-or-later
// Private to the registry's files.
#pragma once

#include <functional>
#include <memory>

#include "mgmt/registry.h"
#include "scsi/device_type.h"
#include "store/store.h"

namespace tgt::mgmt {

// A LUN on its way to its LogicalUnit, across the blocking pool. Shared by the steps; ends with
// finish(), once: with a unit, with a reason, or when it has waited long enough for a device. What
// is under way then goes on alone.
struct Registry::UnitRequest : std::enable_shared_from_this<UnitRequest> {
    explicit UnitRequest(Registry& r) : registry(r) {}

    Registry& registry;
    int tid = 0;
    uint64_t lun = 0;
    const scsi::DeviceType* type = nullptr;
    const store::Engine* engine = nullptr;
    store::OpenRequest open;
    uint32_t block_size = 0;
    Warnings warnings;
    // A new medium in an existing unit: carries over what is not the medium's. Such a medium is not
    // shared.
    std::function<void(scsi::LunState&)> adjust;
    // A LUN of the saved state: what was set of it. Nobody meets the unit without.
    NamedValues set;
    UnitPtr replaces;  // its unit until now; the answer when it is the same medium
    std::function<void(Outcome<UnitPtr>)> done;

    std::string entered;  // the attempt that is this request's own
    std::string late;     // what to say when the patience ends
    std::unique_ptr<io::Timer> patience;

    void begin();
    bool over() const { return !done; }
    // The steps from here on have so long. `reason` is for the administrator.
    void be_patient(io::Duration bound, std::string reason);
    void finish(Outcome<UnitPtr> outcome);

  private:
    struct Opened;
    bool enter(const std::string& what, std::function<void()> again);
    void probe();
    void find_medium(store::Identity identity);
    void opened(Result<Opened> result);
    void use(const MediumPtr& medium);
    void wait_for_close(const MediumPtr& medium);
    Outcome<UnitPtr> share(const Medium& medium, UnitPtr unit) const;
    Outcome<UnitPtr> make_unit(Opened opened);
    Status restore_settings(scsi::LunState& state, const store::Store* store,
                            std::optional<uint64_t>& limit);
    void note_unused_bytes(const store::Info& info);
    void keep_reservations(scsi::LogicalUnit& unit, const std::string& key);
};

// What a logical unit is before anybody has changed it.
scsi::LunState initial_state(const scsi::DeviceType& type, const scsi::LunSetup& setup);
// The backing store type of a LUN that asks for none.
std::string_view default_engine(const scsi::DeviceType& type);

// An update of a LUN on its way through its parameters; ends with finish(), once.
struct Registry::LunUpdate {
    int tid = 0;
    uint64_t lun = 0;
    NamedValues parameters;
    size_t next = 0;
    Warnings warnings;
    LunCallback done;
    std::weak_ptr<UnitRequest> opening;  // of another medium

    bool over() const { return !done; }
    void finish(Outcome<Warnings> outcome) {
        if (auto call = std::exchange(done, nullptr)) call(std::move(outcome));
    }
    // Another request wants the LUN, and what this one waits for may never come.
    void interrupt(const Failure& why) {
        if (const auto request = opening.lock()) request->finish(tl::unexpected(why));
        finish(tl::unexpected(why));
    }
};

}  // namespace tgt::mgmt
