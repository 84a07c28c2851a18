// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/durable_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"

namespace tgt::mgmt {

namespace {

constexpr const char* temporary_suffix = ".tmp";
constexpr int max_put_aside = 1000;

tl::unexpected<Error> failed(const char* what, const std::string& path, int error) {
    return fail(error, fmt::format("{} {}: {}", what, path, strerror(error)));
}

Result<void> sync_folder(const std::string& folder) {
    const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return failed("cannot open", folder, errno);
    if (fsync(fd.get()) != 0) return failed("cannot sync", folder, errno);
    return {};
}

int write_all(int fd, const std::string& content) {
    size_t done = 0;
    while (done < content.size()) {
        const ssize_t n = write(fd, content.data() + done, content.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        done += size_t(n);
    }
    return 0;
}

Result<void> write_and_sync(const std::string& path, const std::string& content) {
    const UniqueFd fd(
        open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return failed("cannot create", path, errno);
    if (const int error = write_all(fd.get(), content)) return failed("cannot write", path, error);
    if (fsync(fd.get()) != 0) return failed("cannot sync", path, errno);
    return {};
}

// Network file systems do not take the flag; then nobody else uses the folder anyway.
int rename_without_replacing(const std::string& from, const std::string& to) {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL) return errno;
    struct stat info {};
    if (lstat(to.c_str(), &info) == 0) return EEXIST;
    return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Result<void> make_folder(const std::string& folder) {
    if (mkdir(folder.c_str(), 0700) == 0) return {};
    if (errno != EEXIST) return failed("cannot make the folder", folder, errno);
    struct stat info {};
    if (stat(folder.c_str(), &info) != 0) return failed("cannot look at", folder, errno);
    if (!S_ISDIR(info.st_mode)) return failed("cannot use", folder, ENOTDIR);
    return {};
}

Result<void> write_durably(const std::string& folder, const std::string& name,
                           const std::string& content) {
    const std::string path = folder + "/" + name;
    const std::string temporary = path + temporary_suffix;
    if (auto written = write_and_sync(temporary, content); !written) {
        unlink(temporary.c_str());
        return written;
    }
    if (rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        unlink(temporary.c_str());
        return failed("cannot replace", path, error);
    }
    return sync_folder(folder);
}

Result<void> remove_durably(const std::string& folder, const std::string& name) {
    const std::string path = folder + "/" + name;
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed("cannot remove", path, errno);
    return sync_folder(folder);
}

Result<std::optional<std::string>> read_file(const std::string& path, size_t max_bytes) {
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd && errno == ENOENT) return std::nullopt;
    if (!fd) return failed("cannot open", path, errno);
    std::string content;
    char piece[16384];
    for (;;) {
        const ssize_t n = read(fd.get(), piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed("cannot read", path, errno);
        if (n == 0) return content;
        content.append(piece, size_t(n));
        if (content.size() > max_bytes) return failed("cannot read", path, EFBIG);
    }
}

Result<std::string> put_aside(const std::string& folder, const std::string& name) {
    const std::string path = folder + "/" + name;
    for (int i = 1; i <= max_put_aside; ++i) {
        const std::string aside = path + ".bad" + (i == 1 ? "" : fmt::format(".{}", i));
        const int error = rename_without_replacing(path, aside);
        if (error == 0) return aside;
        if (error != EEXIST) return failed("cannot rename", path, error);
    }
    return failed("cannot find a free name for", path, EEXIST);
}

}  // namespace tgt::mgmt
