// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/rdwr/rdwr.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "io/worker.h"
#include "store/pooled_queue.h"
#include "store/posix/file_store.h"
#include "store/posix/probe.h"
#include "store/posix/ring_queue.h"
#include "store/posix/transfer.h"

namespace tgt::store {

namespace {

using namespace posix;

// Whether io_uring reads the object through the page cache without a thread that waits: it does
// where a page tells when it has arrived (FOP_BUFFER_RASYNC in the kernel).
bool pages_tell(const Opened& opened) {
    constexpr long xfs = 0x58465342;
    constexpr std::array<long, 4> able = {EXT4_SUPER_MAGIC, xfs, BTRFS_SUPER_MAGIC,
                                          F2FS_SUPER_MAGIC};
    struct statfs system;
    if (opened.block_device) return true;
    return fstatfs(opened.fd.get(), &system) == 0 &&
           std::find(able.begin(), able.end(), long(system.f_type)) != able.end();
}

class RdwrStore final : public FileStore {
  public:
    RdwrStore(Opened opened, Info info, const OpenRequest& request, bool pages_tell)
        : FileStore(std::move(opened), std::move(info), request),
          pages_tell_(pages_tell),
          cached_reads_(this->info().features.fast_read) {}

    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override;

    // Without waiting for the device; true when complete.
    bool try_now(Op& op);
    // A write to the page cache.
    bool seldom_waits(const Op& op) const {
        return op.kind == OpKind::write && !op.dsync && !flags().direct && !flags().sync;
    }
    // Whether what try_now() could not complete is for the ring.
    bool for_ring(const Op& op) const {
        return op.kind == OpKind::read && pages_tell_ && may_read_ahead();
    }

  private:
    // The kernel would wait for a range that is being given back when it reads ahead.
    bool may_read_ahead() const {
        return cached_reads_.load(std::memory_order_relaxed) && !ranges_change();
    }

    const bool pages_tell_;
    // Learnt on the way; only a short cut, so that threads may see a change late.
    std::atomic<bool> cached_reads_;
};

class RdwrPool final : public PooledQueue {
  public:
    RdwrPool(RdwrStore& store, io::Worker& worker, io::PoolLane& lane)
        : PooledQueue(store, worker, lane), store_(store) {}

  private:
    bool try_now(Op& op) override { return store_.try_now(op); }
    bool seldom_waits(const Op& op) const override { return store_.seldom_waits(op); }
    RdwrStore& store_;
};

// What the page cache has is read in place; the ring reads the rest, and the pool writes: a hung
// device shall not take threads of the kernel that other LUNs need.
class RdwrRing final : public RingQueue {
  public:
    RdwrRing(RdwrStore& store, io::Worker& worker, io::PoolLane& lane)
        : RingQueue(store, worker, std::make_unique<RdwrPool>(store, worker, lane)),
          store_(store) {}

    bool submit(Op& op) override;

  private:
    RdwrStore& store_;
};

// A device that hangs may stop who reads ahead, once its queue is full: then only threads try.
bool RdwrRing::submit(Op& op) {
    op.done = 0;
    const bool hangs = stalled();
    if (!hangs && store_.try_now(op)) {
        op.done = 0;
        return true;
    }
    if (!hangs && store_.for_ring(op) && start(op, store_.fd(), 0)) return false;
    pool().go_on(op);
    return false;
}

std::unique_ptr<StoreQueue> RdwrStore::make_queue(io::Worker& worker, io::PoolLane& lane) {
    if (worker.wants_ring()) return std::make_unique<RdwrRing>(*this, worker, lane);
    return std::make_unique<RdwrPool>(*this, worker, lane);
}

bool RdwrStore::try_now(Op& op) {
    op.error = refusal(op);
    if (op.error) return true;
    bool hint = op.kind == OpKind::prefetch || op.kind == OpKind::forget;
    if (hint && flags().direct) return true;  // there is no cache to advise
    if (op.kind != OpKind::read || !may_read_ahead()) return false;
    bool supported = true;
    bool complete = read_cached(fd(), op, supported);
    if (!supported) cached_reads_.store(false, std::memory_order_relaxed);
    return complete;
}

Result<std::unique_ptr<Store>> open_rdwr(const OpenRequest& request) {
    auto opened = open_backing(request);
    if (!opened) return tl::unexpected(opened.error());
    auto info = probe(*opened, request);
    if (!info) return tl::unexpected(info.error());
    const bool by_ring = !request.flags.direct && pages_tell(*opened);
    return std::make_unique<RdwrStore>(std::move(*opened), std::move(*info), request, by_ring);
}

}  // namespace

const Engine rdwr_engine = {
    .name = "rdwr", .flags = "sync:direct", .needs_path = true, .open = open_rdwr};

}  // namespace tgt::store
