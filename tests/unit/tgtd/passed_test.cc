// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/passed.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

namespace tgt::tgtd {
namespace {

UniqueFd tcp(const char* host, bool v6_only = true, bool listening = true) {
    const auto address = *mgmt::SocketAddress::parse(host, 0);
    UniqueFd fd(socket(address.family(), SOCK_STREAM, 0));
    const int only = v6_only;
    if (address.family() == AF_INET6)
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    EXPECT_EQ(bind(fd.get(), address.get(), address.size()), 0) << std::strerror(errno);
    if (listening) {
        EXPECT_EQ(listen(fd.get(), 1), 0);
    }
    return fd;
}

struct UnixSocket {
    std::string folder = testing::TempDir() + "passed-XXXXXX";
    std::string path;
    UniqueFd fd{socket(AF_UNIX, SOCK_STREAM, 0)};
    UnixSocket() {
        path = std::string(mkdtemp(folder.data())) + "/socket.0";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        const void* raw = &address;
        EXPECT_EQ(bind(fd.get(), static_cast<const sockaddr*>(raw), sizeof address), 0);
        EXPECT_EQ(listen(fd.get(), 1), 0);
    }
    ~UnixSocket() {
        unlink(path.c_str());
        rmdir(folder.c_str());
    }
};

Result<Passed> sort_one(UniqueFd fd, std::string name = "unknown") {
    std::vector<NamedFd> sockets;
    sockets.push_back({std::move(fd), std::move(name)});
    return sort_passed(std::move(sockets));
}

std::vector<std::string> texts(const std::vector<mgmt::PortalSpec>& specs) {
    std::vector<std::string> out;
    for (const auto& spec : specs) out.push_back(spec.text());
    return out;
}

TEST(Passed, AListeningTcpSocketIsAPortalThatDoesNotBlock) {
    const auto passed = sort_one(tcp("127.0.0.1"));
    ASSERT_TRUE(passed) << passed.error().text;
    ASSERT_EQ(passed->portals.size(), 1u);
    EXPECT_EQ(passed->portals[0].address.host(), "127.0.0.1");
    EXPECT_FALSE(passed->portals[0].both_families);
    EXPECT_TRUE(fcntl(passed->portals[0].fd.get(), F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(passed->portals[0].fd.get(), F_GETFD) & FD_CLOEXEC);
    EXPECT_FALSE(passed->admin);
}

TEST(Passed, AListeningUnixSocketIsForManagement) {
    UnixSocket made;
    const auto passed = sort_one(std::move(made.fd), "admin");
    ASSERT_TRUE(passed) << passed.error().text;
    EXPECT_TRUE(passed->admin);
    EXPECT_EQ(passed->admin_path, made.path);
}

TEST(Passed, WhatCannotBeUsedIsRefusedByName) {
    const auto idle = sort_one(tcp("127.0.0.1", true, false), "idle");
    ASSERT_FALSE(idle);
    EXPECT_NE(idle.error().text.find("'idle'"), std::string::npos);
    EXPECT_FALSE(sort_one(tcp("127.0.0.1"), "admin"));
    EXPECT_FALSE(sort_one(UniqueFd(socket(AF_INET, SOCK_DGRAM, 0))));
    EXPECT_FALSE(sort_one(UniqueFd(open("/dev/null", O_RDONLY))));
}

TEST(Passed, ASecondManagementSocketIsRefused) {
    UnixSocket one, two;
    std::vector<NamedFd> sockets;
    sockets.push_back({std::move(one.fd), "admin"});
    sockets.push_back({std::move(two.fd), "admin"});
    EXPECT_FALSE(sort_passed(std::move(sockets)));
}

TEST(Passed, ASocketForBothFamiliesServesBothWildcards) {
    const auto passed = sort_one(tcp("::", false));
    ASSERT_TRUE(passed);
    const auto& socket = passed->portals[0];
    const uint16_t port = socket.address.port();
    EXPECT_TRUE(socket.serves(*mgmt::SocketAddress::parse("::", port)));
    EXPECT_TRUE(socket.serves(*mgmt::SocketAddress::parse("0.0.0.0", port)));
    EXPECT_FALSE(socket.serves(*mgmt::SocketAddress::parse("0.0.0.0", uint16_t(port + 1))));
    EXPECT_FALSE(socket.serves(*mgmt::SocketAddress::parse("127.0.0.1", port)));
    EXPECT_FALSE(sort_one(tcp("::"))->portals[0].both_families);
}

TEST(Passed, WhatIsNotAskedForIsAdded) {
    const auto passed = sort_one(tcp("127.0.0.1"));
    const std::string uri = passed->portals[0].address.uri();
    const mgmt::PortalSpec other{"127.0.0.2", 7};
    EXPECT_EQ(texts(with_passed({other}, passed->portals)),
              (std::vector<std::string>{"127.0.0.2:7", uri}));
    const mgmt::PortalSpec same{"127.0.0.1", passed->portals[0].address.port()};
    EXPECT_EQ(texts(with_passed({same}, passed->portals)), std::vector<std::string>{uri});
}

TEST(Passed, TheDefaultPortalIsOnlyForADaemonThatHasNoOther) {
    EXPECT_EQ(texts(with_passed({}, {})), std::vector<std::string>{":3260"});
    EXPECT_EQ(with_passed({}, sort_one(tcp("127.0.0.1"))->portals).size(), 1u);
    const auto both = sort_one(tcp("::", false));
    EXPECT_EQ(with_passed({}, both->portals).size(), 2u);
    const mgmt::PortalSpec all{"", both->portals[0].address.port()};
    EXPECT_EQ(with_passed({all}, both->portals).size(), 1u);
}

TEST(Passed, AnotherProcessesVariablesAreNotForUs) {
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    const auto passed = take_passed();
    ASSERT_TRUE(passed);
    EXPECT_TRUE(passed->portals.empty());
    EXPECT_EQ(getenv("LISTEN_FDS"), nullptr);
}

}  // namespace
}  // namespace tgt::tgtd
