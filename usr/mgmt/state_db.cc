// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_db.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "mgmt/durable_file.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr const char* file_name = "state.db";
constexpr int application_id = 0x74677464;  // "tgtd"

// How the damage of a database is told from the rest inside here.
constexpr int damaged = EBADMSG;

int errno_of(sqlite3* db) {
    switch (sqlite3_errcode(db) & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR:  // another schema than ours
        case SQLITE_MISMATCH:
            return damaged;
        case SQLITE_FULL:
            return ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return EBUSY;
        default:
            return EIO;
    }
}

Result<UniqueFd> take_lock(const std::string& folder) {
    const std::string path = folder + "/lock";
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return fail(errno, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno == EWOULDBLOCK)
        return fail(EBUSY, fmt::format("another tgtd uses the folder {}: each daemon needs one of "
                                       "its own",
                                       folder));
    return fail(errno, fmt::format("cannot lock {}: {}", path, std::strerror(errno)));
}

// SQLite would make it as the umask allows; its log takes the mode of the database.
Result<void> make_private_file(const std::string& path) {
    const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || fchmod(fd.get(), 0600) != 0)
        return fail(errno, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
    return {};
}

}  // namespace

void StateDb::Closer::operator()(sqlite3* db) const {
    sqlite3_close_v2(db);
}

// A prepared statement with what is bound to it.
struct StateDb::Statement {
    Statement(sqlite3* db, const char* sql) {
        status = sqlite3_prepare_v2(db, sql, -1, &raw, nullptr);
    }
    Statement(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(raw); }
    void bind(int index, const std::string& text) {
        if (status == SQLITE_OK)
            status = sqlite3_bind_text(raw, index, text.data(), int(text.size()), SQLITE_STATIC);
    }
    int step() {
        if (status == SQLITE_OK || status == SQLITE_ROW) status = sqlite3_step(raw);
        return status;
    }
    std::string column(int index) {
        const void* bytes = sqlite3_column_blob(raw, index);
        const int size = sqlite3_column_bytes(raw, index);
        return bytes ? std::string(static_cast<const char*>(bytes), size_t(size)) : std::string();
    }
    sqlite3_stmt* raw = nullptr;
    int status = SQLITE_OK;
};

StateDb::StateDb(std::string folder, UniqueFd lock)
    : folder_(std::move(folder)), path_(folder_ + "/" + file_name), lock_(std::move(lock)) {}

StateDb::~StateDb() = default;

tl::unexpected<Error> StateDb::failed(const char* what) const {
    sqlite3* db = db_.get();
    const int code = errno_of(db);
    const int system = sqlite3_system_errno(db);
    return fail(code, fmt::format("{} {}: {}{}{}", what, path_, sqlite3_errmsg(db),
                                  code == EIO && system ? ": " : "",
                                  code == EIO && system ? std::strerror(system) : ""));
}

Result<void> StateDb::execute(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return failed("cannot use");
    return {};
}

// The first column of the first row.
Result<std::string> StateDb::ask(const char* sql) {
    Statement statement(db_.get(), sql);
    if (statement.step() != SQLITE_ROW) return failed("cannot read");
    return statement.column(0);
}

// --- open ---------------------------------------------------------------------------------------

Result<std::unique_ptr<StateDb>> StateDb::open(const std::string& folder) {
    if (auto made = make_folder(folder); !made) return tl::unexpected(made.error());
    auto lock = take_lock(folder);
    if (!lock) return tl::unexpected(lock.error());
    auto db = std::unique_ptr<StateDb>(new StateDb(folder, std::move(*lock)));
    auto opened = db->open_file();
    if (!opened && opened.error().code == damaged) {
        if (auto moved = db->move_damaged(opened.error().text); !moved)
            return tl::unexpected(moved.error());
        opened = db->open_file();
    }
    if (!opened) return tl::unexpected(opened.error());
    return db;
}

Result<void> StateDb::open_file() {
    if (auto made = make_private_file(path_); !made) return made;
    sqlite3* raw = nullptr;
    const int status =
        sqlite3_open_v2(path_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    db_.reset(raw);
    if (status != SQLITE_OK) return failed("cannot open");
    if (auto prepared = prepare_handle(); !prepared) return prepared;
    if (auto checked = check_version(); !checked) return checked;
    return check_content();
}

// Exclusive: no shared memory beside the file, so that a full disk does not keep it from being
// read.
Result<void> StateDb::prepare_handle() {
    sqlite3_extended_result_codes(db_.get(), 1);
    for (const char* pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA trusted_schema=OFF",
                               "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"})
        if (auto done = execute(pragma); !done) return done;
    return {};
}

