// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/ring_queue.h"

#include <cassert>
#include <cerrno>
#include <climits>

#include "io/ring.h"
#include "io/worker.h"

namespace tgt::store::posix {

namespace {

constexpr io::Duration patience = std::chrono::milliseconds(250);

// What is left of the operation; false when that is neither one piece nor everything.
bool describe(const Op& op, io::Ring::Request& request) {
    request.offset = op.offset + op.done;
    request.pieces = op.iov;
    request.count = op.iov_count;
    if (op.done == 0 && op.iov_count > 1) return op.iov_count <= IOV_MAX;
    uint64_t skip = op.done;
    unsigned piece = 0;
    while (piece < op.iov_count && skip >= op.iov[piece].iov_len) skip -= op.iov[piece++].iov_len;
    if (piece + 1 != op.iov_count) return false;
    request.count = 1;
    request.piece = {static_cast<uint8_t*>(op.iov[piece].iov_base) + skip,
                     op.iov[piece].iov_len - skip};
    return request.piece.iov_len == op.length - op.done && request.piece.iov_len <= INT_MAX;
}

}  // namespace

RingQueue::~RingQueue() {
    assert(in_ring_ == 0);
}

bool RingQueue::start(Op& op, int fd, int rwf_flags) {
    io::Ring* ring = worker_.ring();
    io::Ring::Request request;
    if (!ring || !describe(op, request)) return false;
    using Kind = io::Ring::Request::Kind;
    request.kind = op.kind == OpKind::read ? Kind::read : Kind::write;
    request.fd = fd;
    request.flags = rwf_flags;
    request.task = &op.task;
    op.queue = this;
    op.task.run = ended;
    if (in_ring_++ == 0) progress_ = worker_.timers().now();
    ring->add(request);
    return true;
}

bool RingQueue::stalled() const {
    return in_ring_ > 0 && worker_.timers().now() - progress_ > patience;
}

bool RingQueue::cancel(Op& op) {
    if (op.queue != this) return pool_->cancel(op);
    if (!worker_.ring()->take_back(op.task)) return false;
    --in_ring_;
    op.done = 0;
    return true;
}

// The completion may destroy the queue.
void RingQueue::ended(Task& task) {
    Op& op = op_of(task);
    auto& queue = static_cast<RingQueue&>(*op.queue);
    --queue.in_ring_;
    queue.progress_ = queue.worker_.timers().now();
    if (queue.settle(op, queue.worker_.ring()->result())) op.complete(op);
}

// True when the operation is complete.
bool RingQueue::settle(Op& op, int result) {
    if (result > 0) op.done += uint64_t(result);
    const bool unable = result == -EAGAIN || result == -EOPNOTSUPP || result == -EINTR ||
                        result == -ECANCELED || result == -EINVAL;
    if (unable) refused(op, -result);
    if (unable || (result > 0 && op.done < op.length)) {
        pool_->go_on(op);
        return false;
    }
    // Nothing at all: the end.
    op.error = result > 0 ? 0 : store_.outcome(op, result < 0 ? -result : EIO);
    op.done = 0;
    return true;
}

}  // namespace tgt::store::posix
