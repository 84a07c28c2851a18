// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/runtime.h"
#include "mgmt/state_db.h"

namespace tgt::mgmt {

// Changes that are to be written, oldest first; of two for one object only the newer. Plain value.
class PendingChanges {
  public:
    void add(StateChange change);
    void add(std::vector<StateChange> changes);
    bool empty() const { return list_.empty(); }
    size_t size() const { return list_.size(); }
    std::vector<StateChange> all() const { return {list_.begin(), list_.end()}; }

  private:
    using List = std::list<StateChange>;
    void drop(const std::string& key);

    List list_;
    std::map<std::string, List::iterator> by_key_;  // put and erase
};

// Writes changes of the saved state, one commit at a time for all that wait. A change that cannot
// be written stays in force and is tried again, with all that follow, until it is. Control thread;
// SQLite runs on one pool thread at a time. Made before the runtime starts or on the control
// thread; what is under way when it goes ends alone.
class StateKeeper {
  public:
    struct Options {
        // How long a request waits for the disk.
        io::Duration patience = std::chrono::seconds(5);
        // Between two attempts after a failure: from the first to the longest, doubled.
        io::Duration first = std::chrono::seconds(1), longest = std::chrono::seconds(10);
    };
    // An object of the saved state that could not be made again: it stays as it is on the disk.
    struct Unused {
        std::string key, reason;
    };

    StateKeeper(io::Runtime& runtime, std::string folder, std::shared_ptr<StateDb> db,
                Options options);
    StateKeeper(const StateKeeper&) = delete;
    ~StateKeeper();

    // `done` when the changes are on the disk (nothing), or will be later: why not yet. It may be
    // called before the call returns.
    using Done = std::function<void(const std::optional<std::string>& why_not)>;
    void save(std::vector<StateChange> changes, Done done);
    // One last attempt for what could not be written, at the daemon's end. `done` within the
    // patience.
    void stop(std::function<void()> done);
    void release_locks() { db_->release_locks(); }

    // Objects that could not be made again; overwriting or erasing them takes them off the list.
    void set_unused(std::vector<Unused> unused);
    bool is_unused(const std::string& key) const { return unused_.count(key) != 0; }

    // For those who look.
    const std::string& folder() const { return folder_; }
    const std::optional<std::string>& put_aside() const { return put_aside_; }
    const std::map<std::string, std::string>& unused() const { return unused_; }
    const std::optional<std::string>& failing() const { return failing_; }  // why
    size_t unsaved() const { return writing_.size() + waiting_.size(); }

  private:
    struct Waiter {
        io::TimePoint deadline;
        Done done;
    };
    void begin();
    void ended(const Result<void>& outcome);
    void out_of_patience();
    void arm_patience();
    void note_written(const std::vector<StateChange>& changes);
    static void answer(std::deque<Waiter> waiters, const std::optional<std::string>& why_not);

    io::Runtime& runtime_;
    const std::string folder_;
    const std::shared_ptr<StateDb> db_;
    const std::optional<std::string> put_aside_;
    const Options options_;
    PendingChanges writing_, waiting_;
    std::deque<Waiter> written_for_, waiters_;  // of writing_, of waiting_
    bool busy_ = false;                         // a commit is under way
    std::optional<std::string> failing_;
    io::Duration pause_{};
    io::Timer retry_, patience_;
    std::map<std::string, std::string> unused_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false when this has gone
};

}  // namespace tgt::mgmt