Result<void> StateDb::check_version() {
    const auto version = ask("PRAGMA user_version");
    if (!version) return tl::unexpected(version.error());
    const int found = std::atoi(version->c_str());
    if (found > schema_version)
        return fail(ENOTSUP, fmt::format("{} was written by a newer version of tgtd (its format is "
                                         "{}, this version knows {}): start that version, or name "
                                         "another folder",
                                         path_, found, schema_version));
    if (found == schema_version) return {};
    const auto tables = ask("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tl::unexpected(tables.error());
    if (found != 0 || *tables != "0")
        return fail(damaged, fmt::format("{} is another program's database", path_));
    const std::string sql = fmt::format(
        "BEGIN IMMEDIATE;"
        "CREATE TABLE objects(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
        " value TEXT NOT NULL);"
        "PRAGMA application_id={}; PRAGMA user_version={};"
        "COMMIT",
        application_id, schema_version);
    return execute(sql.c_str());
}

Result<void> StateDb::check_content() {
    const auto id = ask("PRAGMA application_id");
    if (!id) return tl::unexpected(id.error());
    if (*id != std::to_string(application_id))
        return fail(damaged, fmt::format("{} is another program's database", path_));
    const auto whole = ask("PRAGMA quick_check(1)");
    if (!whole) return tl::unexpected(whole.error());
    if (*whole != "ok") return fail(damaged, fmt::format("{} is damaged: {}", path_, *whole));
    if (auto rows = load(); !rows) return tl::unexpected(rows.error());
    return {};
}

// With its log, so that somebody can try to get something out of it.
Result<void> StateDb::move_damaged(const std::string& why) {
    db_.reset();
    const auto aside = mgmt::put_aside(folder_, file_name);
    if (!aside) return tl::unexpected(aside.error());
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
        const std::string from = path_ + suffix, to = *aside + suffix;
        if (rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
            return fail(errno, fmt::format("cannot rename {}: {}", from, std::strerror(errno)));
    }
    put_aside_ = fmt::format("{}; it is kept as {}", why, *aside);
    log::error(module, "the saved state cannot be read, and tgtd starts without: {}", *put_aside_);
    return {};
}

// --- rows ---------------------------------------------------------------------------------------

Result<std::vector<StateRow>> StateDb::load() {
    std::vector<StateRow> rows;
    Statement statement(db_.get(), "SELECT key, value FROM objects ORDER BY id");
    while (statement.step() == SQLITE_ROW)
        rows.push_back({statement.column(0), statement.column(1)});
    if (statement.status != SQLITE_DONE) return failed("cannot read");
    return rows;
}

Result<void> StateDb::change(const StateChange& change) {
    using Kind = StateChange::Kind;
    // An object that is changed keeps its place in the order.
    constexpr const char* put =
        "INSERT INTO objects(key, value) VALUES(?1, ?2)"
        " ON CONFLICT(key) DO UPDATE SET value = excluded.value";
    constexpr const char* erase = "DELETE FROM objects WHERE key = ?1";
    constexpr const char* erase_below = "DELETE FROM objects WHERE key > ?1 AND key < ?2";
    const char* sql = change.kind == Kind::put     ? put
                      : change.kind == Kind::erase ? erase
                                                   : erase_below;
    Statement statement(db_.get(), sql);
    const std::string first =
        change.kind == Kind::erase_below ? below(change.row.key) : change.row.key;
    std::string last = first;
    last.back() = char(last.back() + 1);  // the key behind everything that begins with `first`
    statement.bind(1, first);
    if (change.kind != Kind::erase)
        statement.bind(2, change.kind == Kind::put ? change.row.value : last);
    if (statement.step() != SQLITE_DONE) return failed("cannot write");
    return {};
}

// SQLite goes on writing to a file that has no name any more.
Result<void> StateDb::still_there() {
    int moved = 0;
    sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved) return fail(ENOENT, fmt::format("{} was removed or replaced", path_));
    return {};
}

Result<void> StateDb::apply(const std::vector<StateChange>& changes) {
    if (auto there = still_there(); !there) return there;
    if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
    Result<void> outcome;
    for (const StateChange& one : changes)
        if (outcome = change(one); !outcome) break;
    if (outcome) outcome = execute("COMMIT");
    if (!outcome && !sqlite3_get_autocommit(db_.get()))
        sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    return outcome;
}

// Locks of SQLite's kind end when the process closes any descriptor of the file.
void StateDb::release_locks() {
    const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    flock(lock_.get(), LOCK_UN);
}

}  // namespace tgt::mgmt
