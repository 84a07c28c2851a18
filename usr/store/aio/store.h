// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "store/aio/ring.h"
#include "store/posix/file_store.h"

namespace tgt::store::aio {

struct Options {
    const System& system = aio::system();
    unsigned depth = 128;  // requests in flight of one worker
};

// Owns, beside the descriptors, the rings of queues that are gone: only the store is closed where
// waiting is allowed. Any thread, as store.h says.
class AioStore final : public posix::FileStore {
  public:
    AioStore(posix::Opened opened, Info info, const OpenRequest& request, const Options& options);

    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override;

    const Options& options() const { return options_; }
    // Whether the kernel can do the operation without ever making io_submit() wait, as far as we
    // know.
    bool asynchronous(const Op& op) const;
    // The descriptor for it, and RWF_* flags.
    int fd_for(const Op& op) const { return durable(op) ? dsync_fd_.get() : fd(); }
    int flags_for(const Op& op) const;
    // Fills in the request, but for its owner and its event.
    void prepare(const Op& op, iocb& request) const;
    // The kernel has refused the way asynchronous() promised: not again.
    void refused(const Op& op);
    // For the end of a queue. Nothing is in flight.
    void retire(std::unique_ptr<Ring> ring);

  private:
    bool aligned(const Op& op) const;
    static bool durable(const Op& op) { return op.kind == OpKind::write && op.dsync; }

    const Options options_;
    // For writes that are durable when they return: they must not take errors from the main
    // description (posix::DurableCalls).
    const UniqueFd dsync_fd_;
    std::atomic<bool> nowait_{true};
    std::atomic<bool> dsync_{true};
    std::mutex mutex_;
    std::vector<std::unique_ptr<Ring>> retired_;
};

// Blocking, as Engine::open.
Result<std::unique_ptr<Store>> open_aio(const OpenRequest& request, const Options& options);

}  // namespace tgt::store::aio
