// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/devices.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"
#include "tgt-admin/scsi_identity.h"

namespace tgt::tgt_admin {
namespace {

namespace fs = std::filesystem;

// Two device nodes of one device are the same medium, two names of one file, too.
std::string key_of(const struct stat& info) {
    if (S_ISBLK(info.st_mode)) return fmt::format("b{}", info.st_rdev);
    if (S_ISCHR(info.st_mode)) return fmt::format("c{}", info.st_rdev);
    return fmt::format("{}:{}", info.st_dev, info.st_ino);
}

// Directories, sockets and pipes are no media.
bool is_medium(const struct stat& info) {
    return S_ISREG(info.st_mode) || S_ISBLK(info.st_mode) || S_ISCHR(info.st_mode);
}

std::optional<int> pid_of(const std::string& name) {
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return pid;
}

std::string name_of(int pid) {
    std::ifstream file(fmt::format("/proc/{}/comm", pid));
    std::string name;
    std::getline(file, name);
    return name;
}

// Calls `found` for every entry; folders that vanish meanwhile end early.
template <class Function>
void each_entry(const std::string& folder, Function found) {
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error))
        found(entry->path().string(), entry->path().filename().string());
}

}  // namespace

bool SystemDevices::exists(const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0;
}

std::string SystemDevices::key(const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 ? key_of(info) : path;
}

// Linux: O_EXCL without O_CREAT on a block device fails while something in the kernel has it.
bool SystemDevices::taken_by_system(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0 || !S_ISBLK(info.st_mode)) return false;
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC));
    return !fd && errno == EBUSY;
}

void SystemDevices::look_at_processes() {
    open_.emplace();
    each_entry("/proc", [&](const std::string& folder, const std::string& name) {
        const auto pid = pid_of(name);
        if (!pid || *pid == getpid()) return;
        each_entry(folder + "/fd", [&](const std::string& link, const std::string&) {
            struct stat info {};
            if (stat(link.c_str(), &info) != 0 || !is_medium(info)) return;
            auto& who = (*open_)[key_of(info)];
            if (who.empty() || who.back().pid != *pid) who.push_back({*pid, name_of(*pid)});
        });
    });
}

std::vector<Process> SystemDevices::holders(const std::string& path) {
    if (!open_) look_at_processes();
    const auto found = open_->find(key(path));
    return found == open_->end() ? std::vector<Process>() : found->second;
}

Result<Identity> SystemDevices::identity(const std::string& path) {
    return scsi_identity(path);
}

}  // namespace tgt::tgt_admin
