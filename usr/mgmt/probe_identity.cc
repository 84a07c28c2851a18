// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/probe_identity.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

namespace tgt::mgmt {

store::Identity probe_identity(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return {};
    if (S_ISREG(info.st_mode)) return {info.st_dev, info.st_ino, true};
    using store::Identity;
    if (S_ISBLK(info.st_mode)) return {info.st_rdev, Identity::block_device, true};
    if (S_ISCHR(info.st_mode)) return {info.st_rdev, Identity::character_device, true};
    return {};
}

bool is_unmounted(const std::string& path, const store::Identity& file) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0) return info.st_dev != file.device;
    if (errno != ENOENT && errno != ENOTDIR) return false;
    // Deleted, when its folder is still where it was.
    const std::string folder = std::filesystem::path(path).parent_path();
    return stat(folder.c_str(), &info) != 0 || info.st_dev != file.device;
}

bool is_device(const store::Identity& identity) {
    using store::Identity;
    return identity.known && (identity.inode == Identity::block_device ||
                              identity.inode == Identity::character_device);
}

}  // namespace tgt::mgmt
