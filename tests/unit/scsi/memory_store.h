// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "io/worker.h"
#include "store/store.h"

namespace tgt::test {

// A sparse store in memory with holes of one page, for tests: it can fail, hold back and count
// operations. Any thread.
class MemoryStore final : public store::Store {
  public:
    static constexpr uint64_t page_bytes = 4096;

    explicit MemoryStore(uint64_t size);
    ~MemoryStore() override;

    const store::Info& info() const override { return info_; }
    std::unique_ptr<store::StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override;
    int perform(store::Op& op) override;
    Result<store::Extent> extent(uint64_t offset) override;
    Result<uint64_t> current_size() override { return info_.size; }
    store::ScsiPort* scsi_port() override { return port; }

    // ---- for the test ----
    store::Info info_;                // change it before the store is used
    store::ScsiPort* port = nullptr;  // the same
    // The errno for an operation; 0 lets it pass.
    void fail_when(std::function<int(const store::Op&)> fault);
    // Operations of queues complete later, on the worker, instead of inside submit().
    bool asynchronous = false;
    // False: an operation that is held has begun and cannot be cancelled.
    bool cancellable = true;
    // Operations of queues are kept until release_held() (or cancelled).
    void hold(bool on);
    void release_held();
    size_t held() const;
    // What was done, in order; hints included.
    struct Done {
        store::OpKind kind;
        uint64_t offset, length;
        bool dsync;
    };
    std::vector<Done> done() const;
    size_t count(store::OpKind kind) const;
    void forget_done();
    std::vector<uint8_t> bytes(uint64_t offset, size_t length) const;
    void put(uint64_t offset, std::span<const uint8_t> data);
    bool is_hole(uint64_t offset) const;
    // Becomes ready when the store is closed.
    std::future<void> closed() { return closed_.get_future(); }

  private:
    friend class MemoryQueue;
    int carry_out(store::Op& op);
    void read_at(uint64_t offset, std::span<uint8_t> to) const;
    void write_at(uint64_t offset, std::span<const uint8_t> from);
    void clear_range(uint64_t offset, uint64_t length);

    mutable std::mutex mutex_;
    std::map<uint64_t, std::vector<uint8_t>> pages_;
    std::function<int(const store::Op&)> fault_;
    std::vector<Done> done_;
    bool holding_ = false;
    struct Held {
        store::Op* op;
        io::Worker* worker;
    };
    std::vector<Held> held_;
    std::promise<void> closed_;
};

}  // namespace tgt::test
