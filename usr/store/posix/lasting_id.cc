// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/lasting_id.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <array>
#include <cstring>
#include <fstream>

namespace tgt::store::posix {

namespace {

// In order of preference; those of the kind that a device does not have are not there.
constexpr std::array<const char*, 6> naming_attributes = {
    "dm/uuid", "md/uuid", "wwid", "device/wwid", "device/cid", "serial",
};

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.pop_back();
    return line;
}

std::string name_below(const std::string& folder) {
    for (const char* attribute : naming_attributes) {
        std::string value = first_line(fmt::format("{}/{}", folder, attribute));
        if (!value.empty()) return fmt::format("{}:{}", attribute, value);
    }
    return {};
}

}  // namespace

std::string lasting_id_of_file(int fd) {
    struct statfs fs {};
    struct statx stx {};
    if (fstatfs(fd, &fs) != 0 || statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &stx) != 0 ||
        !(stx.stx_mask & STATX_INO))
        return {};
    std::array<uint32_t, 2> fsid{};
    static_assert(sizeof(fs.f_fsid) == sizeof(fsid));
    memcpy(fsid.data(), &fs.f_fsid, sizeof(fsid));
    bool born = stx.stx_mask & STATX_BTIME;
    if (fsid[0] == 0 && fsid[1] == 0 && !born) return {};
    std::string id = fmt::format("file:{:08x}{:08x}:{}", fsid[0], fsid[1], uint64_t(stx.stx_ino));
    if (born)
        id += fmt::format(":{}.{:09}", int64_t(stx.stx_btime.tv_sec),
                          uint32_t(stx.stx_btime.tv_nsec));
    return id;
}

std::string lasting_id_of_device(const std::string& sysfs_folder) {
    std::string own = name_below(sysfs_folder);
    std::string partition = first_line(sysfs_folder + "/partition");
    if (!own.empty() || partition.empty()) return own;
    std::string parent = name_below(sysfs_folder + "/..");
    return parent.empty() ? parent : fmt::format("{}:{}", parent, partition);
}

std::string sysfs_folder_of(dev_t device) {
    return fmt::format("/sys/dev/block/{}:{}", major(device), minor(device));
}

}  // namespace tgt::store::posix
