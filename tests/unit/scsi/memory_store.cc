// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/scsi/memory_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tgt::test {

using store::Op;
using store::OpKind;

class MemoryQueue final : public store::StoreQueue {
  public:
    MemoryQueue(MemoryStore& store, io::Worker& worker) : store_(store), worker_(worker) {}

    bool submit(Op& op) override {
        op.queue = this;
        {
            std::lock_guard lock(store_.mutex_);
            if (store_.holding_) {
                store_.held_.push_back({&op, &worker_});
                return false;
            }
        }
        op.error = store_.carry_out(op);
        if (!store_.asynchronous) return true;
        worker_.post([&op] { op.complete(op); });
        return false;
    }
    bool cancel(Op& op) override {
        std::lock_guard lock(store_.mutex_);
        if (!store_.cancellable) return false;
        return std::erase_if(store_.held_, [&](const auto& held) { return held.op == &op; }) > 0;
    }

  private:
    MemoryStore& store_;
    io::Worker& worker_;
};

MemoryStore::MemoryStore(uint64_t size) {
    info_.size = size;
    info_.discard_granularity = page_bytes;
    info_.features.discard = true;
    info_.features.discard_zeroes = true;
    info_.features.extents = true;
    info_.features.fast_read = true;
}

MemoryStore::~MemoryStore() {
    closed_.set_value();
}

std::unique_ptr<store::StoreQueue> MemoryStore::make_queue(io::Worker& worker, io::PoolLane&) {
    return std::make_unique<MemoryQueue>(*this, worker);
}

int MemoryStore::perform(Op& op) {
    return op.error = carry_out(op);
}

int MemoryStore::carry_out(Op& op) {
    std::lock_guard lock(mutex_);
    done_.push_back({op.kind, op.offset, op.length, op.dsync});
    if (fault_)
        if (int error = fault_(op)) return error;
    const bool ranged = op.kind != OpKind::flush;
    if (ranged && (op.offset > info_.size || op.length > info_.size - op.offset)) return EIO;
    if (op.kind == OpKind::discard || op.kind == OpKind::write_zeroes)
        clear_range(op.offset, op.length);
    if (op.kind != OpKind::read && op.kind != OpKind::write) return 0;
    uint64_t at = op.offset;
    for (unsigned i = 0; i < op.iov_count; ++i) {
        auto* base = static_cast<uint8_t*>(op.iov[i].iov_base);
        if (op.kind == OpKind::read)
            read_at(at, {base, op.iov[i].iov_len});
        else
            write_at(at, {base, op.iov[i].iov_len});
        at += op.iov[i].iov_len;
    }
    return at - op.offset == op.length ? 0 : EINVAL;
}

void MemoryStore::read_at(uint64_t offset, std::span<uint8_t> to) const {
    for (size_t done = 0; done < to.size();) {
        const uint64_t at = offset + done, inside = at % page_bytes;
        const size_t bytes = size_t(std::min<uint64_t>(page_bytes - inside, to.size() - done));
        auto page = pages_.find(at / page_bytes);
        if (page == pages_.end())
            std::memset(&to[done], 0, bytes);
        else
            std::memcpy(&to[done], &page->second[inside], bytes);
        done += bytes;
    }
}

void MemoryStore::write_at(uint64_t offset, std::span<const uint8_t> from) {
    for (size_t done = 0; done < from.size();) {
        const uint64_t at = offset + done, inside = at % page_bytes;
        const size_t bytes = size_t(std::min<uint64_t>(page_bytes - inside, from.size() - done));
        auto& page = pages_[at / page_bytes];
        page.resize(page_bytes);
        std::memcpy(&page[inside], &from[done], bytes);
        done += bytes;
    }
}

// Whole pages become holes, parts of pages zeroes.
void MemoryStore::clear_range(uint64_t offset, uint64_t length) {
    const uint64_t end = offset + length;
    auto page = pages_.lower_bound(offset / page_bytes);
    while (page != pages_.end() && page->first * page_bytes < end) {
        const uint64_t start = page->first * page_bytes;
        const uint64_t from = std::max(start, offset), to = std::min(start + page_bytes, end);
        if (to - from == page_bytes) {
            page = pages_.erase(page);
            continue;
        }
        std::memset(&page->second[from - start], 0, to - from);
        ++page;
    }
}

Result<store::Extent> MemoryStore::extent(uint64_t offset) {
    std::lock_guard lock(mutex_);
    if (offset >= info_.size) return fail(ENXIO, "beyond the end");
    const uint64_t first = offset / page_bytes;
    auto page = pages_.lower_bound(first);
    const bool mapped = page != pages_.end() && page->first == first;
    uint64_t end = first;
    if (mapped) {
        for (; page != pages_.end() && page->first == end; ++page) ++end;
        end *= page_bytes;
    } else {
        end = page == pages_.end() ? info_.size : page->first * page_bytes;
    }
    return store::Extent{std::min(end, info_.size) - offset, mapped};
}

void MemoryStore::fail_when(std::function<int(const Op&)> fault) {
    std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
}

void MemoryStore::hold(bool on) {
    std::lock_guard lock(mutex_);
    holding_ = on;
}

void MemoryStore::release_held() {
    std::vector<Held> held;
    {
        std::lock_guard lock(mutex_);
        held.swap(held_);
    }
    for (const Held& one : held) {
        one.op->error = carry_out(*one.op);
        one.worker->post([op = one.op] { op->complete(*op); });
    }
}

size_t MemoryStore::held() const {
    std::lock_guard lock(mutex_);
    return held_.size();
}

std::vector<MemoryStore::Done> MemoryStore::done() const {
    std::lock_guard lock(mutex_);
    return done_;
}

size_t MemoryStore::count(OpKind kind) const {
    std::lock_guard lock(mutex_);
    return size_t(std::count_if(done_.begin(), done_.end(),
                                [&](const Done& done) { return done.kind == kind; }));
}

void MemoryStore::forget_done() {
    std::lock_guard lock(mutex_);
    done_.clear();
}

std::vector<uint8_t> MemoryStore::bytes(uint64_t offset, size_t length) const {
    std::lock_guard lock(mutex_);
    std::vector<uint8_t> data(length);
    read_at(offset, data);
    return data;
}

void MemoryStore::put(uint64_t offset, std::span<const uint8_t> data) {
    std::lock_guard lock(mutex_);
    write_at(offset, data);
}

bool MemoryStore::is_hole(uint64_t offset) const {
    std::lock_guard lock(mutex_);
    return pages_.count(offset / page_bytes) == 0;
}

}  // namespace tgt::test
