// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/unique_fd.h"

namespace tgt::config {

// --- the disk
// -------------------------------------------------------------------------------------

Files::Kind DiskFiles::kind(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return Kind::missing;
    if (S_ISREG(status.st_mode)) return Kind::file;
    return S_ISDIR(status.st_mode) ? Kind::directory : Kind::other;
}

Result<std::string> DiskFiles::read(const std::string& path) {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string out;
    char piece[65536];
    ssize_t count = fd ? 0 : -1;
    while (fd && (count = ::read(fd.get(), piece, sizeof(piece))) != 0) {
        if (count < 0 && errno != EINTR) break;
        if (count > 0) out.append(piece, size_t(count));
    }
    if (count < 0) return fail(errno, std::strerror(errno));
    return out;
}

Result<std::vector<std::string>> DiskFiles::list(const std::string& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(opendir(directory.c_str()), closedir);
    if (!handle) return fail(errno, std::strerror(errno));
    std::vector<std::string> out;
    while (const dirent* entry = readdir(handle.get()))
        if (kind(directory + "/" + entry->d_name) == Kind::file) out.emplace_back(entry->d_name);
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> DiskFiles::glob(const std::string& pattern) {
    glob_t found = {};
    std::vector<std::string> out;
    if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; ++i)
            if (kind(found.gl_pathv[i]) == Kind::file) out.emplace_back(found.gl_pathv[i]);
    globfree(&found);
    return out;
}

std::string DiskFiles::identity(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return path;
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

// --- memory
// ---------------------------------------------------------------------------------------

namespace {

std::string folder_prefix(std::string path) {
    if (path.empty() || path.back() != '/') path += '/';
    return path;
}

}  // namespace

Files::Kind MemoryFiles::kind(const std::string& path) {
    if (files_.count(path) != 0) return Kind::file;
    const std::string prefix = folder_prefix(path);
    const auto next = files_.lower_bound(prefix);
    const bool folder = next != files_.end() && next->first.compare(0, prefix.size(), prefix) == 0;
    return folder ? Kind::directory : Kind::missing;
}

Result<std::string> MemoryFiles::read(const std::string& path) {
    const auto it = files_.find(path);
    if (it == files_.end()) return fail(ENOENT, std::strerror(ENOENT));
    return it->second;
}

Result<std::vector<std::string>> MemoryFiles::list(const std::string& directory) {
    const std::string prefix = folder_prefix(directory);
    std::vector<std::string> out;
    for (const auto& [path, text] : files_) {
        const bool inside = path.compare(0, prefix.size(), prefix) == 0;
        if (inside && path.find('/', prefix.size()) == std::string::npos)
            out.push_back(path.substr(prefix.size()));
    }
    return out;
}

std::vector<std::string> MemoryFiles::glob(const std::string& pattern) {
    std::vector<std::string> out;
    for (const auto& [path, text] : files_)
        if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
            out.push_back(path);
    return out;
}

}  // namespace tgt::config
