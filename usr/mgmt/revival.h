// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mgmt/attempts.h"
#include "mgmt/media.h"

namespace tgt::mgmt {

// Looks after media that fail. One that is gone (a device pulled out, a file system or a server
// that has gone) makes its unit not ready; its handle is closed, and the path is tried again until
// the same medium is there: nothing else that turns up at the path is ever used. Control thread;
// one call to the medium at a time, on the pool, so that one that hangs holds up nothing else.
class Revival final : public scsi::StoreObserver {
  public:
    struct Options {
        // Between two looks at a medium that fails and is there.
        io::Duration pause = std::chrono::seconds(1);
        // Between two attempts to find one that is gone: from the first to the longest, doubled.
        io::Duration first = std::chrono::seconds(1), longest = std::chrono::seconds(10);
    };
    struct World {
        io::Runtime& runtime;
        Media& media;
        Attempts& attempts;
        // The LUN that leads to a unit; empty: none.
        std::function<std::string(const scsi::LogicalUnit&)> place_of;
        // It was looked at, and has this size.
        std::function<void(const MediumPtr&, uint64_t)> sized;
        // It is open again.
        std::function<void(const MediumPtr&)> returned;
    };
    Revival(World world, Options options);
    Revival(const Revival&) = delete;
    ~Revival();

    void store_failed(const std::shared_ptr<scsi::LogicalUnit>& unit, int error) override;
    void flush_failed(const std::shared_ptr<scsi::LogicalUnit>& unit, int error) override;
    // It may be gone.
    void look_at(const MediumPtr& medium, int error);
    // Something has turned up that may be missed: attempts are made at once.
    void hurry();
    void forget(const MediumPtr& medium);

  private:
    struct Case;
    struct Look;
    using CasePtr = std::shared_ptr<Case>;
    using UnitPtr = std::shared_ptr<scsi::LogicalUnit>;

    void looked(const CasePtr& open_case, const Look& look);
    void pause(const CasePtr& open_case, const std::string& reason);
    void declare_gone(const CasePtr& open_case, const std::string& reason);
    void let_go(const CasePtr& open_case);
    void seek(const CasePtr& open_case);
    void due(const CasePtr& open_case);
    void attempt(const CasePtr& open_case);
    void open_medium(const CasePtr& open_case, const std::string& turn);
    void found(const CasePtr& open_case, Result<std::unique_ptr<store::Store>> store,
               std::function<void()> leave);
    void not_this(const CasePtr& open_case, std::string why);
    void take(const CasePtr& open_case, const UnitPtr& unit, std::unique_ptr<store::Store> store);
    void back(const CasePtr& open_case, uint64_t size);
    bool over(const CasePtr& open_case) const;
    void close(const CasePtr& open_case);

    const World world_;
    const Options options_;
    std::map<MediumPtr, CasePtr> cases_;
};

}  // namespace tgt::mgmt
