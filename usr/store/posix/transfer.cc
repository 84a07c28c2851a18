// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/transfer.h"

#include <array>

#include "store/posix/errors.h"

namespace tgt::store::posix {

namespace {

struct Window {
    std::array<iovec, 64> pieces;
    int count = 0;
};

// The memory from op.done on, as far as one window reaches.
Window window_of(const Op& op) {
    Window window;
    uint64_t skip = op.done;
    for (unsigned i = 0; i < op.iov_count && window.count < int(window.pieces.size()); ++i) {
        const iovec& piece = op.iov[i];
        if (skip >= piece.iov_len) {
            skip -= piece.iov_len;
            continue;
        }
        window.pieces[size_t(window.count++)] = {static_cast<uint8_t*>(piece.iov_base) + skip,
                                                 piece.iov_len - skip};
        skip = 0;
    }
    return window;
}

using Transfer = ssize_t (*)(int, const iovec*, int, off_t, int);

// 0 when something was moved. `nothing_moved` is the outcome when the call moved nothing without an
// error.
int move_once(Transfer transfer, int fd, Op& op, int rwf_flags, int nothing_moved) {
    Window window = window_of(op);
    if (window.count == 0) return EINVAL;  // length is more than the memory
    ssize_t moved = -1;
    do
        moved =
            transfer(fd, window.pieces.data(), window.count, off_t(op.offset + op.done), rwf_flags);
    while (moved < 0 && errno == EINTR);
    // Direct I/O goes on from where it stopped only if that is aligned: it was the end.
    if (moved < 0) return errno == EINVAL && op.done > 0 ? EIO : plain_error(errno);
    if (moved == 0) return nothing_moved;
    op.done += uint64_t(moved);
    return 0;
}

int move_all(Transfer transfer, int fd, Op& op, int rwf_flags) {
    int error = 0;
    while (error == 0 && op.done < op.length) error = move_once(transfer, fd, op, rwf_flags, EIO);
    return error;
}

}  // namespace

int read_fully(int fd, Op& op) {
    return move_all(preadv2, fd, op, 0);
}

int write_fully(int fd, Op& op, int rwf_flags) {
    return move_all(pwritev2, fd, op, rwf_flags);
}

bool read_cached(int fd, Op& op, bool& supported) {
    int error = 0;
    while (error == 0 && op.done < op.length) {
        uint64_t before = op.done;
        Window window = window_of(op);
        uint64_t wanted = 0;
        for (int i = 0; i < window.count; ++i) wanted += window.pieces[size_t(i)].iov_len;
        error = move_once(preadv2, fd, op, RWF_NOWAIT, EAGAIN);
        // A short read ends at a page that is not cached, or at the end of the file: the pool finds
        // out.
        if (error == 0 && op.done - before < wanted) break;
    }
    if (error == EOPNOTSUPP || error == EINVAL) supported = false;
    return op.done >= op.length;
}

}  // namespace tgt::store::posix
