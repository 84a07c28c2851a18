// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the fault store share: a medium in memory that keeps a record, and a fault
// store over it.
#pragma once

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/log.h"
#include "store/fault/fault_store.h"
#include "store/pooled_queue.h"
#include "tests/unit/store/fixture.h"

namespace tgt::store::test {

// Memory as a medium. What reached it is recorded in order; it fails on demand. Any thread.
class MemoryStore final : public Store {
  public:
    static constexpr size_t medium_bytes = 1 << 20;

    struct Record {
        OpKind kind;
        uint64_t offset, length;
        bool dsync;
        bool operator==(const Record&) const = default;
    };

    MemoryStore() : medium_(medium_bytes) {
        info_.size = medium_bytes;
        info_.features = {
            .discard = true, .discard_zeroes = true, .fast_read = true, .extents = true};
        info_.identity = {.device = 1, .inode = 2, .known = true};
        info_.lasting_id = "memory";
    }
    const Info& info() const override { return info_; }
    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override {
        if (pooled_) return std::make_unique<PooledQueue>(*this, worker, lane);
        return std::make_unique<InsideQueue>(*this);
    }
    int perform(Op& op) override {
        if (before_) before_(op);
        int error = carry_out(op);
        if (after_) after_(op);
        return error;
    }
    Result<Extent> extent(uint64_t offset) override {
        return Extent{.length = medium_bytes - offset, .mapped = false};
    }
    Result<uint64_t> current_size() override { return medium_bytes; }

    // For tests.
    Info& change_info() { return info_; }
    void complete_on_pool() { pooled_ = true; }
    void fail(OpKind kind, int error) {
        std::lock_guard lock(mutex_);
        fail_kind_ = kind;
        fail_with_ = error;
    }
    // Something that happens while an operation is with the medium, before or after it is done.
    // Set while nothing is in flight.
    using Hook = std::function<void(const Op&)>;
    void before(Hook hook) { before_ = std::move(hook); }
    void after(Hook hook) { after_ = std::move(hook); }
    std::vector<Record> log() {
        std::lock_guard lock(mutex_);
        return log_;
    }
    std::vector<Record> log_of(OpKind kind) {
        auto records = log();
        std::erase_if(records, [&](const Record& record) { return record.kind != kind; });
        return records;
    }
    bool all(uint64_t offset, uint64_t length, uint8_t value) {
        std::lock_guard lock(mutex_);
        auto first = medium_.begin() + ptrdiff_t(offset);
        return std::all_of(first, first + ptrdiff_t(length),
                           [&](uint8_t byte) { return byte == value; });
    }
    std::vector<uint8_t> bytes() {
        std::lock_guard lock(mutex_);
        return medium_;
    }
    void fill(uint8_t value) {
        std::lock_guard lock(mutex_);
        std::fill(medium_.begin(), medium_.end(), value);
    }

  private:
    class InsideQueue final : public StoreQueue {
      public:
        explicit InsideQueue(MemoryStore& store) : store_(store) {}
        bool submit(Op& op) override {
            op.error = store_.perform(op);
            return true;
        }
        bool cancel(Op&) override { return false; }

      private:
        MemoryStore& store_;
    };

    int carry_out(Op& op) {
        std::lock_guard lock(mutex_);
        log_.push_back({op.kind, op.offset, op.length, op.dsync});
        if (op.kind == fail_kind_ && fail_with_) return fail_with_;
        if (op.kind == OpKind::read || op.kind == OpKind::write) return move(op);
        if (op.kind == OpKind::discard || op.kind == OpKind::write_zeroes)
            memset(medium_.data() + op.offset, 0, op.length);
        return 0;
    }
    int move(Op& op) {
        if (op.offset + op.length > medium_.size()) return EIO;
        uint8_t* at = medium_.data() + op.offset;
        for (unsigned i = 0; i < op.iov_count; at += op.iov[i++].iov_len)
            op.kind == OpKind::read ? memcpy(op.iov[i].iov_base, at, op.iov[i].iov_len)
                                    : memcpy(at, op.iov[i].iov_base, op.iov[i].iov_len);
        return 0;
    }

    Info info_;
    Hook before_, after_;
    std::mutex mutex_;
    std::vector<uint8_t> medium_;
    std::vector<Record> log_;
    OpKind fail_kind_ = OpKind::flush;
    int fail_with_ = 0;
    bool pooled_ = false;
};

// A fault store over memory, one queue of it, and a clock that the test turns.
class FaultTest : public QueueTest {
  protected:
    FaultTest() {
        log::set_level(log::Module::store, log::Level::warning);
        auto memory = std::make_unique<MemoryStore>();
        medium_ = memory.get();
        store_ = std::make_unique<fault::FaultStore>(
            std::move(memory), fault::FaultStore::Settings{.path = "/disk", .engine = "memory"});
        queue_ = store_->make_queue(worker_, lane_);
        worker_.turn_for_test(now_);
    }

    void set(std::string_view name, std::string_view value) {
        auto done = store_->update(name, value);
        ASSERT_TRUE(done) << name << '=' << value << ": " << done.error().text;
    }
    std::string shown(std::string_view name) const {
        for (const auto& [key, value] : store_->parameters())
            if (key == name) return value;
        return "there is no " + std::string(name);
    }
    // One turn of the worker, so much later.
    void turn(io::Duration later = {}) { worker_.turn_for_test(now_ += later); }
    void turn_until(const std::function<bool()>& done) {
        while (!done()) {
            turn();
            std::this_thread::yield();
        }
    }
    void wait_until(const std::function<bool()>& done) {
        while (!done()) std::this_thread::yield();
    }
    // By the queue; the outcome.
    int submit(TestOp& op) {
        op.error = -1;
        op.completed = false;
        if (!queue_->submit(op)) turn_until([&] { return op.completed; });
        return op.error;
    }
    int submit(TestOp&& op) { return submit(op); }
    int perform(TestOp&& op) { return store_->perform(op); }

    io::TimePoint now_ = io::TimePoint(std::chrono::hours(1));
    MemoryStore* medium_ = nullptr;
    std::unique_ptr<fault::FaultStore> store_;
    std::unique_ptr<StoreQueue> queue_;
};

// The same with the cache on, over a medium full of 'm'.
class FaultCacheTest : public FaultTest {
  protected:
    FaultCacheTest() {
        medium_->fill('m');
        set("cache", "on");
    }
    int write(uint64_t offset, size_t length, uint8_t value, bool dsync = false) {
        TestOp op(OpKind::write, offset, length, value);
        op.dsync = dsync;
        return store_->perform(op);
    }
    int flush() { return perform(TestOp(OpKind::flush, 0, 0)); }
    // The value that all bytes of the range read as, or '?'.
    char reads(uint64_t offset, size_t length) {
        TestOp op(OpKind::read, offset, length, 'r');
        EXPECT_EQ(store_->perform(op), 0);
        return op.all(op.memory[0]) ? char(op.memory[0]) : '?';
    }
};

}  // namespace tgt::store::test
