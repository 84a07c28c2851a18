// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/runtime.h"
#include "mgmt/new_lun.h"
#include "scsi/logical_unit.h"
#include "store/store.h"

namespace tgt::mgmt {

// What management knows of the medium of one unit. Control thread. In `Media` from the first open
// until the unit has gone and every handle is closed.
struct Medium {
    const store::Engine* engine = nullptr;
    store::OpenRequest open;  // how it was opened
    // Of the newest handle.
    store::Identity identity;
    std::string lasting_id;
    std::weak_ptr<scsi::LogicalUnit> unit;
    scsi::LunIdentity first_identity;             // what the unit was called at first
    const scsi::LogicalUnit* unit_key = nullptr;  // where Media has it
    unsigned handles = 0;                         // open, or being closed
    uint64_t size = 0;                            // bytes, when it was last looked at
    std::optional<uint64_t> limit;                // capacity=<bytes>: the unit shows no more
    // Gone, and looked for: why, or why what is there now is not used.
    std::optional<std::string> missing;
    // The LUN that leads to the unit, or was the last to do so: "LUN 1 of target 2".
    std::string place;
    // What was set of the unit; see LunEntry.
    std::shared_ptr<NamedValues> set;
    std::optional<io::TimePoint> unused_since;  // no LUN leads there any more
    std::optional<io::TimePoint> complained;    // in the log, that it fails
    std::vector<std::function<void()>> on_closed;
};
using MediumPtr = std::shared_ptr<Medium>;

// Every medium that the daemon has a handle of, those included that no LUN leads to any more: a
// command that is stuck in the store keeps its unit, and the unit its handle. Nobody else may use
// such a medium, as a write that is stuck may still land. Control thread.
class Media {
  public:
    explicit Media(io::Runtime& runtime) : runtime_(runtime) {}
    Media(const Media&) = delete;

    // For a store that was just opened and that no unit has yet; set_unit() follows.
    MediumPtr add(const store::Engine& engine, const store::OpenRequest& request,
                  const store::Info& info);
    void set_unit(const MediumPtr& medium, const std::shared_ptr<scsi::LogicalUnit>& unit);
    // Counts one more handle, until the result has been destroyed.
    std::unique_ptr<store::Store> track(const MediumPtr& medium,
                                        std::unique_ptr<store::Store> store);

    // By either, where it is known. Null: nobody has it open.
    MediumPtr find(const store::Identity& identity, std::string_view lasting_id = {}) const;
    MediumPtr of(const scsi::LogicalUnit& unit) const;
    const std::vector<MediumPtr>& all() const { return all_; }
    // Whether a unit lives, of a LUN or held by a command that its store has not given back.
    bool any_unit() const;
    // `gone` is called for every medium that is not here any more.
    void set_dropped(std::function<void(const MediumPtr&)> gone) { dropped_ = std::move(gone); }

  private:
    void handle_closed(const MediumPtr& medium);
    void forget_unit(const MediumPtr& medium);

    io::Runtime& runtime_;
    std::vector<MediumPtr> all_;
    std::map<const scsi::LogicalUnit*, MediumPtr> by_unit_;
    std::function<void(const MediumPtr&)> dropped_;
};

// How texts name a LUN.
std::string place_text(int tid, uint64_t lun);

// Destroys a store where that may wait for its device; then `closed` on the control thread.
void close_on_pool(io::Runtime& runtime, std::unique_ptr<store::Store> store,
                   std::function<void()> closed = {});

}  // namespace tgt::mgmt
