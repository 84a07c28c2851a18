// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <string>

#include "store/posix/durable.h"
#include "store/posix/open.h"

namespace tgt::store::posix {

// A store on a regular file or a block device, but for its queues: what the engines on descriptors
// share. Owns the descriptors. Any thread may call it, as store.h says.
class FileStore : public Store {
  public:
    FileStore(Opened opened, Info info, const OpenRequest& request);

    const Info& info() const final { return info_; }
    // Goes on from op.done.
    int perform(Op& op) final;
    Result<Extent> extent(uint64_t offset) final;
    // From here on, what lies within this size can be used, and nothing behind it: a file that was
    // cut short does not grow again by being written to.
    Result<uint64_t> current_size() final;

    int fd() const { return opened_.fd.get(); }
    const std::string& path() const { return path_; }
    const OpenFlags& flags() const { return flags_; }

    // Why the operation cannot begin: EROFS, EIO for what reaches past the end, ENODEV; else 0.
    // Without waiting.
    int refusal(const Op& op) const;
    // The outcome of an operation that ended with `error`: a device that has gone says so in many
    // ways. Without waiting.
    int outcome(const Op& op, int error) const;
    // Whether a range is being discarded or zeroed: what then has to fill the page cache waits for
    // that. Without waiting.
    bool ranges_change() const { return changing_ranges_.load(std::memory_order_relaxed) > 0; }

  private:
    using RangeCall = int (*)(int fd, bool block_device, uint64_t offset, uint64_t length);
    int change_range(RangeCall call, const Op& op);
    int read(Op& op);
    int write(Op& op);
    int flush(Op& op);
    int discard(Op& op);
    int write_zeroes(Op& op);
    int advise(Op& op);
    int write_to(int fd, Op& op, int rwf_flags);
    int settle(const Op& op);
    bool vanished() const;

    const Opened opened_;
    const Info info_;
    const std::string path_;
    const OpenFlags flags_;
    const std::string sysfs_folder_;  // empty: not a device, or not listed there
    std::atomic<uint64_t> size_;      // as last seen
    // Learnt on the way; only a short cut, so that threads may see a change late.
    std::atomic<bool> dsync_writes_{true};
    std::atomic<unsigned> changing_ranges_{0};
    DurableCalls durable_{opened_.fd.get()};
};

}  // namespace tgt::store::posix
