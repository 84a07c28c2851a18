// SPDX-License-Identifier: GPL-2.0-or-later
// Reservations on the disk: what comes back, in which order saves land, and what becomes of files
// that are not ours.
#include "mgmt/reservation_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>

#include "mgmt/durable_file.h"

namespace tgt::mgmt {
namespace {

namespace fs = std::filesystem;
using scsi::NexusId;
using scsi::Reservations;
using testing::HasSubstr;

const std::string key = "uuid:5e6f/17";

Reservations kept(uint64_t reservation_key = 0xffffffffffffff01) {
    const NexusId a{"iqn.2001-04.com.example:a,i,0x00023d000001", 1};
    Reservations state;
    state.generation = 17;
    state.registrations = {{a, reservation_key}, {{a.initiator_port, 2}, 7}};
    state.type = scsi::ReservationType::write_exclusive;
    state.holder = a;
    state.aptpl = true;
    return state;
}
Reservations restarted(Reservations state) {
    state.generation = 0;
    state.reserve6_holder.reset();
    return state;
}

class ReservationStoreTest : public testing::Test {
  protected:
    ReservationStoreTest() {
        std::string name = "/tmp/reservations-XXXXXX";
        folder_ = mkdtemp(name.data());
        state_dir_ = folder_ + "/state";
        runtime_.start();
    }
    ~ReservationStoreTest() override {
        runtime_.stop();
        fs::remove_all(folder_);
    }

    ReservationStore make_store() { return {runtime_, state_dir_}; }
    // Keeps on the control thread, as a logical unit does; waits for the answer.
    bool keep(ReservationStore& store, const Reservations& state, const std::string& medium = key) {
        std::promise<bool> answer;
        runtime_.control().post([&] {
            auto keeper = store.make_keeper(medium, {"/disks/one", "IET     00010001"});
            keeper->keep(state, [&, keeper](bool ok) { answer.set_value(ok); });
        });
        return answer.get_future().get();
    }
    std::string file(const std::string& medium = key) const {
        return state_dir_ + "/reservations/" + reservation_file_name(medium);
    }
    std::string text() const { return read_file(file(), 1 << 20)->value_or("absent"); }
    void write_text(const std::string& text) const {
        fs::create_directories(state_dir_ + "/reservations");
        std::ofstream(file()) << text;
    }
    size_t files() const {
        size_t count = 0;
        for (const auto& entry : fs::directory_iterator(state_dir_ + "/reservations"))
            count += entry.exists();
        return count;
    }

