// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/file_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "store/posix/bounce.h"
#include "store/posix/errors.h"
#include "store/posix/lasting_id.h"
#include "store/posix/probe.h"
#include "store/posix/space.h"
#include "store/posix/transfer.h"

namespace tgt::store::posix {

namespace {

bool moves_data(OpKind kind) {
    return kind == OpKind::read || kind == OpKind::write;
}

bool changes(OpKind kind) {
    return kind == OpKind::write || kind == OpKind::discard || kind == OpKind::write_zeroes;
}

// Of the device that is open; empty where sysfs does not show it, as in some containers.
std::string listed_folder(const Opened& opened) {
    struct stat st;
    if (!opened.block_device || fstat(opened.fd.get(), &st) != 0) return {};
    std::string folder = sysfs_folder_of(st.st_rdev);
    return access(folder.c_str(), F_OK) == 0 ? folder : std::string();
}

}  // namespace

FileStore::FileStore(Opened opened, Info info, const OpenRequest& request)
    : opened_(std::move(opened)),
      info_(std::move(info)),
      path_(request.path),
      flags_(request.flags),
      sysfs_folder_(listed_folder(opened_)),
      size_(info_.size) {}

int FileStore::perform(Op& op) {
    static constexpr std::array<int (FileStore::*)(Op&), 7> by_kind = {
        &FileStore::read,         &FileStore::write,  &FileStore::flush,  &FileStore::discard,
        &FileStore::write_zeroes, &FileStore::advise, &FileStore::advise,
    };
    static_assert(size_t(OpKind::forget) + 1 == by_kind.size());
    op.error = refusal(op);
    if (op.error == 0) op.error = outcome(op, (this->*by_kind[size_t(op.kind)])(op));
    op.done = 0;
    return op.error;
}

int FileStore::refusal(const Op& op) const {
    if (!moves_data(op.kind) && !changes(op.kind)) return 0;
    if (changes(op.kind) && info_.read_only) return EROFS;
    uint64_t size = size_.load(std::memory_order_relaxed);
    if (op.offset <= size && op.length <= size - op.offset) return 0;
    return size == 0 && opened_.block_device ? ENODEV : EIO;
}

// A device that is pulled out has no bytes any more: reads end at once, writes find no space.
int FileStore::outcome(const Op& op, int error) const {
    if (!opened_.block_device || (error != EIO && error != ENOSPC)) return plain_error(error);
    auto size = size_of(fd(), true);
    if (!size || *size == 0 || vanished()) return ENODEV;
    return moves_data(op.kind) && op.offset + op.length > *size ? EIO : error;
}

bool FileStore::vanished() const {
    return !sysfs_folder_.empty() && access(sysfs_folder_.c_str(), F_OK) != 0 && errno == ENOENT;
}

int FileStore::read(Op& op) {
    return needs_bounce(op, info_.required_alignment) ? read_bounced(fd(), op)
                                                      : read_fully(fd(), op);
}

int FileStore::write_to(int fd, Op& op, int rwf_flags) {
    return needs_bounce(op, info_.required_alignment) ? write_bounced(fd, op, rwf_flags)
                                                      : write_fully(fd, op, rwf_flags);
}

// RWF_DSYNC makes one write durable without waiting for those of others (pwritev2(2)).
int FileStore::write(Op& op) {
    bool durable = op.dsync || flags_.sync;
    if (durable && dsync_writes_.load(std::memory_order_relaxed)) {
        int error =
            durable_.write([this, &op](int own_fd) { return write_to(own_fd, op, RWF_DSYNC); });
        if (error != EOPNOTSUPP) return error;
        dsync_writes_.store(false, std::memory_order_relaxed);
    }
    int error = write_to(fd(), op, 0);
    return error || !durable ? error : flush(op);
}

int FileStore::flush(Op&) {
    if (info_.read_only) return 0;
    return durable_.flush([](int own_fd) {
        int failed = 0;
        do failed = fdatasync(own_fd);
        while (failed && errno == EINTR);
        return failed ? plain_error(errno) : 0;
    });
}

int FileStore::settle(const Op& op) {
    Op all;
    return op.dsync || flags_.sync ? flush(all) : 0;
}

int FileStore::change_range(RangeCall call, const Op& op) {
    changing_ranges_.fetch_add(1, std::memory_order_relaxed);
    const int error = call(fd(), opened_.block_device, op.offset, op.length);
    changing_ranges_.fetch_sub(1, std::memory_order_relaxed);
    return error ? error : settle(op);
}

int FileStore::discard(Op& op) {
    return change_range(posix::discard, op);
}

int FileStore::write_zeroes(Op& op) {
    return change_range(posix::write_zeroes, op);
}

int FileStore::advise(Op& op) {
    int advice = op.kind == OpKind::prefetch ? POSIX_FADV_WILLNEED : POSIX_FADV_DONTNEED;
    posix_fadvise(fd(), off_t(op.offset), off_t(op.length), advice);
    return 0;
}

Result<Extent> FileStore::extent(uint64_t offset) {
    auto size = current_size();
    if (!size) return tl::unexpected(size.error());
    if (offset >= *size)
        return fail(EINVAL, fmt::format("{}: an extent begins behind the end", path_));
    if (!info_.features.extents) return Extent{.length = *size - offset, .mapped = true};
    return file_extent(fd(), offset, *size);
}

Result<uint64_t> FileStore::current_size() {
    if (vanished()) return fail(ENODEV, fmt::format("{}: the device is gone", path_));
    auto size = size_of(fd(), opened_.block_device);
    if (!size) return fail(size.error().code, fmt::format("{}: {}", path_, size.error().text));
    size_.store(*size, std::memory_order_relaxed);
    return size;
}

}  // namespace tgt::store::posix
