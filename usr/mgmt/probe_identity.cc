// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/probe_identity.h"

#include <sys/stat.h>

namespace tgt::mgmt {

store::Identity probe_identity(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return {};
    if (S_ISREG(info.st_mode)) return {info.st_dev, info.st_ino, true};
    if (S_ISBLK(info.st_mode)) return {info.st_rdev, 0, true};
    return {};
}

// No file has inode number 0.
bool is_device(const store::Identity& identity) {
    return identity.known && identity.inode == 0;
}

}  // namespace tgt::mgmt