    io::Runtime runtime_{io::Runtime::Options()};
    std::string folder_, state_dir_;
};

TEST_F(ReservationStoreTest, WhatWasKeptComesBackInAnotherRunOfTheDaemon_Spc4_5_13_5_1) {
    {
        ReservationStore store = make_store();
        ASSERT_TRUE(keep(store, kept()));
    }
    ReservationStore store = make_store();
    const auto loaded = store.load(key);
    ASSERT_TRUE(loaded) << loaded.error().text;
    ASSERT_TRUE(*loaded);
    EXPECT_EQ(**loaded, restarted(kept())) << "PRGENERATION starts at 0";
}

TEST_F(ReservationStoreTest, NothingWasKeptOfAnUnknownMedium) {
    ReservationStore store = make_store();
    EXPECT_FALSE(store.load(key).value());
    ASSERT_TRUE(keep(store, kept()));
    EXPECT_FALSE(store.load("another").value());
}

TEST_F(ReservationStoreTest, TheEndOfAptplRemovesTheFile) {
    ReservationStore store = make_store();
    ASSERT_TRUE(keep(store, kept()));
    ASSERT_EQ(files(), 1u);
    Reservations ended = kept();
    ended.aptpl = false;
    ASSERT_TRUE(keep(store, ended));
    EXPECT_EQ(files(), 0u);
    EXPECT_TRUE(keep(store, ended)) << "nothing to remove";
    EXPECT_FALSE(store.load(key).value());
}

TEST_F(ReservationStoreTest, Reserve6IsNotKept) {
    Reservations state;
    state.aptpl = true;
    state.reserve6_holder = NexusId{"iqn.x", 1};
    ReservationStore store = make_store();
    ASSERT_TRUE(keep(store, state));
    EXPECT_FALSE(store.load(key).value()->reserve6_holder);
}

TEST_F(ReservationStoreTest, TheFileTellsPeopleWhatItIs) {
    ReservationStore store = make_store();
    ASSERT_TRUE(keep(store, kept()));
    for (const char* part :
         {"\"medium\": \"uuid:5e6f/17\"", "\"path\": \"/disks/one\"", "IET     00010001",
          "\"initiator_port\": \"iqn.2001-04.com.example:a,i,0x00023d000001\"",
          "\"key\": \"0xffffffffffffff01\"", "\"version\": 1"})
        EXPECT_THAT(text(), HasSubstr(part));
}

TEST_F(ReservationStoreTest, PathsThatAreNoUtf8AreKeptReadable) {
    std::promise<bool> answer;
    ReservationStore store = make_store();
    const std::string odd = "dev/\xff\xfe\n";
    runtime_.control().post([&] {
        store.make_keeper(odd, {odd, odd})->keep(kept(), [&](bool ok) { answer.set_value(ok); });
    });
    ASSERT_TRUE(answer.get_future().get());
    const auto loaded = store.load(odd);
    ASSERT_TRUE(loaded) << loaded.error().text;
    EXPECT_EQ(**loaded, restarted(kept()));
}

TEST_F(ReservationStoreTest, SavesOfOneMediumLandInOrderWhoeverKeeps) {
    constexpr uint64_t saves = 50;
    ReservationStore store = make_store();
    std::promise<void> all;
    std::vector<uint64_t> answered;
    runtime_.control().post([&] {
        const auto one = store.make_keeper(key, {}), other = store.make_keeper(key, {});
        for (uint64_t i = 1; i <= saves; ++i)
            (i % 2 ? one : other)->keep(kept(i), [&, i](bool ok) {
                if (ok) answered.push_back(i);
                if (i == saves) all.set_value();
            });
    });
    const auto loaded = store.load(key);  // may come before the first save, never in one
    ASSERT_TRUE(loaded) << loaded.error().text;
    all.get_future().get();
    EXPECT_EQ(answered.size(), saves);
    EXPECT_TRUE(std::is_sorted(answered.begin(), answered.end()));
    EXPECT_EQ(store.load(key).value()->registrations[0].key, saves);
}

TEST_F(ReservationStoreTest, LoadWaitsForTheSavesThatWereAskedForBefore) {
    ReservationStore store = make_store();
    std::promise<void> asked;
    runtime_.control().post([&] {
        const auto keeper = store.make_keeper(key, {});
        for (uint64_t i = 1; i <= 20; ++i) keeper->keep(kept(i), [](bool) {});
        asked.set_value();
    });
    asked.get_future().get();
    EXPECT_EQ(store.load(key).value()->registrations[0].key, 20u);
}

TEST_F(ReservationStoreTest, SavesSurviveTheStoreAndTheKeeper) {
    std::promise<bool> answer;
    runtime_.control().post([&] {
        ReservationStore store = make_store();
        store.make_keeper(key, {})->keep(kept(), [&](bool ok) { answer.set_value(ok); });
    });
    EXPECT_TRUE(answer.get_future().get());
    EXPECT_TRUE(make_store().load(key).value());
}

TEST_F(ReservationStoreTest, AFailedSaveLeavesWhatWasKeptBefore) {
    ReservationStore store = make_store();
    ASSERT_TRUE(keep(store, kept()));
    const std::string before = text();
    fs::create_directory(file() + ".tmp");  // where the next content would be written
    EXPECT_FALSE(keep(store, kept(2)));
    EXPECT_EQ(text(), before);
    fs::remove(file() + ".tmp");
    EXPECT_TRUE(keep(store, kept(2)));
    EXPECT_EQ(store.load(key).value(), restarted(kept(2)));
}

TEST_F(ReservationStoreTest, AFullDiskFailsTheSaveAndLeavesNoPieces) {
    ReservationStore store = make_store();
    ASSERT_TRUE(keep(store, kept()));
    const std::string before = text();
    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    const auto old_signal = signal(SIGXFSZ, SIG_IGN);
    const rlimit small{100, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const bool ok = keep(store, kept(2));
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, old_signal);
    EXPECT_FALSE(ok);
    EXPECT_EQ(text(), before);
    EXPECT_EQ(files(), 1u);
}

TEST_F(ReservationStoreTest, AStateDirectoryThatCannotBeIsAnErrorThatNamesIt) {
    std::ofstream(state_dir_) << "a file";
    ReservationStore store = make_store();
    const auto prepared = store.prepare();
    ASSERT_FALSE(prepared);
    EXPECT_THAT(prepared.error().text, HasSubstr(state_dir_));
    EXPECT_FALSE(keep(store, kept()));
}

TEST_F(ReservationStoreTest, PrepareMakesTheFolderForItsOwnerOnly) {
    ASSERT_TRUE(make_store().prepare());
    EXPECT_EQ(fs::status(state_dir_ + "/reservations").permissions(), fs::perms::owner_all);
    ASSERT_TRUE(make_store().prepare()) << "it is there already";
}

// ---- files that are not ours ----

TEST_F(ReservationStoreTest, ADamagedFileIsNamedAndPutAside) {
    write_text("{\"version\": 1");
    ReservationStore store = make_store();
    const auto loaded = store.load(key);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, EBADMSG);
    EXPECT_THAT(loaded.error().text, HasSubstr(file() + " are damaged"));
    EXPECT_THAT(loaded.error().text, HasSubstr(file() + ".bad"));
    EXPECT_EQ(*read_file(file() + ".bad", 100), "{\"version\": 1");
    EXPECT_FALSE(store.load(key).value()) << "it is out of the way";
    EXPECT_TRUE(keep(store, kept()));
    EXPECT_EQ(files(), 2u);
}

TEST_F(ReservationStoreTest, ASecondDamagedFileDoesNotReplaceTheFirst) {
    ReservationStore store = make_store();
    for (const char* content : {"one", "two", "three"}) {
        write_text(content);
        EXPECT_FALSE(store.load(key));
    }
    EXPECT_EQ(*read_file(file() + ".bad", 100), "one");
    EXPECT_EQ(*read_file(file() + ".bad.2", 100), "two");
    EXPECT_EQ(*read_file(file() + ".bad.3", 100), "three");
}

TEST_F(ReservationStoreTest, AFileThatCannotBeReadIsPutAsideBeforeItIsReplaced) {
    fs::create_directories(file() + "/inside");  // a folder of that name cannot be read
    ReservationStore store = make_store();
    const auto loaded = store.load(key);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, EISDIR);
    EXPECT_TRUE(fs::exists(file() + "/inside")) << "reading alone changes nothing";
    EXPECT_TRUE(keep(store, kept()));
    EXPECT_TRUE(fs::exists(file() + ".bad/inside"));
    EXPECT_TRUE(store.load(key).value());
}

TEST_F(ReservationStoreTest, AFileThatNobodyHasReadIsPutAsideBeforeItIsReplaced) {
    ReservationStore first = make_store();
    ASSERT_TRUE(keep(first, kept()));
    const std::string before = text();
    ReservationStore second = make_store();
    ASSERT_TRUE(keep(second, kept(2)));
    EXPECT_EQ(*read_file(file() + ".bad", 1 << 20), before);
}

TEST_F(ReservationStoreTest, AHugeFileIsNotReadIntoMemory) {
    write_text("");
    fs::resize_file(file(), uint64_t(1) << 40);
    EXPECT_EQ(make_store().load(key).error().code, EFBIG);
}

}  // namespace
}  // namespace tgt::mgmt
