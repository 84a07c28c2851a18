// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/service_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>

#include "base/unique_fd.h"

namespace tgt::tgtd {
namespace {

struct ServiceManagerTest : ::testing::Test {
    ~ServiceManagerTest() override {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    }
    static ServiceManager with_watchdog(const std::string& usec, const std::string& pid) {
        setenv("WATCHDOG_USEC", usec.c_str(), 1);
        if (!pid.empty()) setenv("WATCHDOG_PID", pid.c_str(), 1);
        return ServiceManager::from_environment();
    }
};

TEST_F(ServiceManagerTest, WithoutAnyNothingIsSaid) {
    const auto manager = ServiceManager::from_environment();
    EXPECT_FALSE(manager.listens());
    EXPECT_FALSE(manager.watchdog());
    manager.tell("READY=1");
}

TEST_F(ServiceManagerTest, SpeaksToASocketInTheAbstractNamespace) {
    const std::string name = "tgt-test-" + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const void* raw = &address;
    const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM, 0));
    ASSERT_EQ(bind(fd.get(), static_cast<const sockaddr*>(raw),
                   socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size())),
              0);
    setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    const auto manager = ServiceManager::from_environment();
    EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr) << "a child would speak for the daemon";
    manager.tell("READY=1\nSTATUS=Serving");
    std::array<char, 64> got{};
    const ssize_t n = recv(fd.get(), got.data(), got.size(), MSG_DONTWAIT);
    EXPECT_EQ(std::string(got.data(), size_t(std::max<ssize_t>(n, 0))), "READY=1\nSTATUS=Serving");
}

TEST_F(ServiceManagerTest, TheWatchdogIsThatOfThisProcess) {
    using std::chrono::milliseconds;
    EXPECT_EQ(with_watchdog("1500000", "").watchdog(), io::Duration(milliseconds(1500)));
    EXPECT_EQ(with_watchdog("2000000", std::to_string(getpid())).watchdog(),
              io::Duration(milliseconds(2000)));
    EXPECT_FALSE(with_watchdog("2000000", "1").watchdog());
    EXPECT_FALSE(with_watchdog("0", "").watchdog());
    EXPECT_FALSE(with_watchdog("soon", "").watchdog());
    EXPECT_FALSE(with_watchdog("18446744073709551615", "").watchdog());
}

}  // namespace
}  // namespace tgt::tgtd
