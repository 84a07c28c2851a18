// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/fault_store.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "base/log.h"
#include "store/fault/fault_queue.h"

namespace tgt::store::fault {

namespace {

// The first `bytes` of the operation's memory.
std::vector<iovec> first_pieces(const Op& op, uint64_t bytes) {
    std::vector<iovec> pieces;
    for (unsigned i = 0; i < op.iov_count && bytes > 0; ++i) {
        iovec piece = op.iov[i];
        piece.iov_len = std::min<uint64_t>(piece.iov_len, bytes);
        bytes -= piece.iov_len;
        pieces.push_back(piece);
    }
    return pieces;
}

}  // namespace

FaultStore::FaultStore(std::unique_ptr<Store> inner, Settings settings)
    : inner_(std::move(inner)),
      settings_(std::move(settings)),
      cache_(*inner_, settings_.block_size, settings_.cache_limit) {}

FaultStore::~FaultStore() {
    if (const uint64_t lost = cache_.stats().unflushed)
        log::warn(log::Module::store,
                  "{}: closed with {} bytes that were not flushed: they are lost", settings_.path,
                  lost);
}

std::unique_ptr<StoreQueue> FaultStore::make_queue(io::Worker& worker, io::PoolLane& lane) {
    return std::make_unique<FaultQueue>(*this, worker, lane);
}

int FaultStore::perform(Op& op) {
    if (!rules_.any()) {
        op.error = run(op);
        return op.error;
    }
    Verdict verdict = rules_.judge(op);
    if (verdict.delay > io::Duration(0)) std::this_thread::sleep_for(verdict.delay);
    op.error = act(op, verdict);
    op.done = 0;
    return op.error;
}

int FaultStore::act(Op& op, const Verdict& verdict) {
    using Action = Verdict::Action;
    switch (verdict.action) {
        case Action::pass:
            break;
        case Action::fail:
            return verdict.error;
        case Action::short_:
            return run_short(op, verdict.bytes, verdict.error);
        case Action::hang:
            hung_.wait(verdict.at_most);
            break;
        case Action::reorder:
            return act_reorder(op, verdict);
    }
    return run(op);
}

int FaultStore::act_reorder(Op& op, const Verdict& verdict) {
    verdict.together->join_and_wait(op, *verdict.at_most, [this](Op& one) { return run(one); });
    return op.error;
}

// What direct I/O could not do is left out.
int FaultStore::run_short(const Op& op, uint64_t bytes, int error) {
    bytes -= bytes % info().required_alignment;
    if (bytes == 0) return error;
    std::vector<iovec> pieces = first_pieces(op, bytes);
    Op part;
    part.kind = op.kind;
    part.dsync = op.dsync;
    part.offset = op.offset;
    part.length = bytes;
    part.iov = pieces.data();
    part.iov_count = unsigned(pieces.size());
    int failed = run(part);
    return failed ? failed : error;
}

Result<Extent> FaultStore::extent(uint64_t offset) {
    return cached() ? cache_.extent(offset) : inner_->extent(offset);
}

}  // namespace tgt::store::fault
