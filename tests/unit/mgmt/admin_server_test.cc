// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/admin_server.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>

#include "tests/unit/mgmt/registry_fixture.h"

namespace tgt::mgmt {
namespace {

class AdminServerTest : public test::RegistryTest {
  protected:
    std::string path() { return folder + "/sock"; }
    UniqueFd connect_to_it() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path().data(), path().size());
        UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const void* raw = &address;
        if (connect(fd.get(), static_cast<const sockaddr*>(raw), sizeof(address)) != 0) fd.reset();
        return fd;
    }
};

TEST_F(AdminServerTest, ServesItsUser) {
    auto server = AdminServer::open(path(), false);
    ASSERT_TRUE(server) << server.error().text;
    struct stat info {};
    ASSERT_EQ(stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    on_control([&] { return (*server)->start(runtime->control(), *registry), 0; });
    const UniqueFd fd = connect_to_it();
    ASSERT_TRUE(fd);
    const std::string line = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.show\"}\n";
    ASSERT_EQ(send(fd.get(), line.data(), line.size(), 0), ssize_t(line.size()));
    std::string reply(65536, 0);
    const ssize_t n = recv(fd.get(), reply.data(), reply.size(), 0);
    ASSERT_GT(n, 0);
    EXPECT_EQ(test::Json::parse(reply.substr(0, size_t(n)))["result"]["state"], "ready");
    on_control([&] { return (*server)->stop(), 0; });
    EXPECT_FALSE(connect_to_it());
}

TEST_F(AdminServerTest, IdleConnectionsKeepNobodyOut) {
    auto server = AdminServer::open(path(), false);
    ASSERT_TRUE(server) << server.error().text;
    on_control([&] { return (*server)->start(runtime->control(), *registry), 0; });
    std::vector<UniqueFd> idle;
    for (size_t i = 0; i < AdminServer::max_connections; ++i) idle.push_back(connect_to_it());
    const UniqueFd fd = connect_to_it();
    ASSERT_TRUE(fd);
    const std::string line = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.version\"}\n";
    ASSERT_EQ(send(fd.get(), line.data(), line.size(), 0), ssize_t(line.size()));
    char byte = 0;
    EXPECT_EQ(recv(fd.get(), &byte, 1, 0), 1);
    EXPECT_EQ(recv(idle[0].get(), &byte, 1, 0), 0);  // the oldest has made room
    EXPECT_EQ(recv(idle[1].get(), &byte, 1, MSG_DONTWAIT), -1);
    on_control([&] { return (*server)->stop(), 0; });
}

TEST_F(AdminServerTest, MembersOfItsGroupMayManageIt) {
    auto server = AdminServer::open(path(), false, UniqueFd(), getegid());
    ASSERT_TRUE(server) << server.error().text;
    struct stat info {};
    ASSERT_EQ(stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0660u);
    EXPECT_EQ(info.st_gid, getegid());
}

// tgt's tgtadm waits for a refused connection after `system delete`; no file would keep it waiting.
TEST_F(AdminServerTest, TakesOverASocketLeftBehindAndLeavesItsOwnRefusing) {
    file("sock", 0);
    EXPECT_TRUE(AdminServer::open(path(), false));
    EXPECT_EQ(access((path() + ".lock").c_str(), F_OK), 0);
    const UniqueFd client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(AdminServerTest, RefusesPathsThatCannotBe) {
    const auto server = AdminServer::open("/no/such/folder/sock", false);
    ASSERT_FALSE(server);
    EXPECT_NE(server.error().text.find("/no/such/folder"), std::string::npos);
    EXPECT_FALSE(AdminServer::open(folder + "/" + std::string(120, 'x'), false));
}

// lockf(3) locks belong to the process, so the other daemon must be one.
TEST_F(AdminServerTest, RefusesAPathThatAnotherDaemonHolds) {
    const std::string lock = path() + ".lock";
    int ready[2], finish[2];
    ASSERT_EQ(pipe(ready), 0);
    ASSERT_EQ(pipe(finish), 0);
    const pid_t other = fork();
    if (other == 0) {
        const int fd = open(lock.c_str(), O_RDWR | O_CREAT, 0600);
        char byte = char(fd >= 0 && lockf(fd, F_TLOCK, 0) == 0);
        if (write(ready[1], &byte, 1) != 1 || read(finish[0], &byte, 1) != 1) _exit(1);
        _exit(0);
    }
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    ASSERT_EQ(byte, 1);
    const auto server = AdminServer::open(path(), false);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, EBUSY);
    ASSERT_EQ(write(finish[1], &byte, 1), 1);
    waitpid(other, nullptr, 0);
    for (const int fd : {ready[0], ready[1], finish[0], finish[1]}) close(fd);
    EXPECT_TRUE(AdminServer::open(path(), false));
}

}  // namespace
}  // namespace tgt::mgmt
