// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/clock.h"
#include "scsi/lun_state.h"
#include "scsi/outcome.h"
#include "scsi/sense.h"
#include "store/store.h"

namespace tgt::scsi {

class Command;
class LogicalUnit;

// What of a serial device's medium concerns others: an immutable value that the device publishes
// after each step (LogicalUnit::publish_medium), for commands that must not wait behind a long one.
struct MediumStatus {
    bool present = false;
    // Why commands that need the medium cannot run now, beside its absence.
    std::optional<Sense> not_ready;
    bool write_protected = false;
    std::string path;     // of the backing file; empty without a medium
    std::string barcode;  // as the medium says, or empty
};

// The side of a drive that a media changer sees. Load and unload are messages with a deadline: they
// run on the drive's strand, and one that has not begun by then never will.
class MediumPort {
  public:
    // What became of a request; on the drive's strand, or the caller's thread when it came too
    // late.
    enum class Result : uint8_t {
        done,
        prevented,   // an initiator prevents removal: 5/53h/02h
        occupied,    // load: there is a medium
        empty,       // unload: there is none
        unsuitable,  // load: the drive does not take such a medium: 5/30h/00h
        failed,      // the store says why, in `reason`
        too_late,    // the drive did not come to it before the deadline
    };
    struct Answer {
        Result result = Result::done;
        std::string reason;
        std::unique_ptr<store::Store> medium;  // unload: what was in the drive
        std::string path;                      // of it
    };

    virtual ~MediumPort() = default;
    // Any thread but the drive's strand; waits until the drive has answered, or the deadline has
    // passed. A medium that was not loaded comes back in the answer.
    virtual Answer load(std::unique_ptr<store::Store> medium, std::string path,
                        io::Duration limit) = 0;
    virtual Answer unload(io::Duration limit) = 0;
};

// What an administrator changes of a device itself; the pairs of one request belong together.
struct ModelUpdate {
    std::vector<std::pair<std::string, std::string>> values;
    // What `tid` and `lun` among them lead to; null when they are not there, or lead to nothing.
    std::shared_ptr<LogicalUnit> unit;
    LunStatePtr state;  // of the device, when it was asked
};

// What a serial device has beside its LunState: positions, elements, the medium. One for each
// LogicalUnit, made and destroyed with it. Its methods and members are used on the strand
// (LogicalUnit::strand(): one thread at a time, which is a worker's while a command of
// OpRow::run_now has the strand) unless they say otherwise, so it has no locks.
class DeviceModel {
  public:
    virtual ~DeviceModel() = default;
    // The unit is made: the model may publish its medium. `unit` outlives the model.
    virtual void attach(LogicalUnit& unit) = 0;
    // LOGICAL UNIT RESET: every command has been aborted or will be.
    virtual void reset() {}
    // An I_T nexus has ended; what its commands have begun may still run behind this.
    virtual void nexus_lost(const NexusId&) {}
    // Before each command that takes turns: what ends it instead of being carried out. A model
    // whose device is what the LunState says looks at it here.
    virtual std::optional<Outcome> begin(const Command&) { return std::nullopt; }
    // Any thread. Null: no changer can serve it.
    virtual MediumPort* medium_port() { return nullptr; }

    // Any thread, also before attach(): puts into a state what the model knows better than whoever
    // changes it.
    virtual void adjust(LunState&) const {}
    // Any thread: what it holds, as JSON text for `tgtadm --op show`; empty: nothing to tell.
    virtual std::string shown() const { return {}; }
    // Any thread: whether it has a parameter of that name (tgtadm --op update --params).
    virtual bool takes(std::string_view) const { return false; }
    // All such parameters of one request; changes everything, or nothing and says why. Appends to
    // `warnings` what the administrator should know. May wait for its store.
    virtual Result<void> update(const ModelUpdate&, std::vector<std::string>&) { return {}; }
    // Control thread. Whether it wants to hear of all LUNs...
    virtual bool wants_luns() const { return false; }
    // ...that this LUN leads to `unit` now, or that the identity of the unit has changed.
    virtual void lun_came(int, uint64_t, const std::shared_ptr<LogicalUnit>&) {}
};

}  // namespace tgt::scsi
