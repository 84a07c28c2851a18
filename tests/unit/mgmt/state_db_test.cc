// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_db.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

namespace tgt::mgmt {
namespace {

using Kind = StateChange::Kind;

class StateDbTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = "/tmp/state-test-XXXXXX";
        folder = std::string(mkdtemp(name.data())) + "/state";
    }
    void TearDown() override {
        std::filesystem::remove_all(std::filesystem::path(folder).parent_path());
    }
    std::unique_ptr<StateDb> open() {
        auto db = StateDb::open(folder);
        EXPECT_TRUE(db) << db.error().text;
        return db ? std::move(*db) : nullptr;
    }
    Error refusal() {
        auto db = StateDb::open(folder);
        EXPECT_FALSE(db);
        return db ? Error() : db.error();
    }
    static StateChange put(std::string key, std::string value) {
        return {Kind::put, {std::move(key), std::move(value)}};
    }
    static std::string all(StateDb& db) {
        std::string out;
        const auto rows = db.load();
        EXPECT_TRUE(rows);
        for (const StateRow& row : rows.value_or(std::vector<StateRow>()))
            out += row.key + "=" + row.value + " ";
        return out;
    }
    void sql(const char* text) {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open((folder + "/state.db").c_str(), &db), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK) << text;
        sqlite3_close(db);
    }
    std::string folder;
};

TEST_F(StateDbTest, ObjectsComeBackInTheOrderInWhichTheyWereMade) {
    ASSERT_TRUE(open()->apply({put("b", "1"), put("a", "2"), put("c", "3")}));
    // A change keeps the place; a new one of an old name does not.
    ASSERT_TRUE(open()->apply({put("b", "4"), {Kind::erase, {"a", ""}}, put("a", "5")}));
    EXPECT_EQ(all(*open()), "b=4 c=3 a=5 ");
}

TEST_F(StateDbTest, EraseBelowTakesWhatBelongsToTheObjectOnly) {
    const auto db = open();
    ASSERT_TRUE(db->apply({put("target/1", "x"), put("target/1/lun/1", "x"),
                           put("target/10/lun/1", "x"), put("target/1/lun/99", "x")}));
    ASSERT_TRUE(db->apply({{Kind::erase_below, {"target/1", ""}}}));
    EXPECT_EQ(all(*db), "target/1=x target/10/lun/1=x ");
}

TEST_F(StateDbTest, AnyBytesAreKept) {
    const std::string value("a\0b\xff'\"", 6);
    ASSERT_TRUE(open()->apply({put("k\xff'", value)}));
    const auto rows = open()->load();
    ASSERT_TRUE(rows);
    EXPECT_EQ(*rows, (std::vector<StateRow>{{"k\xff'", value}}));
}

TEST_F(StateDbTest, OnlyTheOwnerMayReadIt) {
    const auto db = open();
    ASSERT_TRUE(db->apply({put("a", "secret")}));
    for (const char* name : {"", "/state.db", "/state.db-wal", "/lock"}) {
        struct stat info {};
        ASSERT_EQ(stat((folder + name).c_str(), &info), 0) << name;
        EXPECT_EQ(info.st_mode & 0077, 0u) << name;
    }
}

TEST_F(StateDbTest, ASecondOneIsRefusedUntilTheFirstHasGone) {
    auto first = open();
    EXPECT_EQ(refusal().code, EBUSY);
    first.reset();
    EXPECT_TRUE(open());
}

// SQLite knows its own process's locks, so it is another one that looks.
bool locked_for_others(const std::string& path) {
    const pid_t child = fork();
    if (child == 0) {
        const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        const bool asked = fd && fcntl(fd.get(), F_GETLK, &lock) == 0;
        _exit(asked && lock.l_type == F_UNLCK ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status != 0;
}

TEST_F(StateDbTest, ReleasedLocksLetAnotherIn) {
    const auto stuck = open();
    ASSERT_TRUE(stuck->apply({put("a", "1")}));
    EXPECT_TRUE(locked_for_others(folder + "/state.db"));
    stuck->release_locks();
    EXPECT_FALSE(locked_for_others(folder + "/state.db"));
    const UniqueFd lock(::open((folder + "/lock").c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_EQ(flock(lock.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(StateDbTest, ADamagedOneIsPutAsideAndSaysSo) {
    open();
    std::ofstream(folder + "/state.db") << std::string(9000, 'x');
    const auto db = open();
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->put_aside());
    EXPECT_NE(db->put_aside()->find("/state.db.bad"), std::string::npos) << *db->put_aside();
    EXPECT_TRUE(std::filesystem::exists(folder + "/state.db.bad"));
    EXPECT_EQ(all(*db), "");
    EXPECT_TRUE(db->apply({put("a", "1")}));
}

TEST_F(StateDbTest, AnotherProgramsDatabaseIsPutAside) {
    std::filesystem::create_directory(folder);
    sql("CREATE TABLE songs(name)");
    EXPECT_TRUE(open()->put_aside());
}

TEST_F(StateDbTest, APageThatIsWrongInsideIsNoticed) {
    {
        const auto db = open();
        std::vector<StateChange> many;
        for (int i = 0; i < 500; ++i)
            many.push_back(put("key" + std::to_string(i), std::string(100, 'v')));
        ASSERT_TRUE(db->apply(many));
    }
    std::fstream file(folder + "/state.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    file << std::string(4096, '\xee');
    file.close();
    EXPECT_TRUE(open()->put_aside());
}

TEST_F(StateDbTest, ANewerVersionIsRefusedAndLeftAlone) {
    ASSERT_TRUE(open()->apply({put("a", "1")}));
    sql("PRAGMA user_version=2");
    const Error error = refusal();
    EXPECT_EQ(error.code, ENOTSUP);
    EXPECT_NE(error.text.find("newer version"), std::string::npos) << error.text;
    sql("PRAGMA user_version=1");
    EXPECT_EQ(all(*open()), "a=1 ");
}

TEST_F(StateDbTest, AFileThatWasTakenAwayIsAnErrorNotAWriteIntoNothing) {
    const auto db = open();
    ASSERT_TRUE(db->apply({put("a", "1")}));
    std::filesystem::remove(folder + "/state.db");
    const auto outcome = db->apply({put("b", "1")});
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().text.find("removed"), std::string::npos);
}

TEST_F(StateDbTest, AFolderThatCannotBeMadeIsNamed) {
    const std::string own = std::exchange(folder, "/proc/nowhere");
    EXPECT_NE(refusal().text.find("/proc/nowhere"), std::string::npos);
    folder = own;
}

}  // namespace
}  // namespace tgt::mgmt
