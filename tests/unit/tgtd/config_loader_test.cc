// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/config_loader.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/log.h"

namespace tgt::tgtd {
namespace {

// A folder of its own with a program that is called tgt-admin, first in $PATH; there is none beside
// the test.
struct ConfigLoaderTest : ::testing::Test {
    std::string folder = testing::TempDir() + "loader-XXXXXX";
    const std::string path = getenv("PATH") ? getenv("PATH") : "";
    ConfigLoader loader{"/etc/some.conf", 7};

    ConfigLoaderTest() {
        folder = mkdtemp(folder.data());
        setenv("PATH", (folder + ":" + path).c_str(), 1);
    }
    ~ConfigLoaderTest() override {
        setenv("PATH", path.c_str(), 1);
        std::filesystem::remove_all(folder);
    }
    void program(const std::string& text) {
        const std::string name = folder + "/tgt-admin";
        std::ofstream(name) << "#!/bin/sh\n" << text << "\n";
        chmod(name.c_str(), 0755);
    }
    // As the main thread does it, which waits for SIGCHLD as well.
    void wait() {
        while (!loader.ended()) {
            pollfd fd{loader.output(), POLLIN, 0};
            poll(&fd, 1, 10);
            loader.read_output();
        }
    }
    std::string words() {
        program("echo \"$@\" > " + folder + "/words");
        EXPECT_TRUE(loader.begin());
        wait();
        std::ifstream file(folder + "/words");
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

TEST_F(ConfigLoaderTest, WithoutDescriptorsTheFileIsNotTakenForLoaded) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "without descriptors UBSan cannot look at objects, and calls them bad";
#endif
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit none{0, limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto begun = loader.begin();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_FALSE(begun);
    EXPECT_FALSE(loader.running());
    EXPECT_NE(loader.problem().find("/etc/some.conf was not loaded"), std::string::npos);
}

TEST_F(ConfigLoaderTest, UpdatesWhatTheFileSaysAndLeavesAloneWhatWasMadeAtRunTime) {
    EXPECT_EQ(words(), "--update ALL -c /etc/some.conf -C 7 --keep-runtime --ignore-errors\n");
    EXPECT_EQ(loader.problem(), "");
    EXPECT_FALSE(loader.running());
}

TEST_F(ConfigLoaderTest, WhatItComplainsOfIsAProblemThoughItEndsWell) {
    program("echo 'no such file' >&2");
    ASSERT_TRUE(loader.begin());
    wait();
    EXPECT_EQ(loader.problem(), "/etc/some.conf was not loaded whole: no such file");
    program("echo one; echo two");
    ASSERT_TRUE(loader.begin());
    wait();
    EXPECT_EQ(loader.problem(), "/etc/some.conf was not loaded whole: two (and more: see the log)");
}

TEST_F(ConfigLoaderTest, TheProblemHasTheStatusAndTheLastLine) {
    program("echo first; echo 'some.conf:3:7: no such directive' >&2; exit 4");
    ASSERT_TRUE(loader.begin());
    EXPECT_TRUE(loader.running());
    wait();
    EXPECT_EQ(loader.problem(),
              "/etc/some.conf was not loaded whole (exit status 4): some.conf:3:7: no such "
              "directive");
}

TEST_F(ConfigLoaderTest, ALineWithoutAnEndCountsAndALongOneIsCut) {
    log::set_all(log::Level::off);
    program("printf 'no end'; exit 1");
    ASSERT_TRUE(loader.begin());
    wait();
    EXPECT_TRUE(loader.problem().ends_with(": no end")) << loader.problem();
    program("head -c 5000 /dev/zero | tr '\\0' x; exit 1");
    ASSERT_TRUE(loader.begin());
    wait();
    EXPECT_LT(loader.problem().size(), 1200u);
    log::set_all(log::Level::info);
}

TEST_F(ConfigLoaderTest, AChildThatIsEndedIsAProblem) {
    program("exec sleep 1000");
    ASSERT_TRUE(loader.begin());
    loader.interrupt();
    wait();
    EXPECT_EQ(loader.problem(), "/etc/some.conf was not loaded whole (signal 15)");
}

TEST_F(ConfigLoaderTest, AProgramThatIsMissingIsAProblem) {
    setenv("PATH", "/nonexistent", 1);
    EXPECT_FALSE(loader.begin());
    EXPECT_FALSE(loader.running());
    EXPECT_NE(loader.problem().find("tgt-admin"), std::string::npos);
}

}  // namespace
}  // namespace tgt::tgtd
