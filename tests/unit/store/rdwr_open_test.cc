// SPDX-License-Identifier: GPL-2.0-or-later
// Opening: what is refused and why, the read-only fall-back, locks between processes.
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/store/fixture.h"

namespace tgt::store::test {
namespace {

// The folder is on a disk: a tmpfs has no direct I/O before Linux 6.6.
class RdwrOpenTest : public testing::Test {
  protected:
    void expect_refused(const std::string& path, int code, const std::string& word,
                        OpenFlags flags = {}, uint32_t block_size = 512) {
        auto store = open_store("rdwr", path, flags, block_size);
        ASSERT_FALSE(store) << path;
        EXPECT_EQ(store.error().code, code) << store.error().text;
        EXPECT_NE(store.error().text.find(word), std::string::npos) << store.error().text;
        EXPECT_NE(store.error().text.find(path), std::string::npos) << store.error().text;
    }
    TempDir dir_;
};

TEST_F(RdwrOpenTest, FileIsDescribed) {
    std::string path = dir_.file("disk", 1000000);
    struct stat st;
    ASSERT_EQ(stat(path.c_str(), &st), 0);
    auto store = open_store("rdwr", path);
    ASSERT_TRUE(store) << store.error().text;
    const Info& info = (*store)->info();
    EXPECT_EQ(info.size, 1000000u) << "not cut to blocks here";
    EXPECT_EQ(info.physical_block_size, uint32_t(st.st_blksize));
    EXPECT_EQ(info.required_alignment, 1u);
    EXPECT_FALSE(info.read_only);
    EXPECT_EQ(info.identity, (Identity{st.st_dev, st.st_ino, true}));
}

TEST_F(RdwrOpenTest, OneFileByTwoNamesIsOneMedium) {
    std::string path = dir_.file("disk", 4096), other = dir_.file("other", 4096),
                link = dir_ / "link";
    ASSERT_EQ(symlink(path.c_str(), link.c_str()), 0);
    auto first = open_store("rdwr", path), second = open_store("rdwr", link, {.force = true}),
         third = open_store("rdwr", other);
    ASSERT_TRUE(first && second && third);
    EXPECT_EQ((*first)->info().identity, (*second)->info().identity);
    EXPECT_FALSE((*first)->info().identity == (*third)->info().identity);
}

TEST_F(RdwrOpenTest, GrowthShowsInTheCurrentSize) {
    std::string path = dir_.file("disk", 4096);
    auto store = open_store("rdwr", path);
    ASSERT_EQ(truncate(path.c_str(), 8192), 0);
    EXPECT_EQ((*store)->info().size, 4096u);
    EXPECT_EQ(*(*store)->current_size(), 8192u);
}

TEST_F(RdwrOpenTest, WhatIsNoDiskIsRefusedWithItsKind) {
    std::string pipe = dir_ / "pipe", sock = dir_ / "sock";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    sock.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    expect_refused(dir_.path(), EINVAL, "a directory");
    expect_refused(pipe, EINVAL, "a pipe");
    expect_refused(sock, EINVAL, "a socket");
    expect_refused("/dev/null", EINVAL, "a character device");
}

TEST_F(RdwrOpenTest, MissingEmptyAndUnnamedAreRefused) {
    expect_refused(dir_ / "absent", ENOENT, "No such file");
    expect_refused(dir_.file("empty", 0), EINVAL, "is empty");
    expect_refused("", EINVAL, "must be named");
}

TEST_F(RdwrOpenTest, ReadOnlyWhenAsked) {
    auto store = open_store("rdwr", dir_.file("disk", 4096), {.read_only = true});
    ASSERT_TRUE(store);
    EXPECT_TRUE((*store)->info().read_only);
    EXPECT_FALSE((*store)->info().features.discard);
    for (OpKind kind : {OpKind::write, OpKind::discard, OpKind::write_zeroes}) {
        TestOp op(kind, 0, 512);
        EXPECT_EQ((*store)->perform(op), EROFS);
    }
    TestOp flush(OpKind::flush, 0, 0);
    EXPECT_EQ((*store)->perform(flush), 0);
}

// EROFS for root, EACCES for others.
TEST_F(RdwrOpenTest, FallsBackToReadOnlyWhereWritingIsRefused) {
    if (getuid() == 0) {
        Tmpfs small("size=64k");
        if (!small.mounted())
            GTEST_SKIP() << "NOT TESTED: mount(2) is refused here: " << strerror(errno);
        std::string path = small.dir().file("disk", 4096);
        ASSERT_EQ(mount("", small.dir().path().c_str(), "", MS_REMOUNT | MS_RDONLY, ""), 0);
        auto store = open_store("rdwr", path);
        ASSERT_TRUE(store) << store.error().text;
        EXPECT_TRUE((*store)->info().read_only);
        return;
    }
    std::string path = dir_.file("disk", 4096);
    ASSERT_EQ(chmod(path.c_str(), 0400), 0);
    auto store = open_store("rdwr", path);
    ASSERT_TRUE(store) << store.error().text;
    EXPECT_TRUE((*store)->info().read_only);
}

TEST_F(RdwrOpenTest, DirectNeedsABlockSizeOfTheAlignment) {
    std::string path = dir_.file("disk", 1 << 20);
    auto store = open_store("rdwr", path, {.direct = true}, 4096);
    if (!store) GTEST_SKIP() << "NOT TESTED: no direct I/O below /var/tmp: " << store.error().text;
    uint32_t alignment = (*store)->info().required_alignment;
    EXPECT_GE(alignment, 1u);
    EXPECT_LE(alignment, 4096u);
    EXPECT_FALSE((*store)->info().features.fast_read);
    store->reset();
    if (alignment > 1)
        expect_refused(path, EINVAL, "block size of " + std::to_string(alignment), {.direct = true},
                       alignment / 2);
    EXPECT_TRUE(open_store("rdwr", path, {.direct = true}, alignment));
}

// --- locks -----------------------------------------------------------------------------------

// A process that opens the file, locks it in some way, and keeps the lock until it is told to end.
class Holder {
  public:
    Holder(const std::string& path, int open_flags, const std::function<bool(int fd)>& lock) {
        std::array<int, 2> ready, end;
        if (pipe2(ready.data(), O_CLOEXEC) != 0 || pipe2(end.data(), O_CLOEXEC) != 0) abort();
        fflush(stdout);
        pid_ = fork();
        if (pid_ == 0) {
            close(ready[0]);
            close(end[1]);
            int fd = open(path.c_str(), open_flags | O_CLOEXEC);
            char answer = fd >= 0 && lock(fd) ? 'y' : 'n';
            if (write(ready[1], &answer, 1) != 1) _exit(1);
            _exit(read(end[0], &answer, 1) == 0 ? 0 : 1);
        }
        close(ready[1]);
        close(end[0]);
        end_.reset(end[1]);
        char answer = 'n';
        UniqueFd ready_fd(ready[0]);
        locked_ = read(ready_fd.get(), &answer, 1) == 1 && answer == 'y';
    }
    ~Holder() { stop(); }
    void stop() {
        if (pid_ <= 0) return;
        end_.reset();
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    bool locked() const { return locked_; }
    pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = 0;
    UniqueFd end_;
    bool locked_ = false;
};

bool lock_flock(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}
bool lock_flock_shared(int fd) {
    return flock(fd, LOCK_SH | LOCK_NB) == 0;
}
template <int Command, short Type>
bool lock_byte_100(int fd) {
    struct flock range {};
    range.l_type = Type;
    range.l_whence = SEEK_SET;
    range.l_start = 100;
    range.l_len = 1;
    return fcntl(fd, Command, &range) == 0;
}

class RdwrLockTest : public RdwrOpenTest {
  protected:
    std::string path_ = dir_.file("disk", 4096);
};

TEST_F(RdwrLockTest, FlockOfAnotherProcessIsNamedAndRefused) {
    Holder holder(path_, O_RDWR, lock_flock);
    ASSERT_TRUE(holder.locked());
    expect_refused(path_, EBUSY, "process " + std::to_string(holder.pid()));
    expect_refused(path_, EBUSY, "in use", {.read_only = true});
    holder.stop();
    EXPECT_TRUE(open_store("rdwr", path_));
}

// QEMU locks single bytes from 100 on with shared open-file-description locks.
TEST_F(RdwrLockTest, RangeLockOnOneByteIsRefused) {
    Holder holder(path_, O_RDWR, lock_byte_100<F_OFD_SETLK, F_RDLCK>);
    ASSERT_TRUE(holder.locked());
    expect_refused(path_, EBUSY, "another user");
}

TEST_F(RdwrLockTest, PosixLockOfAnotherProcessIsNamedAndRefused) {
    Holder holder(path_, O_RDWR, lock_byte_100<F_SETLK, F_WRLCK>);
    ASSERT_TRUE(holder.locked());
    expect_refused(path_, EBUSY, "process " + std::to_string(holder.pid()));
}

TEST_F(RdwrLockTest, ForceOverridesALock) {
    Holder holder(path_, O_RDWR, lock_flock);
    ASSERT_TRUE(holder.locked());
    auto store = open_store("rdwr", path_, {.force = true});
    EXPECT_TRUE(store) << store.error().text;
}

TEST_F(RdwrLockTest, ReadersShareButKeepWritersOut) {
    Holder holder(path_, O_RDONLY, lock_flock_shared);
    ASSERT_TRUE(holder.locked());
    EXPECT_TRUE(open_store("rdwr", path_, {.read_only = true}));
    expect_refused(path_, EBUSY, "in use");
}

TEST_F(RdwrLockTest, OpenStoreKeepsOthersOutUntilItCloses) {
    auto store = open_store("rdwr", path_);
    ASSERT_TRUE(store);
    EXPECT_FALSE(Holder(path_, O_RDWR, lock_flock).locked());
    EXPECT_FALSE(Holder(path_, O_RDWR, lock_flock_shared).locked());
    EXPECT_FALSE(Holder(path_, O_RDWR, (lock_byte_100<F_OFD_SETLK, F_RDLCK>)).locked());
    expect_refused(path_, EBUSY, "this daemon");
    store->reset();
    EXPECT_TRUE(Holder(path_, O_RDWR, lock_flock).locked());
    EXPECT_TRUE(Holder(path_, O_RDWR, (lock_byte_100<F_OFD_SETLK, F_WRLCK>)).locked());
}

}  // namespace
}  // namespace tgt::store::test
