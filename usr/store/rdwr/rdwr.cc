// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/rdwr/rdwr.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>

#include "store/pooled_queue.h"
#include "store/posix/open.h"
#include "store/posix/probe.h"
#include "store/posix/space.h"
#include "store/posix/transfer.h"

namespace tgt::store {

namespace {

using namespace posix;

class RdwrStore final : public Store {
  public:
    RdwrStore(Opened opened, Info info, const OpenRequest& request)
        : opened_(std::move(opened)),
          info_(std::move(info)),
          path_(request.path),
          flags_(request.flags),
          cached_reads_(info_.features.fast_read) {}

    const Info& info() const override { return info_; }
    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override;
    int perform(Op& op) override;
    Result<Extent> extent(uint64_t offset) override;
    Result<uint64_t> current_size() override;

    // Without waiting for the device; true when complete.
    bool try_now(Op& op);

  private:
    int read(Op& op) { return read_fully(opened_.fd.get(), op); }
    int write(Op& op);
    int flush(Op& op);
    int discard(Op& op);
    int write_zeroes(Op& op);
    int advise(Op& op);
    int settle(const Op& op);

    const Opened opened_;
    const Info info_;
    const std::string path_;
    const OpenFlags flags_;
    // Learnt on the way; each is only a short cut, so that threads may see a change late.
    std::atomic<bool> cached_reads_;
    std::atomic<bool> dsync_writes_{true};
};

class RdwrQueue final : public PooledQueue {
  public:
    RdwrQueue(RdwrStore& store, io::Worker& worker, io::PoolLane& lane)
        : PooledQueue(store, worker, lane), store_(store) {}

  private:
    bool try_now(Op& op) override { return store_.try_now(op); }
    RdwrStore& store_;
};

std::unique_ptr<StoreQueue> RdwrStore::make_queue(io::Worker& worker, io::PoolLane& lane) {
    return std::make_unique<RdwrQueue>(*this, worker, lane);
}

bool RdwrStore::try_now(Op& op) {
    op.error = 0;
    bool hint = op.kind == OpKind::prefetch || op.kind == OpKind::forget;
    if (hint && flags_.direct) return true;  // there is no cache to advise
    if (op.kind != OpKind::read || !cached_reads_.load(std::memory_order_relaxed)) return false;
    bool supported = true;
    bool complete = read_cached(opened_.fd.get(), op, supported);
    if (!supported) cached_reads_.store(false, std::memory_order_relaxed);
    return complete;
}

int RdwrStore::perform(Op& op) {
    static constexpr std::array<int (RdwrStore::*)(Op&), 7> by_kind = {
        &RdwrStore::read,         &RdwrStore::write,  &RdwrStore::flush,  &RdwrStore::discard,
        &RdwrStore::write_zeroes, &RdwrStore::advise, &RdwrStore::advise,
    };
    static_assert(size_t(OpKind::forget) + 1 == by_kind.size());
    bool changes =
        op.kind == OpKind::write || op.kind == OpKind::discard || op.kind == OpKind::write_zeroes;
    op.error = changes && info_.read_only ? EROFS : (this->*by_kind[size_t(op.kind)])(op);
    op.done = 0;
    return op.error;
}

// RWF_DSYNC makes one write durable without waiting for those of others (pwritev2(2)).
int RdwrStore::write(Op& op) {
    int fd = opened_.fd.get();
    if (!op.dsync || flags_.sync) return write_fully(fd, op, 0);
    if (dsync_writes_.load(std::memory_order_relaxed)) {
        int error = write_fully(fd, op, RWF_DSYNC);
        if (error != EOPNOTSUPP) return error;
        dsync_writes_.store(false, std::memory_order_relaxed);
    }
    int error = write_fully(fd, op, 0);
    return error ? error : flush(op);
}

int RdwrStore::flush(Op&) {
    if (info_.read_only) return 0;
    int failed = 0;
    do failed = fdatasync(opened_.fd.get());
    while (failed && errno == EINTR);
    if (!failed) return 0;
    return errno == EDQUOT ? ENOSPC : errno;
}

// O_SYNC speaks of write(2) only.
int RdwrStore::settle(const Op& op) {
    Op all;
    return op.dsync || flags_.sync ? flush(all) : 0;
}

int RdwrStore::discard(Op& op) {
    int error = posix::discard(opened_.fd.get(), opened_.block_device, op.offset, op.length);
    return error ? error : settle(op);
}

int RdwrStore::write_zeroes(Op& op) {
    int error = posix::write_zeroes(opened_.fd.get(), opened_.block_device, op.offset, op.length);
    return error ? error : settle(op);
}

int RdwrStore::advise(Op& op) {
    int advice = op.kind == OpKind::prefetch ? POSIX_FADV_WILLNEED : POSIX_FADV_DONTNEED;
    posix_fadvise(opened_.fd.get(), off_t(op.offset), off_t(op.length), advice);
    return 0;
}

Result<Extent> RdwrStore::extent(uint64_t offset) {
    auto size = current_size();
    if (!size) return tl::unexpected(size.error());
    if (offset >= *size)
        return fail(EINVAL, fmt::format("{}: an extent begins behind the end", path_));
    if (!info_.features.extents) return Extent{.length = *size - offset, .mapped = true};
    return file_extent(opened_.fd.get(), offset, *size);
}

Result<uint64_t> RdwrStore::current_size() {
    auto size = size_of(opened_.fd.get(), opened_.block_device);
    if (!size) return fail(size.error().code, fmt::format("{}: {}", path_, size.error().text));
    return size;
}

Result<std::unique_ptr<Store>> open_rdwr(const OpenRequest& request) {
    auto opened = open_backing(request);
    if (!opened) return tl::unexpected(opened.error());
    auto info = probe(*opened, request);
    if (!info) return tl::unexpected(info.error());
    return std::make_unique<RdwrStore>(std::move(*opened), std::move(*info), request);
}

}  // namespace

const Engine rdwr_engine = {
    .name = "rdwr", .flags = "sync:direct", .needs_path = true, .open = open_rdwr};

}  // namespace tgt::store
