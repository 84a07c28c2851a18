// SPDX-License-Identifier: GPL-2.0-or-later
// Linux tells a write-back error once to each open file description (errseq_t): of two flushes that
// run at once on one description, one may take the error and the other answer success for data that
// is lost.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "base/unique_fd.h"
#include "io/clock.h"

namespace tgt::store::posix {

// What DurableCalls needs of the system; tests put a model in its place. Any thread.
class DurableSystem {
  public:
    virtual ~DurableSystem() = default;
    // Another open file description of the same object, for reading and writing, with direct I/O if
    // `fd` has it; nothing when the system refuses. Blocking.
    virtual UniqueFd reopen(int fd) const;
    // The write-back error that the description of `fd` has not told yet; it is told now. 0: none,
    // or the file system does not say. Does not wait for the device.
    virtual int untold_error(int fd) const;
    virtual io::TimePoint now() const;
};
const DurableSystem& durable_system();

// Runs the calls that tell write-back errors - flushes, and writes that are on the medium when they
// return - each on a description that no other call uses meanwhile. The outcome is also an error
// when another call was told one since this began, or within `aftermath` before it ended: by then
// the owner of the store knows, and decides what becomes of later flushes. An error older than that
// is not told again.
// Owns its descriptors, at most as many as calls ran at once; the main one outlives it, and is used
// for such calls only, one at a time, when the system gives no other. Any thread of the pool.
class DurableCalls {
  public:
    static constexpr auto aftermath = std::chrono::seconds(2);
    // 0 or an errno value.
    using Call = std::function<int(int fd)>;

    explicit DurableCalls(int main_fd, const DurableSystem& system = durable_system())
        : main_fd_(main_fd), system_(system) {}
    DurableCalls(const DurableCalls&) = delete;

    // The outcome of the call, or the errno value of a write-back error. Whatever a flush fails
    // with is one; a write may fail by itself alone.
    int flush(const Call& call) { return run(call, true); }
    int write(const Call& call) { return run(call, false); }

  private:
    struct Lease {
        UniqueFd fd;  // none: the main one
        uint64_t errors_before = 0;
    };
    int run(const Call& call, bool flushes);
    Lease take();
    int give_back(Lease lease, int error, bool flushes);
    std::vector<UniqueFd> note(int error);

    const int main_fd_;
    const DurableSystem& system_;
    std::mutex main_use_;  // before `mutex_` where both are held
    std::mutex mutex_;
    std::vector<UniqueFd> idle_;  // opened, and used, since the last error only
    uint64_t errors_ = 0;         // told so far
    int last_error_ = 0;
    io::TimePoint last_told_{};
};

}  // namespace tgt::store::posix
