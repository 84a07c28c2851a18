// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtimg/disk_image.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstring>

#include "base/unique_fd.h"

namespace tgt::tgtimg {
namespace {

constexpr int exit_create = 2;
constexpr int exit_set_size = 6;
constexpr mode_t image_mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;

// Asked beforehand, so that a size that cannot fit does not fill the file system for a moment
// under everybody else. root has what the file system reserves for it, too.
bool fits(int fd, uint64_t size) {
    struct statvfs fs = {};
    if (fstatvfs(fd, &fs) != 0 || fs.f_frsize == 0) return true;
    return size / fs.f_frsize <= (geteuid() == 0 ? fs.f_bfree : fs.f_bavail);
}

// An errno value, 0 for success.
int set_size(int fd, uint64_t size, bool thin) {
    if (thin) return ftruncate(fd, off_t(size)) == 0 ? 0 : errno;
    if (!fits(fd, size)) return ENOSPC;
    return posix_fallocate(fd, 0, off_t(size));
}

}  // namespace

Result<void> create_disk(const std::string& path, uint64_t size, bool thin) {
    const UniqueFd fd(open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, image_mode));
    if (!fd)
        return fail(exit_create, fmt::format("Failed creating file: {}\n", std::strerror(errno)));
    if (const int error = set_size(fd.get(), size, thin)) {
        unlink(path.c_str());
        return fail(exit_set_size,
                    fmt::format("Failed to set file size: {}\n", std::strerror(error)));
    }
    return {};
}

}  // namespace tgt::tgtimg
