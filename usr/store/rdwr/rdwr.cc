// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/rdwr/rdwr.h"

#include <atomic>
#include <utility>

#include "store/pooled_queue.h"
#include "store/posix/file_store.h"
#include "store/posix/probe.h"
#include "store/posix/transfer.h"

namespace tgt::store {

namespace {

using namespace posix;

class RdwrStore final : public FileStore {
  public:
    RdwrStore(Opened opened, Info info, const OpenRequest& request)
        : FileStore(std::move(opened), std::move(info), request),
          cached_reads_(this->info().features.fast_read) {}

    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override;

    // Without waiting for the device; true when complete.
    bool try_now(Op& op);
    // A write to the page cache.
    bool seldom_waits(const Op& op) const {
        return op.kind == OpKind::write && !op.dsync && !flags().direct && !flags().sync;
    }

  private:
    // Learnt on the way; only a short cut, so that threads may see a change late.
    std::atomic<bool> cached_reads_;
};

class RdwrQueue final : public PooledQueue {
  public:
    RdwrQueue(RdwrStore& store, io::Worker& worker, io::PoolLane& lane)
        : PooledQueue(store, worker, lane), store_(store) {}

  private:
    bool try_now(Op& op) override { return store_.try_now(op); }
    bool seldom_waits(const Op& op) const override { return store_.seldom_waits(op); }
    RdwrStore& store_;
};

std::unique_ptr<StoreQueue> RdwrStore::make_queue(io::Worker& worker, io::PoolLane& lane) {
    return std::make_unique<RdwrQueue>(*this, worker, lane);
}

bool RdwrStore::try_now(Op& op) {
    op.error = refusal(op);
    if (op.error) return true;
    bool hint = op.kind == OpKind::prefetch || op.kind == OpKind::forget;
    if (hint && flags().direct) return true;  // there is no cache to advise
    if (op.kind != OpKind::read || !cached_reads_.load(std::memory_order_relaxed)) return false;
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
    return std::make_unique<RdwrStore>(std::move(*opened), std::move(*info), request);
}

}  // namespace

const Engine rdwr_engine = {
    .name = "rdwr", .flags = "sync:direct", .needs_path = true, .open = open_rdwr};

}  // namespace tgt::store
