// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/aio/store.h"

#include <sys/uio.h>

#include <cerrno>
#include <climits>
#include <utility>

#include "base/log.h"
#include "io/worker.h"
#include "store/aio/aio.h"
#include "store/aio/queue.h"
#include "store/posix/bounce.h"
#include "store/posix/probe.h"
#include "store/posix/ring_queue.h"

namespace tgt::store {

namespace aio {

namespace {

constexpr posix::DirectWish wish = {.by = "the backing-store type aio",
                                    .instead = "use the type rdwr"};

// As AioQueue, through the ring that the worker has for all its LUNs.
class AioRing final : public posix::RingQueue {
  public:
    AioRing(AioStore& store, io::Worker& worker, io::PoolLane& lane)
        : RingQueue(store, worker, std::make_unique<PooledQueue>(store, worker, lane)),
          store_(store) {}

    bool submit(Op& op) override {
        op.error = store_.refusal(op);
        if (op.error || op.kind == OpKind::prefetch || op.kind == OpKind::forget) return true;
        op.done = 0;
        if (!store_.asynchronous(op) || !start(op, store_.fd_for(op), store_.flags_for(op)))
            pool().go_on(op);
        return false;
    }

  private:
    void refused(Op& op, int error) override {
        if (error == EOPNOTSUPP) store_.refused(op);
    }
    AioStore& store_;
};

}  // namespace

AioStore::AioStore(posix::Opened opened, Info info, const OpenRequest& request,
                   const Options& options)
    : FileStore(std::move(opened), std::move(info), request),
      options_(options),
      dsync_fd_(this->info().read_only ? UniqueFd() : posix::durable_system().reopen(fd())) {}

std::unique_ptr<StoreQueue> AioStore::make_queue(io::Worker& worker, io::PoolLane& lane) {
    if (worker.wants_ring()) return std::make_unique<AioRing>(*this, worker, lane);
    return std::make_unique<AioQueue>(*this, worker, lane);
}

bool AioStore::asynchronous(const Op& op) const {
    if (op.kind != OpKind::read && op.kind != OpKind::write) return false;
    if (!nowait_.load(std::memory_order_relaxed) || op.length == 0) return false;
    if (durable(op) && (!dsync_fd_ || !dsync_.load(std::memory_order_relaxed))) return false;
    return op.iov_count <= IOV_MAX && aligned(op);
}

bool AioStore::aligned(const Op& op) const {
    uint32_t alignment = info().required_alignment;
    return op.offset % alignment == 0 && op.length % alignment == 0 &&
           !posix::needs_bounce(op, alignment);
}

int AioStore::flags_for(const Op& op) const {
    return RWF_NOWAIT | (durable(op) ? RWF_DSYNC : 0);
}

void AioStore::prepare(const Op& op, iocb& request) const {
    auto offset = static_cast<long long>(op.offset);
    auto prep = op.kind == OpKind::read ? io_prep_preadv : io_prep_pwritev;
    prep(&request, fd_for(op), op.iov, int(op.iov_count), offset);
    request.aio_rw_flags = flags_for(op);
}

// If it was RWF_NOWAIT after all, the next operation that is not durable finds out.
void AioStore::refused(const Op& op) {
    if (durable(op))
        dsync_.store(false, std::memory_order_relaxed);
    else if (nowait_.exchange(false, std::memory_order_relaxed))
        log::info(
            log::Module::store,
            "{}: its file system or device cannot promise not to wait (RWF_NOWAIT): reads and "
            "writes go through threads",
            path());
}

void AioStore::retire(std::unique_ptr<Ring> ring) {
    std::lock_guard lock(mutex_);
    retired_.push_back(std::move(ring));
}

Result<std::unique_ptr<Store>> open_aio(const OpenRequest& request, const Options& options) {
    OpenRequest direct = request;
    direct.flags.direct = true;
    auto opened = posix::open_backing(direct, wish);
    if (!opened) return tl::unexpected(opened.error());
    auto info = posix::probe(*opened, direct, wish);
    if (!info) return tl::unexpected(info.error());
    return std::make_unique<AioStore>(std::move(*opened), std::move(*info), direct, options);
}

}  // namespace aio

const Engine aio_engine = {
    .name = "aio", .flags = "", .needs_path = true, .open = [](const OpenRequest& request) {
        return aio::open_aio(request, {});
    }};

}  // namespace tgt::store
