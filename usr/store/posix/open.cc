// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/open.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "base/log.h"
#include "store/posix/lock.h"

namespace tgt::store::posix {

namespace {

struct TypeName {
    mode_t type;
    std::string_view name;
};
constexpr std::array<TypeName, 4> unusable_types = {{
    {S_IFDIR, "a directory"},
    {S_IFCHR, "a character device"},
    {S_IFIFO, "a pipe"},
    {S_IFSOCK, "a socket"},
}};

// Before the open, because opening a pipe or a terminal can wait or do something.
Result<bool> is_block_device(const std::string& path) {
    struct stat st;
    if (path.empty()) return fail(EINVAL, "a backing file or device must be named");
    if (stat(path.c_str(), &st) != 0)
        return fail(errno, fmt::format("cannot open {}: {}", path, strerror(errno)));
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) return S_ISBLK(st.st_mode);
    for (const TypeName& type : unusable_types)
        if ((st.st_mode & S_IFMT) == type.type)
            return fail(EINVAL, fmt::format("{} is {}: a regular file or a block device is needed",
                                            path, type.name));
    return fail(EINVAL, fmt::format("{} is neither a regular file nor a block device", path));
}

bool writing_refused(int error) {
    return error == EACCES || error == EROFS || error == EPERM;
}

int open_retrying(const std::string& path, int flags) {
    int fd = -1;
    do fd = open(path.c_str(), flags);
    while (fd < 0 && errno == EINTR);
    return fd;
}

// Nobody asks when a backing file was last read, and keeping that up to date costs time in each
// read. Only the file's owner may do without (open(2)).
int open_without_atime(const std::string& path, int flags) {
    const int fd = open_retrying(path, flags | O_NOATIME);
    return fd < 0 && errno == EPERM ? open_retrying(path, flags) : fd;
}

tl::unexpected<Error> open_failure(const OpenRequest& request, const DirectWish& wish,
                                   bool block_device, int error) {
    const std::string& path = request.path;
    if (error == EBUSY && block_device)
        return fail(EBUSY,
                    fmt::format("{} is in use: it is mounted, or part of a volume, an array or "
                                "another target; end that use, or force",
                                path));
    if (error == EINVAL && request.flags.direct)
        return fail(EINVAL,
                    fmt::format("cannot open {} with {}: its file system has no direct I/O; {}",
                                path, wish.by, wish.instead));
    return fail(error, fmt::format("cannot open {}: {}", path, strerror(error)));
}

// O_EXCL on a block device keeps it from being mounted, and fails when it is (open(2)). Not O_SYNC:
// FileStore makes writes durable one by one, where no other takes their errors.
int open_flags(const OpenFlags& flags, bool block_device) {
    return O_CLOEXEC | (flags.direct ? O_DIRECT : 0) | (block_device && !flags.force ? O_EXCL : 0);
}

// The kernel lets a write-protected device be opened for writing, and fails the writes.
bool write_protected(int fd) {
    int read_only = 0;
    return ioctl(fd, BLKROGET, &read_only) == 0 && read_only;
}

// 0 or an errno value.
int open_for_writing(const OpenRequest& request, int flags, Opened& opened) {
    opened.fd.reset(open_without_atime(request.path, flags | O_RDWR));
    if (!opened.fd) return errno;
    if (!opened.block_device || !write_protected(opened.fd.get())) return 0;
    opened.fd.reset();  // O_EXCL would keep out our own second open
    return EROFS;
}

Result<Opened> open_descriptor(const OpenRequest& request, const DirectWish& wish) {
    auto block_device = is_block_device(request.path);
    if (!block_device) return tl::unexpected(block_device.error());
    Opened opened{.fd = {}, .block_device = *block_device, .read_only = request.flags.read_only};
    int flags = open_flags(request.flags, *block_device);
    int error = 0;
    if (!opened.read_only) {
        error = open_for_writing(request, flags, opened);
        opened.read_only = writing_refused(error);
        if (opened.read_only)
            log::warn(log::Module::store, "{} cannot be written ({}): it is opened read-only",
                      request.path, strerror(error));
    }
    if (opened.read_only) {
        opened.fd.reset(open_without_atime(request.path, flags | O_RDONLY));
        error = opened.fd ? 0 : errno;
    }
    if (error) return open_failure(request, wish, *block_device, error);
    return opened;
}

}  // namespace

Result<Opened> open_backing(const OpenRequest& request, const DirectWish& wish) {
    auto opened = open_descriptor(request, wish);
    if (!opened) return opened;
    struct stat st;
    // The name may have come to mean something else between stat() and open().
    if (fstat(opened->fd.get(), &st) != 0 ||
        !(opened->block_device ? S_ISBLK(st.st_mode) : S_ISREG(st.st_mode)))
        return fail(EAGAIN,
                    fmt::format("{} was replaced while it was opened; try again", request.path));
    auto locked =
        lock_whole_file(opened->fd.get(), request.path, opened->read_only, request.flags.force);
    if (!locked) return tl::unexpected(locked.error());
    return opened;
}

}  // namespace tgt::store::posix
