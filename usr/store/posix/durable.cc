// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/durable.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <utility>

#include "store/posix/errors.h"

namespace tgt::store::posix {

namespace {

bool means_unsupported(int error) {
    return error == ENOSYS || error == EINVAL || error == ESPIPE || error == EBADF ||
           error == EPERM || error == EINTR;
}

}  // namespace

// By way of /proc, since the name may lead elsewhere by now. Without O_EXCL: the main descriptor
// holds the claim on a device.
UniqueFd DurableSystem::reopen(int fd) const {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return UniqueFd();
    std::string path = fmt::format("/proc/self/fd/{}", fd);
    return UniqueFd(open(path.c_str(), O_RDWR | O_CLOEXEC | (flags & O_DIRECT)));
}

// Waits for write-back of a range in which nothing can be.
int DurableSystem::untold_error(int fd) const {
    constexpr off_t behind_everything = off_t(1) << 62;
    if (sync_file_range(fd, behind_everything, 1, SYNC_FILE_RANGE_WAIT_BEFORE) == 0) return 0;
    return means_unsupported(errno) ? 0 : errno;
}

io::TimePoint DurableSystem::now() const {
    return io::Clock::now();
}

const DurableSystem& durable_system() {
    static const DurableSystem system;
    return system;
}

int DurableCalls::run(const Call& call, bool flushes) {
    Lease lease = take();
    if (lease.fd) {
        int error = call(lease.fd.get());
        return give_back(std::move(lease), error, flushes);
    }
    // A failed write may have taken an error of others from the main description.
    std::lock_guard alone(main_use_);
    int error = call(main_fd_);
    return give_back(std::move(lease), error, true);
}

DurableCalls::Lease DurableCalls::take() {
    Lease lease;
    std::unique_lock lock(mutex_);
    lease.errors_before = errors_;
    if (!idle_.empty()) {
        lease.fd = std::move(idle_.back());
        idle_.pop_back();
        return lease;
    }
    lock.unlock();
    lease.fd = system_.reopen(main_fd_);
    return lease;
}

// No durable call runs on the main description, so that it has every error to tell: also those that
// a descriptor which was opened later does not know of, because another call has taken them.
int DurableCalls::give_back(Lease lease, int error, bool flushes) {
    std::vector<UniqueFd> closed;  // closing may wait, hence without the lock
    std::lock_guard lock(mutex_);
    int lost = system_.untold_error(main_fd_);
    if (!lost && flushes) lost = error;
    if (lost) closed = note(lost);
    bool concerned = lease.errors_before != errors_;
    if (!concerned && lease.fd) idle_.push_back(std::move(lease.fd));
    if (error) return error;
    bool fresh = errors_ > 0 && system_.now() < last_told_ + aftermath;
    return concerned || fresh ? last_error_ : 0;
}

// The idle descriptors would tell the error again, perhaps long after it was dealt with.
std::vector<UniqueFd> DurableCalls::note(int error) {
    ++errors_;
    last_error_ = plain_error(error);
    last_told_ = system_.now();
    return std::exchange(idle_, {});
}

}  // namespace tgt::store::posix
