// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "scsi/sense.h"

namespace tgt::scsi {

// SAM-5 table 33.
enum class Status : uint8_t {
    good = 0x00,
    check_condition = 0x02,
    condition_met = 0x04,
    busy = 0x08,
    reservation_conflict = 0x18,
    task_set_full = 0x28,
    aca_active = 0x30,
    task_aborted = 0x40,
};

// How a command ended. A sense with a status other than CHECK CONDITION is legal (SPC-5 4.4.1) but
// rare; an outcome with sense keeps the data that already moved.
struct Outcome {
    Status status = Status::good;
    std::optional<Sense> sense;
    // With sense: Command::in_total bytes had moved before, and belong to the initiator.
    bool with_data = false;

    Outcome() = default;
    Outcome(Status s) : status(s) {}
    Outcome(const Sense& s) : status(Status::check_condition), sense(s) {}
    bool good() const { return status == Status::good && !sense; }
};

// The outcome for an errno of a store, told apart by what was tried. `lba` goes into INFORMATION.
enum class Access : uint8_t { read, write, flush };
Outcome outcome_of_errno(int error, Access access, uint64_t lba);
// The medium is broken, or gone.
bool is_medium_failure(int error);
// The same, of a medium that is not there any more.
bool is_gone_failure(int error);
// The same operation may do better at once: it was refused or interrupted, nothing was lost.
bool is_passing_failure(int error);

}  // namespace tgt::scsi
