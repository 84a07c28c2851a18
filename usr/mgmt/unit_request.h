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
// finish(), once.
struct Registry::UnitRequest {
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
    UnitPtr replaces;  // its unit until now; the answer when it is the same medium
    std::function<void(Outcome<UnitPtr>)> done;
    std::unique_ptr<io::Timer> patience;  // with a handle that is being closed

    UnitPtr make_unit(Registry& registry, std::unique_ptr<store::Store> store);
    void finish(Outcome<UnitPtr> outcome) {
        auto call = std::exchange(done, nullptr);  // it refers to this object
        if (patience) patience->disarm();
        call(std::move(outcome));
    }
};

// An update of a LUN on its way through its parameters.
struct Registry::LunUpdate {
    int tid = 0;
    uint64_t lun = 0;
    NamedValues parameters;
    size_t next = 0;
    Warnings warnings;
    LunCallback done;
};

}  // namespace tgt::mgmt
