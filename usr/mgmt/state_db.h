// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "mgmt/state_rows.h"

struct sqlite3;

namespace tgt::mgmt {

// The saved state on the disk: `<folder>/state.db`, a table of keys and values in the order in
// which objects were made. SQLite with a write-ahead log, synced at every commit; only the owner
// may read it, as it holds secrets. Nobody else can open it meanwhile (`<folder>/lock`, and
// SQLite's own lock). All calls block; one thread at a time.
class StateDb {
  public:
    static constexpr int schema_version = 1;

    // Makes the folder and the database if they are missing. A damaged database is put aside, and
    // an empty one takes its place: see put_aside(). An error says why the daemon should not start:
    // another daemon has it (EBUSY), a newer version wrote it (ENOTSUP), or it cannot be read or
    // made.
    static Result<std::unique_ptr<StateDb>> open(const std::string& folder);
    StateDb(const StateDb&) = delete;
    ~StateDb();

    // Of a damaged database: what is wrong, and where it is now.
    const std::optional<std::string>& put_aside() const { return put_aside_; }
    // Oldest object first.
    Result<std::vector<StateRow>> load();
    // All of them are on the disk when it succeeds, none after an error; in this order.
    Result<void> apply(const std::vector<StateChange>& changes);

    // Another daemon may open it from now on, though a call of this one never comes back. Any
    // thread, once; no call is begun any more.
    void release_locks();

  private:
    struct Closer {
        void operator()(sqlite3* db) const;
    };
    using Handle = std::unique_ptr<sqlite3, Closer>;
    struct Statement;

    StateDb(std::string folder, UniqueFd lock);
    Result<void> open_file();
    Result<void> prepare_handle();
    Result<void> check_version();
    Result<void> check_content();
    Result<void> move_damaged(const std::string& why);
    Result<void> change(const StateChange& change);
    Result<void> execute(const char* sql);
    Result<std::string> ask(const char* sql);
    Result<void> still_there();
    tl::unexpected<Error> failed(const char* what) const;

    const std::string folder_, path_;
    UniqueFd lock_;
    Handle db_;
    std::optional<std::string> put_aside_;
};

}  // namespace tgt::mgmt
