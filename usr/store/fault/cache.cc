// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/cache.h"

#include <algorithm>
#include <array>

#include "store/fault/random.h"

namespace tgt::store::fault {

namespace {

using Kind = Overlay::Kind;

constexpr std::array<OpKind, 3> op_kinds = {OpKind::write, OpKind::write_zeroes, OpKind::discard};

Kind kind_of(OpKind kind) {
    auto* found = std::find(op_kinds.begin(), op_kinds.end(), kind);
    return Kind(found - op_kinds.begin());
}

// Without data there are no blocks to tear, and ranges are long.
constexpr uint64_t dataless_block = 65536;

}  // namespace

int VolatileCache::perform(Op& op) {
    static constexpr std::array<int (VolatileCache::*)(Op&), 7> by_kind = {
        &VolatileCache::read,   &VolatileCache::change, &VolatileCache::flush,
        &VolatileCache::change, &VolatileCache::change, &VolatileCache::pass,
        &VolatileCache::pass,
    };
    static_assert(size_t(OpKind::forget) + 1 == by_kind.size());
    return (this->*by_kind[size_t(op.kind)])(op);
}

// The slices are taken before the inner store is read: what is written back between the two is in
// one of them.
int VolatileCache::read(Op& op) {
    std::unique_lock lock(mutex_);
    auto slices = overlay_.find(op.offset, op.length);
    lock.unlock();
    int error = covers(slices, op) ? 0 : inner_.perform(op);
    if (!error) copy_to_memory(slices, op);
    return error;
}

bool VolatileCache::supported(const Op& op) const {
    const Info& info = inner_.info();
    bool sane = op.length <= UINT64_MAX - op.offset;
    return sane && !info.read_only && (op.kind != OpKind::discard || info.features.discard);
}

bool VolatileCache::hold(const Op& op) {
    const Kind kind = kind_of(op.kind);
    std::lock_guard lock(mutex_);
    if (!on_ || overlay_.memory() + Overlay::memory_for(op, kind) > limit_) return false;
    overlay_.put(op, kind);
    return true;
}

// What cannot be held is the inner store's to do, or to refuse.
int VolatileCache::change(Op& op) {
    if (op.dsync || !supported(op)) return through(op);
    if (hold(op)) return 0;
    {
        std::lock_guard writing(writing_);
        if (int error = write_back(nullptr)) return error;
    }
    return hold(op) ? 0 : through(op);
}

int VolatileCache::through(Op& op) {
    std::lock_guard writing(writing_);
    std::unique_lock lock(mutex_);
    const uint64_t newest = overlay_.generation();
    lock.unlock();
    int error = inner_.perform(op);
    lock.lock();
    if (!error) overlay_.drop(op.offset, op.length, newest);
    return error;
}

int VolatileCache::flush(Op& op) {
    std::lock_guard writing(writing_);
    return write_back(&op);
}

// Held until the inner store has flushed, too: after a failure nothing is lost, and the next flush
// tries again.
int VolatileCache::write_back(Op* flush) {
    std::unique_lock lock(mutex_);
    const auto slices = overlay_.all();
    const uint64_t newest = overlay_.generation();
    lock.unlock();
    for (const Overlay::Slice& slice : slices)
        if (int error = write_slice(slice, slice.offset, slice.length)) return error;
    int error = flush ? inner_.perform(*flush) : 0;
    lock.lock();
    if (!error) overlay_.drop(0, UINT64_MAX, newest);
    return error;
}

int VolatileCache::write_slice(const Overlay::Slice& slice, uint64_t from, uint64_t length) {
    iovec memory{const_cast<uint8_t*>(slice.bytes.get()), length};
    Op op;
    op.kind = op_kinds[size_t(slice.kind)];
    op.offset = from;
    op.length = length;
    if (slice.kind == Kind::data) {
        memory.iov_base = static_cast<uint8_t*>(memory.iov_base) + (from - slice.offset);
        op.iov = &memory;
        op.iov_count = 1;
    }
    return inner_.perform(op);
}

void VolatileCache::turn_on() {
    std::lock_guard writing(writing_);
    std::lock_guard lock(mutex_);
    on_ = true;
    active_.store(true, std::memory_order_release);
}

int VolatileCache::turn_off() {
    std::lock_guard writing(writing_);
    std::unique_lock lock(mutex_);
    if (!on_) return 0;
    on_ = false;  // from here on nothing is added, and writes wait for their turn
    lock.unlock();
    Op everything;
    everything.kind = OpKind::flush;
    everything.length = inner_.info().size;
    int error = write_back(&everything);
    lock.lock();
    on_ = error != 0;
    active_.store(on_, std::memory_order_release);
    return error;
}

void VolatileCache::set_limit(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    limit_ = bytes;
}

VolatileCache::Lost VolatileCache::lose(std::optional<uint64_t> seed) {
    std::lock_guard writing(writing_);
    std::unique_lock lock(mutex_);
    const auto slices = overlay_.all();
    const uint64_t newest = overlay_.generation();
    lock.unlock();
    Lost lost;
    if (seed)
        lost.error = keep_some(slices, *seed, lost.bytes);
    else
        for (const Overlay::Slice& slice : slices) lost.bytes += slice.length;
    if (lost.error) return {.bytes = 0, .error = lost.error};
    lock.lock();
    overlay_.drop(0, UINT64_MAX, newest);
    return lost;
}

// A block's fate follows from its place, so that pieces of one block share it.
int VolatileCache::keep_some(const std::vector<Overlay::Slice>& slices, uint64_t seed,
                             uint64_t& lost) {
    for (const Overlay::Slice& slice : slices) {
        const uint64_t unit = slice.kind == Kind::data ? block_ : dataless_block;
        const uint64_t end = slice.offset + slice.length;
        for (uint64_t from = slice.offset, to; from < end; from = to) {
            to = std::min(end, from + (unit - from % unit));
            if (mixed(seed ^ mixed(from / unit)) & 1)
                lost += to - from;
            else if (int error = write_slice(slice, from, to - from))
                return error;
        }
    }
    return 0;
}

Result<Extent> VolatileCache::extent(uint64_t offset) {
    std::unique_lock lock(mutex_);
    auto slices = overlay_.find(offset, UINT64_MAX);
    lock.unlock();
    auto below = inner_.extent(offset);
    if (!below || slices.empty()) return below;
    const Overlay::Slice& next = slices.front();
    if (next.offset > offset)
        return Extent{.length = std::min(below->length, next.offset - offset),
                      .mapped = below->mapped};
    return Extent{.length = next.length, .mapped = next.kind != Kind::discard};
}

VolatileCache::Stats VolatileCache::stats() const {
    std::lock_guard lock(mutex_);
    return {.on = on_, .limit = limit_, .memory = overlay_.memory(), .unflushed = overlay_.bytes()};
}

}  // namespace tgt::store::fault
