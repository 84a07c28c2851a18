// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/log.h"

namespace tgt::store::posix {

namespace {

// udev locks a block device for a moment whenever somebody has closed it after writing.
constexpr int device_attempts = 10;
constexpr auto busy_pause = std::chrono::milliseconds(50);

struct flock whole_file(short type) {
    struct flock range {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    return range;
}

bool means_held(int error) {
    return error == EWOULDBLOCK || error == EACCES;
}

bool means_unsupported(int error) {
    return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL;
}

int take_flock(int fd, bool read_only) {
    int error = 0;
    do error = flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 ? 0 : errno;
    while (error == EINTR);
    return error;
}

int take_range_lock(int fd, bool read_only) {
    struct flock range = whole_file(read_only ? F_RDLCK : F_WRLCK);
    int error = 0;
    do error = fcntl(fd, F_OFD_SETLK, &range) == 0 ? 0 : errno;
    while (error == EINTR);
    return error;
}

int attempts_for(int fd, bool force) {
    struct stat st;
    return !force && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) ? device_attempts : 1;
}

int with_patience(int (*take)(int, bool), int fd, bool read_only, int attempts) {
    int error = take(fd, read_only);
    while (means_held(error) && --attempts > 0) {
        std::this_thread::sleep_for(busy_pause);
        error = take(fd, read_only);
    }
    return error;
}

// A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF" (proc(5)).
pid_t flock_holder(int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0) return 0;
    std::string wanted =
        fmt::format("{:02x}:{:02x}:{}", major(st.st_dev), minor(st.st_dev), st.st_ino);
    std::ifstream locks("/proc/locks");
    std::string number, kind, advice, mode, pid, object, rest;
    while (locks >> number >> kind >> advice >> mode >> pid >> object && std::getline(locks, rest))
        if (kind == "FLOCK" && object == wanted) return pid_t(atol(pid.c_str()));
    return 0;
}

// 0 or less when the holder has a lock that belongs to an open file, not to a process.
pid_t range_lock_holder(int fd, bool read_only) {
    struct flock range = whole_file(read_only ? F_RDLCK : F_WRLCK);
    if (fcntl(fd, F_OFD_GETLK, &range) != 0 || range.l_type == F_UNLCK) return 0;
    return range.l_pid;
}

std::string holder_text(pid_t pid) {
    if (pid <= 0) return "another user";
    if (pid == getpid()) return "this daemon";
    return fmt::format("process {}", pid);
}

Result<void> judge(int error, const std::string& path, pid_t holder, bool force) {
    if (error == 0 || (means_held(error) && force)) return {};
    if (means_held(error))
        return fail(EBUSY,
                    fmt::format("{} is in use: {} holds a lock on it; end that use, or force", path,
                                holder_text(holder)));
    if (means_unsupported(error)) {
        log::warn(log::Module::store, "{}: no lock to keep others out: {}", path, strerror(error));
        return {};
    }
    return fail(error, fmt::format("cannot lock {}: {}", path, strerror(error)));
}

}  // namespace

Result<void> lock_whole_file(int fd, const std::string& path, bool read_only, bool force) {
    int attempts = attempts_for(fd, force);
    int error = with_patience(take_flock, fd, read_only, attempts);
    if (auto done = judge(error, path, error ? flock_holder(fd) : 0, force); !done) return done;
    error = with_patience(take_range_lock, fd, read_only, attempts);
    return judge(error, path, error ? range_lock_holder(fd, read_only) : 0, force);
}

}  // namespace tgt::store::posix
