// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/smc/smc.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/unique_fd.h"
#include "store/library.h"

namespace tgt::store {

namespace {

constexpr off_t max_text = 32 << 20;
// Who has just been deleted may still be closing it.
constexpr int lock_attempts = 100;
constexpr auto lock_pause = std::chrono::milliseconds(20);

tl::unexpected<Error> failed(std::string_view what, const std::string& path, int error) {
    return fail(error, fmt::format("{} {}: {}", what, path, strerror(error)));
}

struct LockedFile {
    UniqueFd fd;
    struct stat info {};
};

// The lock belongs to the file that has the name: it may be replaced while we wait.
Result<LockedFile> open_locked(const std::string& path, bool force) {
    for (int attempt = 0; attempt < lock_attempts; ++attempt) {
        LockedFile file;
        file.fd = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!file.fd) return failed("cannot open", path, errno);
        if (fstat(file.fd.get(), &file.info) != 0) return failed("cannot look at", path, errno);
        if (!S_ISREG(file.info.st_mode))
            return fail(EINVAL, fmt::format("{} is no regular file: a changer keeps what its "
                                            "library holds in one",
                                            path));
        struct stat named {};
        const bool locked = flock(file.fd.get(), LOCK_EX | LOCK_NB) == 0 || force;
        if (locked && stat(path.c_str(), &named) == 0 && named.st_ino == file.info.st_ino &&
            named.st_dev == file.info.st_dev)
            return file;
        std::this_thread::sleep_for(lock_pause);
    }
    return fail(EBUSY, fmt::format("{} is in use: another changer has its library there", path));
}

Result<std::string> read_text(int fd, const std::string& path, off_t size) {
    if (size > max_text)
        return fail(EFBIG, fmt::format("{} is too large for a changer's file", path));
    std::string text(size_t(size), '\0');
    size_t done = 0;
    while (done < text.size()) {
        const ssize_t n = pread(fd, &text[done], text.size() - done, off_t(done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed("cannot read", path, errno);
        if (n == 0) break;
        done += size_t(n);
    }
    text.resize(done);
    return text;
}

// A UTF-8 JSON text begins so; without it, it is certainly something else.
bool looks_like_ours(std::string_view text) {
    return !text.empty() && text[0] == '{' &&
           text.substr(0, 200).find("\"tgt changer ") != std::string_view::npos;
}

Result<Inventory> understand(const std::string& text, const std::string& path) {
    const bool blank = std::all_of(text.begin(), text.end(), [](char c) { return c == '\0'; });
    if (blank) return Inventory();
    if (!looks_like_ours(text))
        return fail(
            EINVAL,
            fmt::format("{} has other data in it; a changer takes a file that is empty, all "
                        "zeros, or from a changer",
                        path));
    auto inventory = parse_inventory(text);
    if (!inventory)
        return fail(EBADMSG, fmt::format("{} is damaged: {}; mend it, or move it away and start "
                                         "with an empty file",
                                         path, inventory.error().text));
    return inventory;
}

int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        text.remove_prefix(size_t(n));
    }
    return 0;
}

class LibraryFile final : public Store, public Library {
  public:
    LibraryFile(std::string path, LockedFile file, Inventory inventory, bool read_only)
        : path_(std::move(path)), file_(std::move(file)), opened_(std::move(inventory)) {
        info_.read_only = read_only;
    }

    const Info& info() const override { return info_; }
    std::unique_ptr<StoreQueue> make_queue(io::Worker&, io::PoolLane&) override {
        return std::make_unique<Queue>();
    }
    int perform(Op& op) override { return op.error = EOPNOTSUPP; }
    Result<Extent> extent(uint64_t) override {
        return fail(EOPNOTSUPP, "a changer's file has no extents");
    }
    Result<uint64_t> current_size() override { return 0; }
    Library* library() override { return this; }

    const Inventory& opened() const override { return opened_; }
    Result<void> save(const Inventory& inventory) override;

  private:
    class Queue final : public StoreQueue {
      public:
        bool submit(Op& op) override {
            op.error = EOPNOTSUPP;
            return true;
        }
        bool cancel(Op&) override { return false; }
    };
    Result<UniqueFd> write_beside(const std::string& path, const std::string& text) const;

    const std::string path_;
    LockedFile file_;
    const Inventory opened_;
    Info info_;
};

// Whole, synced and locked under a name of its own.
Result<UniqueFd> LibraryFile::write_beside(const std::string& path, const std::string& text) const {
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                     file_.info.st_mode & 0777));
    if (!fd) return failed("cannot create", path, errno);
    // Whose it was, where we may say so.
    if (fchown(fd.get(), file_.info.st_uid, file_.info.st_gid) == 0)
        (void)fchmod(fd.get(), file_.info.st_mode & 0777);
    if (const int error = write_all(fd.get(), text)) return failed("cannot write", path, error);
    if (fsync(fd.get()) != 0) return failed("cannot sync", path, errno);
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return failed("cannot lock", path, errno);
    return fd;
}

// No cartridge beside it has a name with a dot in front (barcode_fault).
std::string name_beside(const std::string& path) {
    const size_t name = path.rfind('/') + 1;
    return path.substr(0, name) + "." + path.substr(name) + ".tmp";
}

Result<void> LibraryFile::save(const Inventory& inventory) {
    const std::string beside = name_beside(path_);
    auto fd = write_beside(beside, inventory_text(inventory));
    if (!fd) {
        unlink(beside.c_str());
        return tl::unexpected(fd.error());
    }
    if (rename(beside.c_str(), path_.c_str()) != 0) {
        const int error = errno;
        unlink(beside.c_str());
        return failed("cannot replace", path_, error);
    }
    file_.fd = std::move(*fd);
    const std::string folder = path_.substr(0, std::max<size_t>(1, path_.rfind('/')));
    const UniqueFd directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || fsync(directory.get()) != 0) return failed("cannot sync", folder, errno);
    return {};
}

Result<std::unique_ptr<Store>> open_library(const OpenRequest& request) {
    // The name that is replaced must not be a symbolic link's.
    char* real = realpath(request.path.c_str(), nullptr);
    if (!real) return failed("cannot open", request.path, errno);
    const std::string path = real;
    free(real);
    auto file = open_locked(path, request.flags.force);
    if (!file) return tl::unexpected(file.error());
    const auto text = read_text(file->fd.get(), path, file->info.st_size);
    if (!text) return tl::unexpected(text.error());
    auto inventory = understand(*text, path);
    if (!inventory) return tl::unexpected(inventory.error());
    return std::make_unique<LibraryFile>(path, std::move(*file), std::move(*inventory),
                                         request.flags.read_only);
}

}  // namespace

const Engine smc_engine = {.name = "smc",
                           .flags = "",
                           .needs_path = true,
                           .open = open_library,
                           .content = Content::library};

}  // namespace tgt::store
