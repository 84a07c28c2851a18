// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <vector>

#include "mgmt/registry.h"
#include "mgmt/state_keeper.h"
#include "mgmt/state_rows.h"

namespace tgt::mgmt {

struct RestoreOptions {
    // How long backing stores are waited for while none of them comes back; the rest open later.
    io::Duration patience = std::chrono::seconds(5);
    // Backing stores that are opened at once.
    size_t at_once = 64;
};

// Makes the objects of the saved state again, in an empty registry, through what the verbs use.
// Each on its own, whole or not at all: `done` gets those that could not be made, which stay as
// they are on the disk. Before initiators are let in; control thread, and `done` there.
void restore_state(Registry& registry, std::vector<StateRow> rows, RestoreOptions options,
                   std::function<void(std::vector<StateKeeper::Unused>)> done);

}  // namespace tgt::mgmt
